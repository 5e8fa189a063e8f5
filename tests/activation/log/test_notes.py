"""Signed notes and keys."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activation.log import KeyProblem, NoteRefused, PublicKey, SigningKey, load_or_create_key
from activation.log.checkpoints import BatchHeader
from activation.log.keys import KEY_FILE
from activation.log.notes import split
from tests.activation.log.worlds import KEY, ORIGIN, entropy

# A note signed by another implementation: the example in the documentation of Go's sumdb/note.
FOREIGN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
FOREIGN_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\N{EM DASH} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_note_that_another_implementation_signed_is_accepted() -> None:
    key = PublicKey.parse(FOREIGN_KEY)
    assert key.open(FOREIGN_NOTE).endswith("what your problem is.\n")
    assert key.text() == FOREIGN_KEY


def test_a_note_opens_with_its_key_and_with_no_other() -> None:
    note = KEY.sign("first\n\nsecond\n")
    assert KEY.public.open(note) == "first\n\nsecond\n"
    with pytest.raises(NoteRefused, match="no signature"):
        SigningKey(ORIGIN, b"\x02" * 32).public.open(note)
    with pytest.raises(NoteRefused, match="doesn't fit"):
        KEY.public.open(note.replace("first", "fi1st"))


def test_a_witness_may_add_its_signature_to_a_note() -> None:
    witness = SigningKey("example.org/witness", b"\x03" * 32)
    text = "origin\n1\n"
    cosigned = KEY.sign(text) + witness.sign(text).rpartition("\n\n")[2]
    assert KEY.public.open(cosigned) == witness.public.open(cosigned) == text


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\nno signature\n",
        "text\n\n\N{EM DASH} name AAAA\n",
        "text\n\n\N{EM DASH} name !!!!\n",
        FOREIGN_NOTE.removesuffix("\n"),
        FOREIGN_NOTE.replace("problem,", "problem\t,"),
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(NoteRefused, match="not a signed note"):
        split(note)


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first = load_or_create_key(tmp_path / "keys", origin=ORIGIN, entropy=entropy)
    again = load_or_create_key(tmp_path / "keys", origin=ORIGIN, entropy=bytes)
    assert again.public == first.public
    assert stat.S_IMODE((tmp_path / "keys" / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert [path.name for path in (tmp_path / "keys").iterdir()] == [KEY_FILE]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_or_create_key(tmp_path, origin=ORIGIN, entropy=entropy)
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(KeyProblem, match="chmod 600"):
        load_or_create_key(tmp_path, origin=ORIGIN, entropy=entropy)


def test_a_key_of_another_origin_is_refused(tmp_path: Path) -> None:
    load_or_create_key(tmp_path, origin=ORIGIN, entropy=entropy)
    with pytest.raises(KeyProblem, match=r"signs for example\.com/decisions"):
        load_or_create_key(tmp_path, origin="example.com/other", entropy=entropy)


@pytest.mark.parametrize("origin", ["", "two words", "with+plus", "line\nbreak"])
def test_an_origin_that_would_frame_another_note_is_refused(origin: str) -> None:
    with pytest.raises(KeyProblem, match="origin"):
        SigningKey(origin, b"\x01" * 32)


def test_a_damaged_private_key_is_refused_without_being_quoted(tmp_path: Path) -> None:
    load_or_create_key(tmp_path, origin=ORIGIN, entropy=entropy)
    text = (tmp_path / KEY_FILE).read_text()
    for damaged in (text[:-9], text.replace("PRIVATE", "PUBLIC"), text[:-4] + "AAA\n", ""):
        (tmp_path / KEY_FILE).write_text(damaged)
        with pytest.raises(KeyProblem) as caught:
            load_or_create_key(tmp_path, origin=ORIGIN, entropy=entropy)
        assert text.strip().rpartition("+")[2][:12] not in str(caught.value)


def test_a_signing_key_does_not_show_itself() -> None:
    assert repr(KEY) == f"SigningKey({ORIGIN}+{KEY.public.key_id.hex()})"


def test_a_damaged_public_key_is_refused() -> None:
    text = KEY.public.text()
    for damaged in ("", "a", text[:-1], text.replace(ORIGIN, "example.com/other")):
        with pytest.raises(KeyProblem, match="public key"):
            PublicKey.parse(damaged)


def header() -> BatchHeader:
    at = datetime(2026, 11, 20, 6, tzinfo=UTC)
    return BatchHeader(3, 20, b"\x05" * 32, at, "r_1", at, "none", ORIGIN)


def test_a_checkpoint_has_origin_size_and_root_as_its_first_lines() -> None:
    text = header().text()
    assert text.split("\n")[:3] == [ORIGIN, "20", "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU="]
    assert BatchHeader.parse(text) == header()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n20\n", "\n020\n"),
        ("\n20\n", "\n+20\n"),
        ("\n20\n", "\n٢٠\n"),
        ("batch 3", "batch  3"),
        ("BQUFBQU=", "BQUFBQV="),
        ("release r_1", "release r 1"),
        ("T06:00:00.000000Z", "T06:00:00.0Z"),
        ("previous none\n", ""),
        ("previous none\n", "previous none\nmore x\n"),
    ],
)
def test_a_checkpoint_in_any_other_spelling_is_refused(old: str, new: str) -> None:
    text = header().text().replace(old, new)
    assert text != header().text()
    with pytest.raises(NoteRefused):
        BatchHeader.parse(text)
