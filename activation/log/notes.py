"""C2SP signed notes with Ed25519, and the text forms of the keys (https://c2sp.org/signed-note).

A note is text that ends in a newline, an empty line, and signature lines. A key's id is the first
four bytes of SHA-256(name, newline, 0x01, public key).
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from activation.log.errors import KeyProblem, NoteRefused

Entropy = Callable[[int], bytes]
"""A source of that many unpredictable bytes; os.urandom in production."""

_ED25519: Final = b"\x01"
_SEED_BYTES: Final = 32
_KEY_ID_BYTES: Final = 4
_PRIVATE: Final = "PRIVATE+KEY+"
_MOST_SIGNATURES: Final = 100


def decode_base64(text: str) -> bytes:
    """Strict standard base64. Raises ValueError for anything but the one canonical spelling."""
    try:
        raw = b64decode(text, validate=True)
    except Base64Error as error:
        raise ValueError(str(error)) from None
    if b64encode(raw).decode() != text:
        raise ValueError("base64 is not canonical")
    return raw


@dataclass(frozen=True)
class PublicKey:
    """The key a stranger needs: the log's name (its origin line) and 32 bytes."""

    name: str
    raw: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before each signature."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:_KEY_ID_BYTES]

    def text(self) -> str:
        """The vkey form: name+hex(key id)+base64(0x01, key)."""
        encoded = b64encode(_ED25519 + self.raw).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """Read a vkey. Raises KeyProblem when it is not one, or its id doesn't fit."""
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            raw = decode_base64(encoded)
        except ValueError:
            raw = b""
        key = cls(name, raw[1:])
        if raw[:1] != _ED25519 or len(raw) != _SEED_BYTES + 1 or key.key_id.hex() != key_id:
            raise KeyProblem(
                "the public key is not of the form name+key id+base64: copy the log's file whole"
            )
        return key

    def open(self, note: str) -> str:
        """The text of a note this key has signed. Raises NoteRefused otherwise."""
        text, signatures = split(note)
        mine = [
            raw[_KEY_ID_BYTES:]
            for name, raw in signatures
            if (name, raw[:_KEY_ID_BYTES]) == (self.name, self.key_id)
        ]
        if not mine:
            raise NoteRefused(f"no signature of key {self.name}+{self.key_id.hex()}")
        for signature in mine:
            try:
                Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text.encode())
            except InvalidSignature:
                raise NoteRefused("the signature doesn't fit the text") from None
        return text


class SigningKey:
    """The private half. Its repr shows the key id alone, so it can't leak through a log line."""

    def __init__(self, name: str, seed: bytes) -> None:
        if not name or re.search(r"[\s+\x00-\x1f]", name):
            raise KeyProblem(
                "origin: must be non-empty, without spaces and '+', such as example.com/decisions"
            )
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._seed = seed
        self.public = PublicKey(name, self._private.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"SigningKey({self.public.name}+{self.public.key_id.hex()})"

    def private_text(self) -> str:
        """The form kept on disk, as Go's note tools write it."""
        encoded = b64encode(_ED25519 + self._seed).decode()
        return f"{_PRIVATE}{self.public.name}+{self.public.key_id.hex()}+{encoded}"

    @classmethod
    def parse_private(cls, text: str) -> "SigningKey":
        """Read `private_text`. Raises KeyProblem, which never quotes the key."""
        body = text.strip()
        name, _, rest = body.removeprefix(_PRIVATE).partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            raw = decode_base64(encoded)
        except ValueError:
            raw = b""
        if not body.startswith(_PRIVATE) or raw[:1] != _ED25519 or len(raw) != _SEED_BYTES + 1:
            raise KeyProblem("the signing key's file is malformed: restore it from its backup")
        key = cls(name, raw[1:])
        if key.public.key_id.hex() != key_id:
            raise KeyProblem("the signing key's id doesn't fit it: restore the file from backup")
        return key

    def sign(self, text: str) -> str:
        """The signed note over a text that ends in a newline."""
        if not text.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", text):
            raise ValueError("a note's text ends in a newline and has no control characters")
        return f"{text}\n{self._line(text)}"

    def cosign(self, note: str) -> str:
        """The note with this key's signature after the others."""
        return note + self._line(split(note)[0])

    def _line(self, text: str) -> str:
        signature = b64encode(self.public.key_id + self._private.sign(text.encode())).decode()
        return f"\N{EM DASH} {self.public.name} {signature}\n"


def split(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """A note's text and its signatures as (key name, key id and signature). Nothing is verified.

    Raises NoteRefused when it isn't a note.
    """
    text, blank, block = note.rpartition("\n\n")
    lines = block.split("\n")
    if not blank or not text or lines.pop() or not 1 <= len(lines) <= _MOST_SIGNATURES:
        raise NoteRefused("not a signed note: no text, empty line and signature lines")
    if re.search(r"[\x00-\x09\x0b-\x1f]", note):
        raise NoteRefused("not a signed note: it has control characters")
    signatures = []
    for line in lines:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        try:
            raw = decode_base64(encoded)
        except ValueError:
            raw = b""
        if dash != "\N{EM DASH}" or not name or len(raw) <= _KEY_ID_BYTES:
            raise NoteRefused("not a signed note: a signature line is malformed")
        signatures.append((name, raw))
    return text + "\n", signatures
