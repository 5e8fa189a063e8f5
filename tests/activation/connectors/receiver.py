"""A real HTTP receiver of webhooks on this machine, with faults to order.

It verifies each signature with the reference library and takes each id once, as Standard Webhooks
asks of receivers.
"""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(frozen=True)
class Arrival:
    """One request that was taken for the first time or again. `at` is time.monotonic()."""

    delivery_id: str
    kind: str
    data: dict[str, Any]
    at: float
    is_repeat: bool


@dataclass
class Receiver:
    """Answers by `fault(request number)`: `ok`, a status code as text, or one of the faults below.

    drop: close before taking; taken_drop, taken_500, taken_cut: take, then close, answer 500, or
    break off the body; slow: take and answer late.
    """

    fault: Callable[[int], str] = lambda _: "ok"
    headers: dict[str, str] = field(default_factory=dict)
    slow_seconds: float = 0.05
    arrivals: list[Arrival] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    forged: int = 0
    paths: list[str] = field(default_factory=list)
    tls: Any = None

    def __enter__(self) -> "Receiver":
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                receiver._answer(self)

            def do_GET(self) -> None:
                receiver.paths.append(self.path)
                receiver._reply(self, 200)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that was killed leaves broken connections behind."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/token-in-the-path"

    def taken(self) -> list[Arrival]:
        """The deliveries that the receiver acts on: the first arrival of each id."""
        return [arrival for arrival in self.arrivals if not arrival.is_repeat]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["content-length"]))
        with self._lock:
            self.requests += 1
            mode = self.fault(self.requests)
            if mode != "ok":
                self.faults[mode] += 1
            self.paths.append(handler.path)
            if mode == "drop":
                self._close(handler)
                return
            if mode.isdecimal():
                self._reply(handler, int(mode))
                return
            if not self._take(handler, body):
                self._reply(handler, 401)
                return
        if mode == "slow":
            time.sleep(self.slow_seconds)
        if mode == "taken_drop":
            self._close(handler)
        elif mode == "taken_cut":
            handler.send_response(200)
            handler.send_header("content-length", "50")
            handler.end_headers()
            handler.wfile.write(b"{")
            handler.wfile.flush()
            self._close(handler)
        else:
            self._reply(handler, 500 if mode == "taken_500" else 200)

    def _take(self, handler: BaseHTTPRequestHandler, body: bytes) -> bool:
        try:
            Webhook(SECRET).verify(body, dict(handler.headers.items()))
        except WebhookVerificationError:
            self.forged += 1
            return False
        delivery_id = handler.headers["webhook-id"]
        content = json.loads(body)
        self.arrivals.append(
            Arrival(
                delivery_id,
                content["type"],
                content["data"],
                time.monotonic(),
                delivery_id in self._seen,
            )
        )
        self._seen.add(delivery_id)
        return True

    def _reply(self, handler: BaseHTTPRequestHandler, status: int) -> None:
        handler.send_response(status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    def _close(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
