"""Webhooks: signed, never redirected, never into the private network, each status understood."""

import logging
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from activation.connectors.protocol import ConnectorError, ErrorClass, Operation
from activation.connectors.webhook import Timeouts, WebhookConnector
from tests.activation.connectors.batches import action_batch, member_batch
from tests.activation.connectors.receiver import SECRET, Receiver

LOCAL = frozenset({"127.0.0.1"})


def connector(url: str, **options: Any) -> WebhookConnector:
    settings: dict[str, Any] = {
        "clock": lambda: datetime.now(UTC),
        "allow_private_hosts": LOCAL,
        "timeouts": Timeouts(connect=0.5, answer=0.3),
    }
    return WebhookConnector(url, SECRET, **(settings | options))


def test_the_reference_library_accepts_the_signature_and_the_body(receiver: Receiver) -> None:
    (outcome,) = connector(receiver.url).deliver(action_batch(["d_1"]))
    (arrival,) = receiver.arrivals
    assert (outcome.error, receiver.forged) == (None, 0)
    assert (arrival.delivery_id, arrival.kind) == ("i_d_1", "action.send")
    assert arrival.data == {
        "decision_id": "d_1",
        "address": "+447700900123",
        "given_name": "Ada",
        "renews_on": "2027-01-31",
        "send_after": "2026-11-20T06:00:00Z",
        "amount": "12.50",
        "attempts": 3,
        "is_active": True,
        "claim_number": None,
    }


def test_a_wrong_secret_is_refused_by_the_receiver(receiver: Receiver) -> None:
    other = WebhookConnector(
        receiver.url,
        "whsec_" + "A" * 32,
        clock=lambda: datetime.now(UTC),
        allow_private_hosts=LOCAL,
    )
    (outcome,) = other.deliver(action_batch(["d_1"]))
    assert (outcome.error, receiver.forged) == (ErrorClass.AUTH, 1)


def test_a_removal_names_the_member_by_key(receiver: Receiver) -> None:
    connector(receiver.url).deliver(member_batch(Operation.REMOVE, {"p_1": ""}))
    assert receiver.arrivals[0].kind == "audience.remove"
    assert receiver.arrivals[0].data == {"audience": "cross_sell", "person_id": "p_1"}


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("200", None),
        ("202", None),
        ("302", ErrorClass.CONFIG),
        ("400", ErrorClass.ROW_PERMANENT),
        ("401", ErrorClass.AUTH),
        ("403", ErrorClass.AUTH),
        ("404", ErrorClass.CONFIG),
        ("408", ErrorClass.IN_DOUBT),
        ("410", ErrorClass.CONFIG),
        ("422", ErrorClass.ROW_PERMANENT),
        ("429", ErrorClass.THROTTLED),
        ("500", ErrorClass.IN_DOUBT),
        ("502", ErrorClass.IN_DOUBT),
        ("503", ErrorClass.TRANSIENT),
        ("drop", ErrorClass.IN_DOUBT),
        ("taken_drop", ErrorClass.IN_DOUBT),
        ("taken_cut", None),
        ("slow", ErrorClass.IN_DOUBT),
    ],
)
def test_each_answer_has_its_class(receiver: Receiver, mode: str, error: ErrorClass | None) -> None:
    receiver.fault, receiver.slow_seconds = lambda _: mode, 0.6
    (outcome,) = connector(receiver.url).deliver(action_batch(["d_1"]))
    assert outcome.error is error


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.fault = lambda _: "307"
    receiver.headers = {"location": f"http://127.0.0.1:{receiver.port}/elsewhere"}
    connector(receiver.url).deliver(action_batch(["d_1"]))
    assert receiver.paths == ["/hooks/token-in-the-path"]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_the_wait_that_the_receiver_asks_for_is_passed_on(receiver: Receiver, form: str) -> None:
    at = datetime.now(UTC) + timedelta(seconds=90)
    value = "90" if form == "seconds" else at.strftime("%a, %d %b %Y %H:%M:%S GMT")
    receiver.fault, receiver.headers = lambda _: "429", {"retry-after": value}
    first, second = connector(receiver.url).deliver(action_batch(["d_1", "d_2"]))
    assert first.retry_after == pytest.approx(90, abs=3)
    assert second.error is ErrorClass.UNSENT
    assert receiver.requests == 1


def test_a_refused_connection_is_transient_and_ends_the_batch() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    first, second = connector(f"http://127.0.0.1:{port}/").deliver(action_batch(["d_1", "d_2"]))
    assert (first.error, second.error) == (ErrorClass.TRANSIENT, ErrorClass.UNSENT)


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.8"],
        ["192.168.1.1"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["0.0.0.0"],  # noqa: S104
        ["224.0.0.1"],
        ["::1"],
        ["fe80::1%eth0"],
        ["fd00::1"],
        ["::ffff:10.0.0.8"],
        ["2002:0a00:0008::1"],
        ["64:ff9b::a00:8"],
        ["93.184.215.14", "10.0.0.8"],
    ],
)
def test_a_host_with_any_private_address_is_refused(
    receiver: Receiver, addresses: list[str]
) -> None:
    guarded = connector(
        f"https://hooks.example.com:{receiver.port}/",
        allow_private_hosts=frozenset(),
        resolver=lambda *_: addresses,
    )
    (outcome,) = guarded.deliver(action_batch(["d_1"]))
    assert (outcome.error, outcome.detail) == (ErrorClass.CONFIG, "host not public")
    assert receiver.requests == 0


@pytest.mark.parametrize("spelling", ["2130706433", "0x7f.1", "127.1"])
def test_a_private_address_in_disguise_is_refused(receiver: Receiver, spelling: str) -> None:
    guarded = connector(
        f"https://{spelling}:{receiver.port}/", allow_private_hosts=frozenset({"other.example"})
    )
    (outcome,) = guarded.deliver(action_batch(["d_1"]))
    assert outcome.detail in ("host not public", "host not resolved")
    assert receiver.requests == 0


def test_the_connection_goes_to_the_address_that_was_checked(receiver: Receiver) -> None:
    answers = iter([["127.0.0.1"]])
    pinned = connector(
        f"http://hooks.example.com:{receiver.port}/",
        allow_private_hosts=frozenset({"hooks.example.com"}),
        resolver=lambda *_: next(answers),
    )
    assert [o.error for o in pinned.deliver(action_batch(["d_1", "d_2"]))] == [None, None]


@pytest.mark.parametrize(
    ("name", "trusted"), [("hooks.example.com", True), ("other.example.com", False)]
)
def test_the_certificate_must_be_the_named_hosts(tmp_path: Path, name: str, trusted: bool) -> None:
    certificate = self_signed(tmp_path, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Receiver(tls=context) as receiver:
        secure = connector(
            f"https://hooks.example.com:{receiver.port}/",
            allow_private_hosts=frozenset({"hooks.example.com"}),
            resolver=lambda *_: ["127.0.0.1"],
            ca_file=certificate,
        )
        (outcome,) = secure.deliver(action_batch(["d_1"]))
    assert (outcome.error is None) is trusted
    assert len(receiver.arrivals) == int(trusted)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://user:hush@hooks.example.com/",
        "https://0177.0.0.1/",
        "ftp://x/",
        "https://",
    ],
)
def test_a_url_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(ConnectorError, match=r"url") as caught:
        connector(url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("secret", ["whsec_###", "", "whsec_"])
def test_a_secret_that_is_no_secret_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(ConnectorError, match="secret_env") as caught:
        WebhookConnector("https://hooks.example.com/", secret, clock=lambda: datetime.now(UTC))
    assert "###" not in str(caught.value)


def test_no_log_line_shows_the_url_or_the_signature(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        connector(receiver.url).deliver(action_batch(["d_1"]))
    assert "token-in-the-path" not in caplog.text


def self_signed(folder: Path, name: str) -> Path:
    """A PEM file with a certificate for the name and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file
