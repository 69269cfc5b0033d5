"""The read-only pages: /metrics, /healthz, /readyz, /status.json and the status page itself."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import re
import socket
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any, Self

import structlog

from replicator.errors import ConfigError
from replicator.observe.logs import redactor
from replicator.observe.metrics import CONTENT_TYPE, exposition, registry
from replicator.progress import Progress

READY_LAG = 10.0
"""Seconds of lag up to which the target counts as ready to be read."""
HUNG_AFTER = 120.0
"""Seconds without a move of the main loop after which the daemon no longer counts as alive."""

_log = structlog.get_logger("http")

Page = tuple[HTTPStatus, str, bytes]


class HttpServer:
    """Answers from `start` until `close`. `address` is where, which matters for port 0.

    Raises ConfigError where the address cannot be had.
    """

    def __init__(self, listen: tuple[str, int], progress: Progress, secrets: Iterable[str] = ()) -> None:
        try:
            self._server = _Server(listen, _pages(progress, secrets))
        except OSError as error:
            raise ConfigError(
                f"http.listen: {listen[0]}:{listen[1]}: {error.strerror}: choose another port, or \"off\"; "
                "`replicator status` tells whether this migration's own daemon has it"
            ) from None
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="http", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ready(status: dict[str, Any]) -> str | None:
    """Why the target is not ready to be read, or None when it is."""
    if status["phase"] not in ("replicating", "reversing"):
        return f"the phase is {status['phase']}"
    if not status["connected"]:
        return "the stream is not connected"
    if status["lag_seconds"] is None:
        return "the lag is not known"
    if status["lag_seconds"] > READY_LAG:
        return f"the lag is {status['lag_seconds']} s, more than {READY_LAG:g} s"
    return None


def _pages(progress: Progress, secrets: Iterable[str]) -> dict[str, Callable[[], Page]]:
    metrics = registry(progress)
    redact = redactor(secrets)
    html = resources.files("replicator.observe").joinpath("page.html").read_bytes()

    def alive() -> Page:
        stalled = progress.stalled_seconds
        if stalled > HUNG_AFTER:
            return _text(HTTPStatus.SERVICE_UNAVAILABLE, f"the main loop has not moved for {stalled:.0f} s")
        return _text(HTTPStatus.OK, "ok")

    def readiness() -> Page:
        reason = ready(progress.snapshot())
        return _text(HTTPStatus.OK, "ready") if reason is None else _text(HTTPStatus.SERVICE_UNAVAILABLE, reason)

    def status() -> Page:
        body = json.dumps(redact(progress.snapshot()), ensure_ascii=False).encode()
        return HTTPStatus.OK, "application/json; charset=utf-8", body

    return {
        "/": lambda: (HTTPStatus.OK, "text/html; charset=utf-8", html),
        "/metrics": lambda: (HTTPStatus.OK, CONTENT_TYPE, exposition(metrics)),
        "/healthz": alive,
        "/readyz": readiness,
        "/status.json": status,
    }


def _text(code: HTTPStatus, text: str) -> Page:
    return code, "text/plain; charset=utf-8", f"{text}\n".encode()


def _policy(html: bytes) -> str:
    """Only what stands in the page itself may run or style it, and it may talk to us alone."""

    def hashes(tag: str) -> str:
        found = re.findall(rf"<{tag}>(.*?)</{tag}>".encode(), html, re.DOTALL)
        return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'" for text in found)

    return (
        f"default-src 'none'; script-src {hashes('script')}; style-src {hashes('style')}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listen: tuple[str, int], pages: dict[str, Callable[[], Page]]) -> None:
        self.address_family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
        self.pages = pages
        self.policy = _policy(pages["/"]()[2])
        super().__init__(listen, _Request)
        self.private = ipaddress.ip_address(str(self.server_address[0])).is_loopback

    def handle_error(self, *_: object) -> None:
        _log.exception("request.failed")


class _Request(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "replicator", ""

    def do_GET(self) -> None:
        self._answer(*self._page())

    do_HEAD = do_GET  # noqa: N815 (the name is given)

    def _page(self) -> Page:
        # A page elsewhere whose name was made to point at this machine may not read what is meant for it alone.
        if self.server.private and not _is_local(self.headers.get("Host", "")):
            return _text(HTTPStatus.FORBIDDEN, "this is only served to this machine, under the name localhost")
        page = self.server.pages.get(self.path.partition("?")[0])
        return page() if page is not None else _text(HTTPStatus.NOT_FOUND, "not found: " + " ".join(self.server.pages))

    def _refuse(self) -> None:
        self.close_connection = True
        self._answer(*_text(HTTPStatus.METHOD_NOT_ALLOWED, "read-only: GET and HEAD"))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse  # noqa: N815

    def _answer(self, code: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", self.server.policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        if code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Scrapes every few seconds are no events."""


def _is_local(host: str) -> bool:
    name = re.sub(r":\d+$", "", host).removeprefix("[").removesuffix("]")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in ("localhost", "")
