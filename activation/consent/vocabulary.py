"""The words of consent: actions, identifier types, channels, and what follows from each."""

from typing import Final, Literal, get_args

Action = Literal[
    "granted",
    "confirmed",
    "denied",
    "withdrawn",
    "objected",
    "opted_out",
    "suppressed",
    "restricted",
    "lifted",
    "erased",
]
IdentifierType = Literal[
    "email", "phone", "contact_id", "customer_number", "account_id", "device_id", "ticket_id"
]
Basis = Literal["contract", "legal_obligation", "legitimate_interests", "consent"]
# What a contract or the law demands is sent whatever the person said about offers.
OWED_BASES: Final = frozenset({"contract", "legal_obligation"})
Channel = Literal["email", "sms", "push", "phone", "post"]

ANY: Final = "*"
ACTIONS: Final[tuple[str, ...]] = get_args(Action)
IDENTIFIER_TYPES: Final[tuple[str, ...]] = get_args(IdentifierType)
CHANNELS: Final[tuple[str, ...]] = get_args(Channel)

PERMISSIVE_ACTIONS: Final = frozenset({"granted", "confirmed"})
# The end of a restriction of processing (GDPR Article 18(3)): it permits nothing by itself.
LIFTED: Final = "lifted"
# An opt-out preference signal, such as Global Privacy Control (the header Sec-GPC: 1): it names no
# purpose; the regimes say which ones it binds, and where.
OPTED_OUT: Final = "opted_out"
RESTRICTIVE_ACTIONS: Final = frozenset(ACTIONS) - PERMISSIVE_ACTIONS - {LIFTED}

# Sources that speak for a system, not for the person: they take back nothing that the person said.
SYSTEM_SOURCES: Final = frozenset({"import", "upsert", "unknown"})

# The identifier that is an address of the channel. A suppression under it (a bounce, a complaint)
# is about that address; under any other identifier it is about the person.
ADDRESS_TYPE: Final[dict[str, str]] = {
    "email": "email",
    "sms": "phone",
    "phone": "phone",
    "push": "device_id",
}
