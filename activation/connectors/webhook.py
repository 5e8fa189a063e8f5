"""Deliver rows as signed webhooks, one request per row, in the form of Standard Webhooks 1.0.0.

`webhook-id` is the delivery id and stays the same over all attempts, so a receiver that keeps the
ids it has seen takes each delivery once. The body is `{"type", "timestamp", "data"}` in JSON.
"""

import json
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from activation.connectors.addresses import (
    Resolver,
    UnresolvedHostError,
    checked_address,
    resolve,
)
from activation.connectors.protocol import (
    Batch,
    Capabilities,
    ConnectorError,
    ErrorClass,
    Idempotency,
    Operation,
    RemovalAddress,
    RowOutcome,
    all_with,
)
from activation.connectors.webhook_answers import outcome_of

# httpx logs each URL, and a webhook's URL may carry a token.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_CAPABILITIES = Capabilities(
    operations=frozenset(Operation),
    # Consent is asked per batch: few rows keep the time between asking and sending short.
    max_rows=50,
    idempotency=Idempotency.KEY,
    can_confirm=False,
    removal_address=RemovalAddress.HASH,
)
_BODY_LIMIT = 64 * 1024
# An answer's body is read only to keep the connection usable; a slow one is not worth waiting for.
_BODY_TIME = timedelta(seconds=2)


@dataclass(frozen=True)
class Timeouts:
    """Seconds to wait for the connection and for each read and write."""

    connect: float = 5.0
    answer: float = 15.0


class WebhookConnector:
    """Posts rows of one destination to one URL.

    `secret` is the signing secret (`whsec_...`). `clock` gives the aware time of the signature,
    which receivers compare with their own; the body carries the run's as_of. Only hosts named in
    `allow_private_hosts` may be private or spoken to without TLS. Proxies from the environment are
    ignored and redirects are not followed. `ca_file` names the authorities to trust instead of the
    system's.

    Raises ConnectorError for a URL or secret that can't be used.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        clock: Callable[[], datetime],
        allow_private_hosts: frozenset[str] = frozenset(),
        timeouts: Timeouts | None = None,
        resolver: Resolver = resolve,
        ca_file: Path | None = None,
    ) -> None:
        self._url = _checked_url(url, allow_private_hosts)
        self._private_allowed = self._url.host in allow_private_hosts
        self._signer = _signer(secret)
        self._clock = clock
        self._resolver = resolver
        limits = timeouts or Timeouts()
        self._client = httpx.Client(
            timeout=httpx.Timeout(limits.answer, connect=limits.connect),
            follow_redirects=False,
            trust_env=False,
            verify=_tls(self._url, ca_file),
        )
        self._calls = 0

    @property
    def capabilities(self) -> Capabilities:
        return _CAPABILITIES

    @property
    def calls(self) -> int:
        return self._calls

    def deliver(self, batch: Batch) -> Sequence[RowOutcome]:
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        try:
            address = checked_address(
                self._url.host, port, private_allowed=self._private_allowed, resolver=self._resolver
            )
        except UnresolvedHostError:
            return all_with(batch, ErrorClass.TRANSIENT, "host not resolved")
        except ConnectorError:
            return all_with(batch, ErrorClass.CONFIG, "host not public")
        outcomes: list[RowOutcome] = []
        for delivery_id, row in zip(batch.delivery_ids, batch.rows.to_pylist(), strict=True):
            outcomes.append(self._post(delivery_id, address, _body(batch, row)))
            if _is_hopeless(outcomes):
                break
        wait = outcomes[-1].retry_after if outcomes else None
        return outcomes + [
            RowOutcome(delivery_id, ErrorClass.UNSENT, None, wait)
            for delivery_id in batch.delivery_ids[len(outcomes) :]
        ]

    def confirm(self, object_name: str, batches: Mapping[str, Sequence[str]]) -> Mapping[str, bool]:
        """Empty: the form has no question for whether a delivery arrived."""
        return {}

    def close(self) -> None:
        self._client.close()

    def _post(self, delivery_id: str, address: str, body: str) -> RowOutcome:
        signed_at = self._clock().astimezone(UTC)
        headers = {
            "host": self._url.netloc.decode("ascii"),
            "content-type": "application/json",
            "user-agent": "assent",
            "webhook-id": delivery_id,
            "webhook-timestamp": str(int(signed_at.timestamp())),
            "webhook-signature": self._signer.sign(delivery_id, signed_at, body),
        }
        self._calls += 1
        try:
            with self._client.stream(
                "POST",
                self._url.copy_with(host=address),
                content=body.encode(),
                headers=headers,
                # The certificate must be the named host's, not the address's.
                extensions={"sni_hostname": self._url.host},
            ) as response:
                outcome = outcome_of(delivery_id, response, signed_at)
                self._drain(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return RowOutcome(delivery_id, ErrorClass.TRANSIENT, type(error).__name__)
        except httpx.TransportError as error:
            return RowOutcome(delivery_id, ErrorClass.IN_DOUBT, type(error).__name__)
        return outcome

    def _drain(self, response: httpx.Response) -> None:
        """Read a small body so that the connection serves the next row; give up on any other."""
        started = self._clock()
        taken = 0
        with suppress(httpx.HTTPError):
            for chunk in response.iter_raw():
                taken += len(chunk)
                if taken > _BODY_LIMIT or self._clock() - started > _BODY_TIME:
                    return


_CONCERNS_ALL_ROWS = frozenset(
    {ErrorClass.AUTH, ErrorClass.CONFIG, ErrorClass.THROTTLED, ErrorClass.TRANSIENT}
)


def _is_hopeless(outcomes: Sequence[RowOutcome]) -> bool:
    """Whether the next row would fare no better than the last: the receiver is away or refuses."""
    if outcomes[-1].error in _CONCERNS_ALL_ROWS:
        return True
    return len(outcomes) > 1 and all(o.error is ErrorClass.IN_DOUBT for o in outcomes[-2:])


def _body(batch: Batch, row: Mapping[str, Any]) -> str:
    content = {
        "type": f"{batch.object}.{batch.operation.value}",
        "timestamp": _json_value(batch.as_of),
        "data": {name: _json_value(value) for name, value in row.items()},
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _json_value(value: Any) -> str | int | float | bool | None:
    if value is None or isinstance(value, str | int | bool | float):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _checked_url(url: str, allow_private_hosts: frozenset[str]) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ConnectorError("The webhook's url is not a URL.") from None
    if parsed.userinfo or not parsed.host:
        raise ConnectorError("The webhook's url must name a host and carry no user or password.")
    if parsed.scheme != "https" and not (
        parsed.scheme == "http" and parsed.host in allow_private_hosts
    ):
        raise ConnectorError(
            "The webhook's url must start with https:// (http:// is for hosts named under "
            "allow_private_hosts in destinations.yml)."
        )
    return parsed


def _tls(url: httpx.URL, ca_file: Path | None) -> ssl.SSLContext:
    if url.scheme == "https":
        return ssl.create_default_context(cafile=ca_file)
    # Never used; loading the system's authorities for it would take longer than all else here.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _signer(secret: str) -> Webhook:
    try:
        return Webhook(secret)
    except (ValueError, EmptyWebhookSecretError):
        raise ConnectorError(
            "The webhook's secret is not base64, optionally after 'whsec_': put the secret that "
            "the receiver shows into the environment variable named by secret_env."
        ) from None
