"""One spelling for each mailbox and phone line, however people write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.consent.identifiers import PhoneNumber, normalise, normalise_email, parse_phone


@pytest.mark.parametrize(
    "written",
    [
        "+447400123456",
        "+44 (0)7400 123456",
        "00447400123456",
        "0044 7400 123456",
        "07400-123456",
        "07400 123456",
        "(07400) 123 456",
        " 07400.123.456 ",
        "447400123456",
        "０７４００１２３４５６",
    ],
)
def test_ways_to_write_one_british_mobile_give_one_number(written: str) -> None:
    assert parse_phone(written, "GB") == PhoneNumber("+447400123456", "mobile")


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        ("020 7946 0000", "GB", PhoneNumber("+442079460000", "fixed")),
        ("0016502530000", "US", PhoneNumber("+16502530000", "mobile")),
        ("+353 (0)85 012 3456", "IE", PhoneNumber("+353850123456", "mobile")),
        ("+49 1512 3456789", "FR", PhoneNumber("+4915123456789", "mobile")),
        ("+447400123456", None, PhoneNumber("+447400123456", "mobile")),
        ("+44 56 0000 0000", "GB", PhoneNumber("+445600000000", "voip")),
        ("+44 7300 0000000000", "GB", None),
        ("07400123456", None, None),
        ("TBC", "GB", None),
        ("", "GB", None),
        ("12", "GB", None),
        ("0800 FLOWERS", "GB", None),
        ("0" * 500, "GB", None),
    ],
)
def test_a_number_is_read_as_its_country_dials_it(
    written: str, country: str | None, expected: PhoneNumber | None
) -> None:
    assert parse_phone(written, country) == expected


def test_a_possible_but_unallocated_number_is_kept_as_other() -> None:
    assert parse_phone("+1 617 875 7917", "US") == PhoneNumber("+16178757917", "mobile")
    assert parse_phone("+49 159 4716733", "DE") == PhoneNumber("+491594716733", "other")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (" Ada.Lovelace@Example.COM ", "ada.lovelace@example.com"),
        ("ada @ example.com", "ada@example.com"),
        ("ada\u00a0@example.com\u200b", "ada@example.com"),
        ("A\u0308da@example.com", "äda@example.com"),
        ("ada+offers@example.com", "ada+offers@example.com"),
        ("ada@example", None),
        ("ada", None),
        ("a@b@example.com", None),
        ("ada@example.c", None),
        ("ada@.example.com", None),
        ("", None),
    ],
)
def test_mailboxes_compare_without_case_and_blanks(written: str, expected: str | None) -> None:
    assert normalise_email(written) == expected


@given(st.text(max_size=30))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_email(text + "@example.com")
    assert once is None or normalise_email(once) == once
    number = parse_phone(text, "GB")
    assert number is None or parse_phone(number.e164, "GB") == number


def test_record_ids_keep_their_leading_zeros() -> None:
    assert normalise("customer_number", " 0012345 ") == "0012345"
    assert normalise("contact_id", "  ") is None
    assert normalise("phone", "07400 123456", "GB") == "+447400123456"


def test_an_unknown_identifier_type_is_refused_without_the_value() -> None:
    with pytest.raises(ValueError, match="use one of email, phone") as failure:
        normalise("passport", "X123456")
    assert "X123456" not in str(failure.value)
