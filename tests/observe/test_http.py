"""The read-only pages: what they answer, to whom, and what they never show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from importlib import resources

import pytest

from replicator.errors import ConfigError, SourceError
from replicator.mysql.position import Position
from replicator.observe.http import HttpServer
from replicator.observe.logs import HIDDEN
from replicator.progress import Progress

PAGE = resources.files("replicator.observe").joinpath("page.html").read_text()


@dataclass
class Served:
    """A progress, and its pages."""

    seconds: float = 1_800_000_000.0
    progress: Progress = field(init=False)
    server: HttpServer = field(init=False)

    def __post_init__(self) -> None:
        self.progress = Progress("shop", now=lambda: self.seconds, clock=lambda: self.seconds)
        self.server = HttpServer(("127.0.0.1", 0), self.progress, secrets=["hunter2"])

    def get(self, path: str, method: str = "GET", host: str | None = None) -> tuple[int, str, dict[str, str]]:
        connection = HTTPConnection(*self.server.address, timeout=5)
        try:
            connection.request(method, path, headers={"Host": host} if host else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.getheaders())
        finally:
            connection.close()


@pytest.fixture
def served() -> Iterator[Served]:
    one = Served()
    with one.server:
        yield one


def test_ready_only_while_the_lag_is_known_and_small(served: Served) -> None:
    progress = served.progress

    def reason() -> str:
        status, text, _ = served.get("/readyz")
        assert status == (200 if text == "ready\n" else 503)
        return text.strip()

    assert reason() == "the phase is preparing"
    progress.enter("replicating")
    assert reason() == "the stream is not connected"
    progress.connected("forward")
    assert reason() == "the lag is not known"
    progress.at("forward", Position("b.000001", 4), served.seconds - 60)
    assert reason().startswith("the lag is 60.0 s")
    progress.proved("forward", served.seconds)
    assert reason() == "ready"
    progress.paused()
    assert reason() == "the phase is paused"


def test_alive_until_the_main_loop_hangs(served: Served) -> None:
    served.progress.beat()
    assert served.get("/healthz")[0] == 200
    served.seconds += 121
    assert served.get("/healthz")[0] == 503
    served.progress.beat()
    assert served.get("/healthz")[0] == 200


def test_status_is_that_of_progress_without_secrets(served: Served) -> None:
    served.progress.failed(SourceError("refused for hunter2"))
    status, text, headers = served.get("/status.json")
    assert status == 200
    assert headers["Content-Type"].startswith("application/json")
    assert json.loads(text)["last_error"]["message"] == f"refused for {HIDDEN}"


def test_metrics(served: Served) -> None:
    status, text, headers = served.get("/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'replicator_phase{phase="preparing"} 1.0' in text


def test_the_page_needs_nothing_from_elsewhere() -> None:
    assert not re.search(r"https?://|@import|url\(", PAGE)
    assert not re.search(r'(?:src|href)="(?!data:|status\.json|metrics|readyz)', PAGE)
    # The policy below allows neither, so that nothing that a name smuggles in could ever run.
    assert "innerHTML" not in PAGE
    assert not re.search(r"\son\w+=|\sstyle=", PAGE)


def test_the_policy_allows_only_what_stands_in_the_page(served: Served) -> None:
    _, text, headers = served.get("/")
    assert text == PAGE
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.count("'sha256-") == 2
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Python" not in headers["Server"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(served: Served, method: str) -> None:
    status, _, headers = served.get("/status.json", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_head_has_the_headers_only(served: Served) -> None:
    status, text, headers = served.get("/status.json", "HEAD")
    assert (status, text) == (200, "")
    assert int(headers["Content-Length"]) > 0


def test_what_is_not_there(served: Served) -> None:
    assert served.get("/etc/passwd")[0] == 404
    assert served.get("/../page.html")[0] == 404
    assert served.get("/status.json?x=1")[0] == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:9104", 200), ("127.0.0.1", 200), ("[::1]:9104", 200), ("evil.example", 403), ("10.0.0.1:9104", 403)],
)
def test_a_name_that_was_made_to_point_here_reads_nothing(served: Served, host: str, status: int) -> None:
    assert served.get("/status.json", host=host)[0] == status


def test_an_address_that_is_taken(served: Served) -> None:
    with pytest.raises(ConfigError, match=r"http\.listen"):
        HttpServer(served.server.address, Progress("other"))
