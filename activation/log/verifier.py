"""Verify a decision log without the software that wrote it.

    python verifier.py LOG_DIR --public-key FILE [--copies DIR] [--proof FILE]
    python verifier.py --public-key FILE [--copies DIR] --proof FILE
    python verifier.py --public-key FILE [--copies DIR] --consistency FILE --checkpoint OLD

Needs Python 3.11, pyarrow and cryptography, and nothing else. It is one file, long as it is, and
shares no line with the log's own code, so that a stranger can read it from top to bottom, copy it
and run it. Take the public key (and, for --copies and --checkpoint, earlier checkpoints) from a
place that the log's keeper can't alter.

Row i of the log is the leaf sha256(0x00 || json), json being the array ["assent-decision-2", batch,
seq, ..., commitment] of texts and nulls, without spaces, non-ASCII as it is. Leaves form an RFC
9162 tree; after each batch its size and root are signed (c2sp.org/tlog-checkpoint, Ed25519).
A row's commitment is hex sha256(digest || json), digest being the 32 bytes sha256(key || seq ||
":" || context) and json the array of its references: decision, person, subject, evidence, once_key,
bucket. They stand in openings/, from where they may be erased: then the row still verifies, and
nothing tells whom it is about. In batches of the older form "assent-decision-1" the references are
part of the row, and the commitment is hex digest.
A note in transitions/ lets another key sign from a batch on; the key you trust may be any of them.

Exit status: 0 all holds, 1 something doesn't, 2 the arguments can't be used.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

# fmt: off
COLUMNS = {
    "assent-decision-2": [
        "batch", "seq", "node", "journey", "as_of", "outcome", "reason", "action", "channel",
        "purpose", "lawful_basis", "watermark", "policies", "gate_mask", "arm", "release",
        "commitment",
    ],
    "assent-decision-1": [
        "batch", "seq", "decision_id", "person_id", "node", "journey", "subject_id", "as_of",
        "outcome", "reason", "action", "channel", "purpose", "lawful_basis", "evidence",
        "watermark", "policies", "once_key", "gate_mask", "arm", "bucket", "release", "commitment",
    ],
}
REFERENCES = ["decision_id", "person_id", "subject_id", "evidence", "once_key", "bucket"]
# fmt: on
OLD = "assent-decision-1"
DISTINCT = {"seq", "commitment", "decision_id"}
OPENING = {
    "assent-decision-2": [
        ("seq", pa.int64()),
        *((name, pa.string()) for name in REFERENCES),
        ("key", pa.binary()),
        ("context", pa.string()),
        ("digest", pa.binary()),
    ],
    OLD: [
        ("person_id", pa.string()),
        ("seq", pa.int64()),
        ("key", pa.binary()),
        ("context", pa.string()),
    ],
}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
BODY = re.compile(
    r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9]\d{0,17})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    rf"batch (?P<number>0|[1-9]\d{{0,17}})\nas-of (?P<as_of>{TIME})\nrelease [!-~]+\n"
    r"(?:inputs (?P<inputs>[A-Za-z0-9+/]{43}=)\n)?"
    rf"sealed-at (?P<sealed_at>{TIME})\n"
    r"previous (?P<previous>[^\n]+)\n",
    re.ASCII,
)
TRANSITION = re.compile(
    r"(?P<origin>[^\n]+)\nkey-transition (?P<number>[1-9]\d{0,8})\n"
    r"after-batch (?P<after>0|[1-9]\d{0,17})\nold-key (?P<old>[^\n]+)\nnew-key (?P<new>[^\n]+)\n"
    rf"at (?P<at>{TIME})\nprevious (?P<previous>[^\n]+)\n",
    re.ASCII,
)
ESCAPED = '["\\\\\\x00-\\x1f]'
encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Finding(NamedTuple):
    """One thing that doesn't hold."""

    file: str
    seq: int | None
    code: str
    problem: str


class Report(NamedTuple):
    """What was recomputed."""

    batches: int
    rows: int
    openings: int
    root: bytes
    uncommitted: bool
    findings: list[Finding]


class Checkpoint(NamedTuple):
    """The signed head of the log after one batch."""

    origin: str
    number: int
    size: int
    root: bytes
    previous: str
    inputs: str | None


class Key(NamedTuple):
    """A signed-note verifier key: name+id+base64(0x01 || 32 bytes)."""

    name: str
    key_id: bytes
    raw: bytes


class Transition(NamedTuple):
    """From the batch after this one on, another key signs."""

    number: int
    after: int
    old: Key
    new: Key
    previous: str
    digest: str


class Range:
    """The perfect subtrees over the leaves so far: a binary counter of hashes."""

    def __init__(self, size: int = 0, nodes: tuple[bytes, ...] = ()) -> None:
        self.size = size
        self.nodes = list(nodes)

    def push(self, node: bytes) -> None:
        size = self.size
        while size & 1:
            node = hashlib.sha256(b"\x01" + self.nodes.pop() + node).digest()
            size >>= 1
        self.nodes.append(node)
        self.size += 1

    def gives(self, checkpoint: Checkpoint) -> bool:
        node = self.nodes[-1] if self.nodes else hashlib.sha256(b"").digest()
        for left in reversed(self.nodes[:-1]):
            node = hashlib.sha256(b"\x01" + left + node).digest()
        return (self.size, node) == (checkpoint.size, checkpoint.root)


def unbase64(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("base64 is not canonical")
    return raw


def parse_key(text: str) -> Key:
    name, key_id, encoded = text.strip().split("+", 2)
    raw = unbase64(encoded)
    digest = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if not name or len(raw) != 33 or raw[0] != 1 or digest.hex() != key_id:
        raise ValueError("not an Ed25519 key of the form name+id+base64")
    return Key(name, digest, raw[1:])


def parse_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The signed text and the signatures as (name, id and signature)."""
    text, blank, block = note.rpartition("\n\n")
    lines = block.split("\n")
    if not text or not blank or lines.pop() != "" or not 1 <= len(lines) <= 100:
        raise ValueError("not a signed note")
    if any(character < " " and character != "\n" for character in note):
        raise ValueError("control character in a note")
    signatures = []
    for line in lines:
        dash, name, encoded = line.split(" ", 2)
        raw = unbase64(encoded)
        if dash != "\u2014" or not name or len(raw) < 5:
            raise ValueError("malformed signature line")
        signatures.append((name, raw))
    return text + "\n", signatures


def parse_checkpoint(text: str) -> Checkpoint:
    match = BODY.fullmatch(text)
    if not match:
        raise ValueError("not a checkpoint of this form")
    for name in ("as_of", "sealed_at"):
        datetime.strptime(match[name], "%Y-%m-%dT%H:%M:%S.%f%z")  # ValueError if no such instant
    numbers = int(match["number"]), int(match["size"])
    if match["inputs"]:
        unbase64(match["inputs"])
    root = unbase64(match["root"])
    return Checkpoint(match["origin"], *numbers, root, match["previous"], match["inputs"])


def digest_of(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def parse_transition(note: str) -> Transition:
    """A change of keys, signed by both. Raises ValueError."""
    text, signatures = parse_note(note)
    match = TRANSITION.fullmatch(text)
    if not match:
        raise ValueError("not a key transition of this form")
    datetime.strptime(match["at"], "%Y-%m-%dT%H:%M:%S.%f%z")
    old, new = parse_key(match["old"]), parse_key(match["new"])
    signed = is_signed(text, signatures, old) and is_signed(text, signatures, new)
    if not signed or {old.name, new.name} != {match["origin"]}:
        raise ValueError("not signed by both keys")
    numbers = int(match["number"]), int(match["after"])
    return Transition(*numbers, old, new, match["previous"], digest_of(text))


def follow(first: Key, directory: Path) -> tuple[list[Key], list[Transition], int | None]:
    """The keys from `first` on, their transitions, and the number of the first that's false."""
    keys, transitions = [first], list[Transition]()
    known = numbered(directory)[0]
    for number in range(1, max(known, default=0) + 1):
        try:
            one = parse_transition(known[number].read_bytes().decode("utf-8"))
        except (KeyError, OSError, ValueError):
            return keys, transitions, number
        last = transitions[-1] if transitions else None
        after, chained = last.after if last else 0, last is None or one.previous == last.digest
        if (one.number, one.old) != (number, keys[-1]) or one.new in keys or one.after < after:
            return keys, transitions, number
        if last and one.after == after and not chained:
            return keys, transitions, number
        keys.append(one.new)
        transitions.append(one)
    return keys, transitions, None


def is_signed(text: str, signatures: list[tuple[str, bytes]], key: Key) -> bool:
    mine = [raw[4:] for name, raw in signatures if (name, raw[:4]) == (key.name, key.key_id)]
    try:
        for signature in mine:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, text.encode())
    except InvalidSignature:
        return False
    return bool(mine)


def numbered(directory: Path, suffix: str = "") -> tuple[dict[int, Path], list[Path]]:
    """Files named 000001, 000002, ...; and those that are not. Hidden ones don't count."""
    known, strange = {}, []
    for path in sorted(directory.iterdir()) if directory.is_dir() else []:
        stem = path.name.removesuffix(suffix)
        if path.name.startswith("."):
            continue
        if re.fullmatch(r"0*[1-9][0-9]*", stem) and f"{int(stem):06d}{suffix}" == path.name:
            known[int(stem)] = path
        else:
            strange.append(path)
    return known, strange


class Verification:
    """One walk over a log. An attribute is None when something broken keeps it from being known."""

    def __init__(self, directory: Path, key: Key, copies: Path | None) -> None:
        self.directory, self.key, self.copies = directory, key, copies
        self.findings: list[Finding] = []
        self.head: Checkpoint | None = None
        self.former: str | None = "none"
        self.range: Range | None = Range()
        self.next_seq: int | None = 0
        self.rows = self.openings = self.counted = 0
        self.keys = [key]
        self.transitions: list[Transition] = []
        self.decisions: list[tuple[str, list[Any], list[str | None]]] = []

    def found(self, code: str, file: str, problem: str, seq: int | None = None) -> None:
        self.findings.append(Finding(file, seq, code, problem))

    def run(self) -> Report:
        try:
            beside = parse_key((self.directory / "public_key").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            beside = None
        at = self.directory / "transitions"
        self.keys, self.transitions, broken = follow(beside or self.key, at)
        if beside is None or self.key not in self.keys:
            self.found("public_key", "public_key", "not the key given for verification")
            self.keys, self.transitions, broken = follow(self.key, at)
        if broken:
            self.found("transition", f"transitions/{broken:06d}", "missing or doesn't follow")
        # Listed before the checkpoints: what a writer adds meanwhile is not taken for a stray.
        names = ("segments", "openings")
        present = [numbered(self.directory / name, ".parquet") for name in names]
        copied = numbered(self.copies)[0] if self.copies else {}
        notes, strange = numbered(self.directory / "checkpoints")
        last = max(notes, default=0)
        for number in range(1, last + 1):
            self.batch(number, self.checkpoint(number))
        uncommitted = self.strays(last, strange, present)
        self.repeats()
        self.compare_copies(last, copied)
        self.compare_transitions()
        root = self.head.root if self.head else hashlib.sha256(b"").digest()
        return Report(last, self.rows, self.openings, root, uncommitted, self.findings)

    def checkpoint(self, number: int) -> Checkpoint | None:
        file = f"checkpoints/{number:06d}"
        links = [one.digest for one in self.transitions if one.after == number - 1]
        former, self.former = links[-1] if links else self.former, None
        if not (self.directory / file).exists():
            self.found("checkpoint_missing", file, "missing")
            return None
        try:
            text, signatures = parse_note((self.directory / file).read_bytes().decode("utf-8"))
            head = parse_checkpoint(text)
        except ValueError:
            self.found("checkpoint_malformed", file, "not a checkpoint of this form")
            return None
        self.former = digest_of(text)
        key = self.keys[sum(one.after < number for one in self.transitions)]
        if not is_signed(text, signatures, key):
            self.found("signature", file, "no valid signature of the key")
            return None
        if (head.origin, head.number) != (self.key.name, number):
            self.found("checkpoint_malformed", file, "of another log or batch")
            return None
        if former is not None and head.previous != former:
            self.found("chain", file, "doesn't name the checkpoint before it")
        return head

    def batch(self, number: int, head: Checkpoint | None) -> None:
        path = self.directory / "segments" / f"{number:06d}.parquet"
        file = f"segments/{path.name}"
        former, self.head = self.head, head or self.head
        start, self.next_seq = self.next_seq, head.size if head else None
        try:
            repeating = [name for name in pq.read_schema(path).names if name not in DISTINCT]
            parquet = pq.ParquetFile(path, read_dictionary=repeating)
            metadata = parquet.schema_arrow.metadata or {}
            form = metadata.get(b"assent.format", b"").decode("ascii", "replace")
            plain = [(one.name, one.physical_type, one.logical_type.type) for one in parquet.schema]
            if plain != [(name, "BYTE_ARRAY", "STRING") for name in COLUMNS.get(form, [""])]:
                raise ValueError("columns")
            if self.range is None and former:
                self.range = footer_range(metadata.get(b"assent.frontier.before", b""), former)
            sealed = self.segment(file, number, start, parquet, form)
        except FileNotFoundError:
            self.found("segment_missing", file, "missing")
            self.range = None
            return
        except (OSError, ValueError, pa.ArrowException):
            self.found("segment_unreadable", file, "not Parquet of this form")
            self.range = None
            return
        rows = self.counted
        if start is not None and head and (start + rows != head.size or not rows):
            self.found("size", file, "another number of rows than the checkpoint says")
        if self.range and head and not self.range.gives(head):
            self.found("root", file, "rows from this seq on are not those signed", start)
            self.range = None
        self.opened(number, sealed, form)
        if head:
            self.recorded(number, head)

    def segment(
        self, file: str, number: int, start: int | None, parquet: pq.ParquetFile, form: str
    ) -> dict[str | None, tuple[str | None, str | None]]:
        """Hash the rows into the tree; return person (older form) and commitment by seq."""
        sealed: dict[str | None, tuple[str | None, str | None]] = {}
        seqs: list[str | None] = []
        other_batch, decisions, leaves = False, list[str | None](), list[bytes]()
        for chunk in parquet.iter_batches(batch_size=65_536):
            columns = dict(zip(COLUMNS[form], chunk.columns, strict=True))
            other_batch |= set(columns["batch"].to_pylist()) != {str(number)}
            here = columns["seq"].to_pylist()
            seqs += here
            persons = columns["person_id"].to_pylist() if form == OLD else [None] * len(here)
            claims = zip(persons, columns["commitment"].to_pylist(), strict=True)
            sealed.update(zip(here, claims, strict=True))
            if form == OLD:
                decisions += columns["decision_id"].to_pylist()
            for document in documents(list(columns.values()), f'["{form}",'):
                leaves.append(hashlib.sha256(b"\x00" + document).digest())
        if self.range:
            for leaf in leaves:
                self.range.push(leaf)
        self.rows += len(seqs)
        if form == OLD:
            self.decisions.append((file, seqs, decisions))
        if other_batch:
            self.found("batch", file, "rows of another batch")
        for at, seq in enumerate(seqs) if start is not None else ():
            if seq != str((start or 0) + at):
                self.found("seq", file, "seq is not the next one", (start or 0) + at)
                break
        self.counted = len(seqs)
        return sealed

    def opened(
        self, number: int, sealed: dict[str | None, tuple[str | None, str | None]], form: str
    ) -> None:
        path = self.directory / "openings" / f"{number:06d}.parquet"
        file = f"openings/{path.name}"
        if not path.exists():
            return
        try:
            entries, opens = read_openings(path)
        except (OSError, ValueError, pa.ArrowException):
            self.found("opening_unreadable", file, "not Parquet of this form")
            return
        self.openings += len(entries)
        if opens != form:
            self.found("opening_unreadable", file, "not of its segment's form")
            return
        if form != OLD:
            ids: list[str | None] = [decision for _, decision, _, _ in entries]
            self.decisions.append((file, [seq for seq, _, _, _ in entries], ids))
        seen = set()
        for seq, _, person, opened in entries:
            if (claim := sealed.get(str(seq))) is None:
                self.found("opening_unknown", file, "opens a row the segment lacks", seq)
                continue
            if seq in seen:
                self.found("opening_repeated", file, "opens a row twice", seq)
            seen.add(seq)
            if form == OLD and person != claim[0]:
                self.found("opening_person", file, "names another person than the row", seq)
            if opened != claim[1]:
                self.found("opening_commitment", file, "doesn't fit the commitment", seq)

    def recorded(self, number: int, head: Checkpoint) -> None:
        """What the batch was decided from, where it is still kept."""
        directory = self.directory / "inputs" / f"{number:06d}"
        place = f"inputs/{directory.name}"
        if not directory.is_dir():
            return
        manifest, erased = directory / "manifest.json", directory / "erased.json"
        text = manifest.read_bytes() if manifest.is_file() else b""
        if base64.b64encode(hashlib.sha256(text).digest()).decode() != head.inputs:
            self.found("inputs", f"{place}/manifest.json", "isn't what the checkpoint names")
            return
        try:
            left = json.loads(erased.read_bytes()) if erased.exists() else {}
            wanted = {
                name: {entry["sha256"], *left.get(name, [])}
                for name, entry in json.loads(text)["tables"].items()
            }
        except (ValueError, KeyError, TypeError, AttributeError):
            self.found("inputs", f"{place}/manifest.json", "isn't what was recorded")
            return
        for name, digests in wanted.items():
            path = directory / f"{name}.parquet"
            data = path.read_bytes() if path.exists() else b""
            if hashlib.sha256(data).hexdigest() not in digests:
                self.found("inputs", f"{place}/{path.name}", "isn't what was recorded")

    def strays(
        self, last: int, strange: list[Path], present: list[tuple[dict[int, Path], list[Path]]]
    ) -> bool:
        """Files of no batch. A crash may leave one batch past the last; more is not a crash."""
        for known, odd in present:
            strange = [*strange, *odd, *(path for n, path in known.items() if n > last + 1)]
        for path in strange:
            self.found("unexpected_file", f"{path.parent.name}/{path.name}", "of no batch")
        return any(last + 1 in known for known, _ in present)

    def repeats(self) -> None:
        seen: set[str | None] = set()
        for file, seqs, decisions in self.decisions:
            for seq, decision in zip(seqs, decisions, strict=True):
                if decision in seen:
                    known = isinstance(seq, int) or (seq and re.fullmatch("[0-9]+", seq))
                    place = int(seq) if known else None
                    self.found("decision_repeated", file, "a decision stands twice", place)
                seen.add(decision)

    def compare_copies(self, last: int, copied: dict[int, Path]) -> None:
        for number, path in sorted(copied.items()):
            file = f"checkpoints/{number:06d}"
            if number > last:
                self.found("truncated", file, "gone, yet its copy exists")
                continue
            self.same(path, file)

    def same(self, copy: Path, file: str) -> None:
        """Whether a note of ours says what its copy elsewhere says."""
        try:
            notes = (copy, self.directory / file)
            pair = {parse_note(each.read_bytes().decode("utf-8"))[0] for each in notes}
        except (OSError, ValueError):
            pair = set()
        if len(pair) != 1:
            self.found("fork", file, "not the same as its copy")

    def compare_transitions(self) -> None:
        for before, one in zip([None, *self.transitions], self.transitions, strict=False):
            file = f"transitions/{one.number:06d}"
            if before is None or before.after < one.after:
                try:
                    path = self.directory / "checkpoints" / f"{one.after:06d}"
                    text = parse_note(path.read_bytes().decode("utf-8"))[0] if one.after else ""
                    named = digest_of(text) if one.after else "none"
                except (OSError, ValueError):
                    named = ""
                if one.previous != named:
                    self.found("transition", file, "doesn't name the checkpoint before it")
        copied = numbered(self.copies / "transitions")[0] if self.copies else {}
        for _, path in sorted(copied.items()):
            self.same(path, f"transitions/{path.name}")


def footer_range(text: bytes, former: Checkpoint) -> Range | None:
    """A subtree list from a footer, used only if it leads to the root signed before the batch."""
    size, _, nodes = text.decode("ascii", "replace").partition(" ")
    try:
        raw = unbase64(nodes)
        parts = tuple(raw[at : at + 32] for at in range(0, len(raw), 32))
        found = Range(int(size), parts)
    except ValueError:
        return None
    return found if len(parts) == found.size.bit_count() and found.gives(former) else None


def texts(column: pa.Array) -> pa.Array:
    """Each value as JSON."""
    if isinstance(column, pa.DictionaryArray):
        words = texts(column.dictionary)
        return pc.fill_null(words.take(column.indices), "null")
    if pc.any(pc.match_substring_regex(column, ESCAPED)).as_py():
        return pa.array([encode_json(text) for text in column.to_pylist()], pa.string())
    return pc.fill_null(pc.binary_join_element_wise('"', column, '"', ""), "null")


def documents(columns: list[pa.Array], head: str) -> list[bytes]:
    """Each row as a JSON array that starts with `head`."""
    joined = pc.binary_join_element_wise(*map(texts, columns), ",")
    whole = pc.binary_join_element_wise(head, joined, "]", "")
    return list(whole.cast(pa.binary()).to_pylist())


def read_openings(path: Path) -> tuple[list[tuple[int, str | None, str, str]], str]:
    """(seq, decision, person, the commitment it opens) of each row, and the form."""
    parquet = pq.ParquetFile(path)
    schema = [(field.name, field.type) for field in parquet.schema_arrow]
    [form] = [name for name, columns in OPENING.items() if columns == schema] or [""]
    if not form:
        raise ValueError("columns")
    entries: list[tuple[int, str | None, str, str]] = []
    for chunk in parquet.iter_batches(batch_size=65_536):
        rows = {name: chunk[name].to_pylist() for name in chunk.schema.names}
        if None in rows["seq"] or None in rows["person_id"]:
            raise ValueError("null")
        kept = [None] * len(chunk) if form == OLD else rows["digest"]
        digests = [
            opened_digest(*row)
            for row in zip(rows["seq"], rows["key"], rows["context"], kept, strict=True)
        ]
        if form == OLD:
            opened = [digest.hex() for digest in digests]
            ids = [""] * len(chunk)
        else:
            ids = rows["decision_id"]
            if None in ids:
                raise ValueError("null")
            told = documents([chunk[name] for name in REFERENCES], "[")
            pairs = zip(digests, told, strict=True)
            opened = [hashlib.sha256(digest + text).hexdigest() for digest, text in pairs]
        entries += zip(rows["seq"], ids, rows["person_id"], opened, strict=True)
    return entries, form


def opened_digest(seq: int, key: bytes | None, context: str | None, kept: bytes | None) -> bytes:
    """sha256(key || seq || ":" || context), or the digest that was kept of an erased context."""
    if (key is None) != (context is None) or (key is None) == (kept is None):
        raise ValueError("neither a context nor its digest")
    if kept is not None:
        return kept
    return hashlib.sha256((key or b"") + f"{seq}:{context}".encode()).digest()


def verify_proof(proof: str, keys: list[Key]) -> dict[str, Any]:
    """The row that a tlog-proof proves, and what of it is opened. Raises ValueError."""
    head, _, note = proof.partition("\n\n")
    title, extra, index, *path = head.split("\n")
    content = json.loads(unbase64(extra.removeprefix("extra ")))
    row, opening = content["row"], content["opening"]
    columns = COLUMNS[row[0]]
    if title != "c2sp.org/tlog-proof@v1" or len(row) != len(columns) + 1:
        raise ValueError("not a proof of this log's form")
    seq = int(row[2])
    said, opened = proof_opening(row[0], seq, opening) if opening is not None else (None, "")
    spelled = encode_json({"row": row, "opening": said}).encode()
    if extra != "extra " + base64.b64encode(spelled).decode():
        raise ValueError("the row is not in its canonical spelling")
    text, signatures = parse_note(note)
    checkpoint = parse_checkpoint(text)
    signed = any(is_signed(text, signatures, key) for key in keys)
    if not signed or checkpoint.origin != keys[0].name:
        raise ValueError("the checkpoint carries no valid signature of the key")
    last = checkpoint.size - 1
    if index != f"index {seq}" or row[2] != str(seq) or not 0 <= seq <= last:
        raise ValueError("the row's seq is not the index proven")
    node = hashlib.sha256(b"\x00" + encode_json(row).encode()).digest()
    siblings, at = [unbase64(line) for line in path], seq
    while last:
        if at & 1 or at < last:
            if not siblings:
                raise ValueError("the proof is too short")
            sibling = siblings.pop(0)
            node = hashlib.sha256(b"\x01" + (sibling + node if at & 1 else node + sibling)).digest()
        at, last = at >> 1, last >> 1
    if siblings or node != checkpoint.root:
        raise ValueError("the row is not in the signed tree")
    values = dict(zip(columns, row[1:], strict=True))
    if said is not None:
        if opened != values["commitment"]:
            raise ValueError("the opening doesn't fit the row's commitment")
        values |= dict(zip(REFERENCES, said.get("references", []), strict=False))
        values |= {"context": said["context"]} if "context" in said else {}
    return values


def verify_consistency(proof: str, old_note: str, keys: list[Key]) -> tuple[Checkpoint, Checkpoint]:
    """The older and the newer checkpoint, if the newer only added to the older. Raises ValueError.

    RFC 9162 2.1.4.2; the file is the body of c2sp.org/tlog-witness' add-checkpoint.
    """
    head, _, note = proof.partition("\n\n")
    said, *path = head.split("\n")
    found = []
    for one in (old_note, note):
        text, signatures = parse_note(one)
        checkpoint = parse_checkpoint(text)
        signed = any(is_signed(text, signatures, key) for key in keys)
        if not signed or checkpoint.origin != keys[0].name:
            raise ValueError("a checkpoint carries no valid signature of the key")
        found.append(checkpoint)
    old, new = found
    if said != f"old {old.size}":
        raise ValueError("the proof starts from another checkpoint than --checkpoint")
    rest = [unbase64(line) for line in path]
    if old.size > new.size:
        raise ValueError("the log was truncated: it is shorter than it was")
    if old.size == new.size or not old.size:
        if rest or (old.size and old.root != new.root):
            raise ValueError("the log was rewritten: two roots at one size")
        return old, new
    at, last = old.size - 1, new.size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    # A perfect subtree of the newer tree as the older: its root is the first node, left unsaid.
    if at and not rest:
        raise ValueError("the proof is too short")
    before = after = rest.pop(0) if at else old.root
    while last:
        if at & 1 or at < last:
            if not rest:
                raise ValueError("the proof is too short")
            node = rest.pop(0)
            if at & 1:
                before = hashlib.sha256(b"\x01" + node + before).digest()
                after = hashlib.sha256(b"\x01" + node + after).digest()
            else:
                after = hashlib.sha256(b"\x01" + after + node).digest()
        at, last = at >> 1, last >> 1
    if rest or before != old.root or after != new.root:
        raise ValueError("the log was rewritten: the newer checkpoint doesn't extend the older")
    return old, new


def proof_opening(form: str, seq: int, given: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The opening in its one spelling, and the commitment it opens."""
    said: dict[str, Any] = {}
    if form != OLD:
        said["references"] = [*given["references"]]
        if len(said["references"]) != len(REFERENCES):
            raise ValueError("not the references of a row")
    if "digest" in given:
        digest = bytes.fromhex(given["digest"])
        said["digest"] = digest.hex()
    else:
        secret, context = bytes.fromhex(given["key"]), str(given["context"])
        digest = hashlib.sha256(secret + f"{seq}:{context}".encode()).digest()
        said |= {"key": secret.hex(), "context": context}
    if form == OLD:
        return said, digest.hex()
    told = encode_json(said["references"]).encode()
    return said, hashlib.sha256(digest + told).hexdigest()


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Verify a decision log or a proof taken from it.")
    parser.add_argument("log_dir", nargs="?", type=Path, help="directory of the log")
    parser.add_argument("--public-key", required=True, type=Path, help="file with the trusted key")
    parser.add_argument("--copies", type=Path, help="directory of checkpoints kept elsewhere")
    parser.add_argument("--proof", type=Path, help="file with an inclusion proof")
    parser.add_argument("--consistency", type=Path, help="file with a consistency proof")
    parser.add_argument("--checkpoint", type=Path, help="the older checkpoint that you kept")
    return parser


def main(argv: list[str] | None = None) -> int:
    parser = arguments()
    given = parser.parse_args(argv)
    if not (given.log_dir or given.proof or given.consistency):
        parser.error("give LOG_DIR, --proof or --consistency")
    if bool(given.consistency) != bool(given.checkpoint):
        parser.error("--consistency and --checkpoint go together")
    for directory in filter(None, (given.log_dir, given.copies)):
        if not directory.is_dir():
            parser.error(f"{directory} is not a directory")
    try:
        key = parse_key(given.public_key.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        parser.error("--public-key: not a file with a key of the form name+id+base64")
    failed = False
    # After a change of keys a checkpoint may be signed by one of those that followed.
    places = [place for place in (given.log_dir, given.copies) if place]
    keys = [key, *(one for place in places for one in follow(key, place / "transitions")[0])]
    if given.consistency:
        try:
            files = [
                one.read_text(encoding="utf-8") for one in (given.consistency, given.checkpoint)
            ]
            old, new = verify_consistency(files[0], files[1], keys)
            sys.stdout.write(
                f"consistency holds: {new.size} rows extend the {old.size} of batch {old.number}\n"
            )
        except (OSError, ValueError, KeyError) as error:
            failed = True
            sys.stdout.write(f"consistency FAILS: {error}\n")
    if given.proof:
        try:
            values = verify_proof(given.proof.read_text(encoding="utf-8"), keys)
            sys.stdout.write("proof holds: " + encode_json(values) + "\n")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            failed = True
            sys.stdout.write(f"proof FAILS: {error}\n")
    if given.log_dir:
        report = Verification(given.log_dir, key, given.copies).run()
        for finding in report.findings:
            place = finding.file if finding.seq is None else f"{finding.file} seq {finding.seq}"
            sys.stdout.write(f"{place}: {finding.problem} ({finding.code})\n")
        verdict = "log FAILS" if report.findings else "log holds"
        sys.stdout.write(
            f"{verdict}: {report.batches} batches, {report.rows} rows, {report.openings} openings, "
            f"{len(report.findings)} findings, root {base64.b64encode(report.root).decode()}\n"
        )
        failed = failed or bool(report.findings)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
