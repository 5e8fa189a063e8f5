"""Identifiers as they are compared: one spelling for each mailbox, phone line and record id."""

import re
import unicodedata
from typing import Literal, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from activation.consent.vocabulary import IDENTIFIER_TYPES

PhoneKind = Literal["mobile", "fixed", "voip", "other"]

_KINDS: dict[int, PhoneKind] = {
    PhoneNumberType.MOBILE: "mobile",
    # Where a plan does not tell the two apart (the United States), a text may reach the line.
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.VOIP: "voip",
}
# The longest spelling worth parsing; the longest real ones take about 25 characters.
_LONGEST_PHONE = 40
_ASCII_BLANKS = str.maketrans("", "", "\t\n\f\r ")
_INVISIBLE = frozenset({"Zs", "Zl", "Zp", "Cf"})
_EMAIL = re.compile(r"[^@]+@[^@.]+(\.[^@.]+)*\.[^@.]{2,}")


class PhoneNumber(NamedTuple):
    """A phone number in E.164 form and the kind of line it is."""

    e164: str
    kind: PhoneKind


def parse_phone(raw: str, country: str | None) -> PhoneNumber | None:
    """Read a phone number as someone in `country` (ISO 3166-1 alpha-2) would dial it.

    None when it cannot be a number of that country, such as `TBC` or a number without its area
    code. A number that is possible but not allocated is kept, as kind `other`.
    """
    number = _parse(raw, country)
    if number is None:
        return None
    kind = _KINDS.get(phonenumbers.number_type(number), "other")
    return PhoneNumber(phonenumbers.format_number(number, PhoneNumberFormat.E164), kind)


def _parse(raw: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    text = unicodedata.normalize("NFKC", raw).strip()
    if not text or len(text) > _LONGEST_PHONE or any(map(str.isalpha, text)):
        return None
    # People write 00 for the international prefix also where their own network dials another.
    if text.startswith("00"):
        text = "+" + text[2:]
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    return number if reason == phonenumbers.ValidationResult.IS_POSSIBLE else None


def normalise_email(raw: str) -> str | None:
    """Lower case, no blanks visible or not; None when it is no plausible address.

    Equal to the dbt macro `normalise_email`. Dots and +suffixes stay: only some providers ignore
    them.
    """
    address = unicodedata.normalize("NFC", raw).translate(_ASCII_BLANKS)
    if not address.isascii():
        address = "".join(c for c in address if unicodedata.category(c) not in _INVISIBLE)
    address = address.lower()
    return address if _EMAIL.fullmatch(address) else None


def normalise(identifier_type: str, value: str, country: str | None = None) -> str | None:
    """The identifier as the ledger and the identity models compare it; None when it is unusable.

    `country` helps to read a phone number in national form. Raises ValueError for an unknown type.
    """
    if identifier_type == "email":
        return normalise_email(value)
    if identifier_type == "phone":
        # Without the kind of line, which costs more to find than all the rest.
        number = _parse(value, country)
        return phonenumbers.format_number(number, PhoneNumberFormat.E164) if number else None
    if identifier_type in IDENTIFIER_TYPES:
        return value.strip() or None
    raise ValueError(f"unknown identifier_type; use one of {', '.join(IDENTIFIER_TYPES)}")
