"""The process around the daemon: its log, SIGHUP, and how it ends. The daemon itself is played."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest
import structlog

from replicator.config import Config, load
from replicator.errors import ConfigError, SourceError
from replicator.observe.control import ControlServer
from replicator.observe.http import HttpServer
from replicator.process import run_process
from replicator.progress import Progress
from replicator.throttle import Throttle

CONFIG = """\
[migration]
name = "shop"
[source]
url = "mysql://a@127.0.0.1:1/shop"
password_env = "PASSWORD"
[target]
url = "mysql://a@127.0.0.1:1/shop_new"
[control]
socket = "control.sock"
[http]
listen = "127.0.0.1:0"
"""

Play = Callable[[Progress], None]


class Stage:
    """Plays a migration in the daemon, and gathers what it logs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "replicator.toml"
        self.file.write_text(CONFIG)
        self.log = io.StringIO()
        self.progress: Progress | None = None
        self.throttle: Throttle | None = None
        self._monkeypatch = monkeypatch

    def config(self) -> Config:
        return load(self.file, {"PASSWORD": "hunter2"})

    def run(self, play: Play, once: bool = False) -> int:
        def daemon(_config: Config, *, once: bool, progress: Progress, throttle: Throttle) -> None:
            self.progress, self.throttle = progress, throttle
            assert once is self.once
            play(progress)

        self.once = once
        self._monkeypatch.setattr("replicator.daemon.run", daemon)
        with redirect_stderr(self.log):
            return run_process(self.config(), once=once, reread=self.config)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def names(self) -> list[str]:
        return [event["event"] for event in self.events()]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    (tmp_path / "transforms").mkdir()
    return Stage(tmp_path, monkeypatch)


def test_sighup_takes_the_new_limits_and_log_level_and_survives_a_broken_file(stage: Stage) -> None:
    log = structlog.get_logger("engine")

    def play(_progress: Progress) -> None:
        log.debug("chunk.planned", number=1)
        assert stage.throttle is not None
        assert stage.throttle.settings.max_threads_running == 0
        stage.file.write_text(CONFIG + '[log]\nlevel = "debug"\n[throttle]\nmax_threads_running = 7\n')
        os.kill(os.getpid(), signal.SIGHUP)
        log.debug("chunk.planned", number=2)
        stage.file.write_text(CONFIG + "[log]\nlevle = 1\n")
        os.kill(os.getpid(), signal.SIGHUP)
        log.debug("chunk.planned", number=3)
        assert stage.throttle.settings.max_threads_running == 7

    assert stage.run(play) == 0
    assert [event["number"] for event in stage.events() if event["event"] == "chunk.planned"] == [2, 3]
    (refused,) = [event for event in stage.events() if event["event"] == "configuration.refused"]
    assert "levle" in refused["problems"][0]


def test_an_error_is_logged_once_and_without_secrets(stage: Stage) -> None:
    log = structlog.get_logger("daemon")

    def play(_progress: Progress) -> None:
        log.error("daemon.failed", error="SourceError", reason="source 127.0.0.1:1: refused hunter2")
        raise SourceError("source 127.0.0.1:1: refused hunter2")

    assert stage.run(play) == 5
    assert stage.names() == ["daemon.failed"]
    assert stage.events()[0]["error"] == "SourceError"
    assert "hunter2" not in stage.log.getvalue()


def test_a_crash_leaves_its_traceback_in_the_log(stage: Stage) -> None:
    def play(_progress: Progress) -> None:
        raise KeyError("x")

    assert stage.run(play) == 1
    assert "Traceback" in stage.events()[-1]["exception"]


def test_people_get_the_error_itself(stage: Stage) -> None:
    stage.file.write_text(CONFIG + '[log]\nformat = "console"\n')

    def play(_progress: Progress) -> None:
        raise SourceError("gone")

    with pytest.raises(SourceError):
        stage.run(play)


def test_a_taken_address_is_told_before_anything_is_done(stage: Stage) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        stage.file.write_text(CONFIG.replace("127.0.0.1:0", f"127.0.0.1:{taken.getsockname()[1]}"))
        with pytest.raises(ConfigError, match=r"http\.listen"):
            stage.run(lambda _: None)
        assert stage.progress is None


def ran(folder: Path, *settings: str) -> tuple[int, str]:
    """`run` with its output in files; the exit code, and what it wrote to standard error, where the log is."""
    assignments = [word for setting in settings for word in ("--set", setting)]
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        code = subprocess.run(
            [sys.executable, "-m", "replicator", "run", *assignments], cwd=folder, stdout=out, stderr=err,
            env={**os.environ, "PASSWORD": "hunter2"}, timeout=60, check=False,
        ).returncode  # fmt: skip
    assert not (folder / "out").read_text()
    return code, (folder / "err").read_text()


def test_a_second_daemon_says_that_there_is_one(stage: Stage) -> None:
    folder = stage.file.parent
    with ControlServer(folder / "control.sock", lambda *_: iter(())):
        code, text = ran(folder)
    (event,) = map(json.loads, text.splitlines())
    assert (code, event["event"], event["error"]) == (4, "daemon.failed", "WrongState")
    assert "already running" in event["reason"]


def test_a_socket_that_cannot_be_made_is_told(stage: Stage) -> None:
    code, text = ran(stage.file.parent, "control.socket=/nodir/x.sock")
    (event,) = map(json.loads, text.splitlines())
    assert (code, event["event"], event["error"]) == (2, "daemon.failed", "ConfigError")
    assert "/nodir/x.sock" in event["reason"]


def test_what_ends_the_run_is_told_once(stage: Stage) -> None:
    """Where no server is, and where the address of the pages is taken, before there is a daemon."""
    folder = stage.file.parent
    code, text = ran(folder)
    assert code == 6
    assert [json.loads(line)["event"] for line in text.splitlines()] == ["daemon.started", "daemon.failed"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, text = ran(folder, f"http.listen=127.0.0.1:{taken.getsockname()[1]}")
    assert code == 2
    assert text.count("http.listen") == 1


def test_the_pages_are_there_meanwhile_and_it_ends_well(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    init = HttpServer.__init__

    def remembering(server: HttpServer, *arguments: Any) -> None:
        init(server, *arguments)
        servers.append(server)

    def play(progress: Progress) -> None:
        progress.enter("replicating")
        (server,) = servers
        with socket.create_connection(server.address) as connection:
            connection.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
            seen.append(int(connection.recv(4096).split()[1]))

    servers: list[HttpServer] = []
    monkeypatch.setattr(HttpServer, "__init__", remembering)
    assert stage.run(play, once=True) == 0
    assert seen == [503]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(servers[0].address)
