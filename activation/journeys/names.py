"""Names that journeys and policies share: channels, purposes, identifiers."""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
LocalTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Channel(StrEnum):
    """A way to reach a person. The order is that of the bits in a channel mask."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    PHONE = "phone"
    POST = "post"


class Assurance(StrEnum):
    """How sure a record's person is, from authoritative id (A) to probabilistic (D)."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class Residency(StrEnum):
    """Region in which a person's data may be processed."""

    UK = "uk"
    EU = "eu"
    US = "us"
    OTHER = "other"
