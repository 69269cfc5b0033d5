"""A full pass in a process of its own finds the same, and ends with whatever it depends on."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest

from replicator.errors import ConfigError, Interrupted, ReplicatorError, SourceConnectionLost
from replicator.mysql.connection import execute, value
from replicator.verify import apart, verifier
from tests.conftest import ServerPair
from tests.verify.conftest import NewScene, Scene
from tests.verify.test_verify import FILL, SOURCE, TARGET, TRANSFORMS, found


@pytest.fixture
def whole(scene: NewScene, server_pair: ServerPair, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(verifier, "APART_ROWS", 0)
    return scene(server_pair, SOURCE, TARGET + FILL, TRANSFORMS)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Those that were started."""
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def start(*arguments: Any, **more: Any) -> Any:
        started.append(real(*arguments, **more))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return started


def after_barrier(scene: Scene, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """`act` at the first barrier that is asked for."""
    real = scene.log.source_barrier

    def barrier() -> None:
        real()
        if scene.log.barriers == 1:
            act()

    monkeypatch.setattr(scene.log, "source_barrier", barrier)


def test_finds_what_is_there_to_find(whole: Scene, processes: list[subprocess.Popen[bytes]]) -> None:
    execute(whole.target, "UPDATE booking SET tenant = 'x' WHERE id = 10")
    execute(whole.target, "INSERT INTO event VALUES ('other', 1, 'x')")
    report = whole.verify()
    assert found(report) == [
        ("booking", "id=10", "different", ("tenant",)),
        ("event", "kind='other', id=1", "extra", ()),
    ]
    assert [process.returncode for process in processes] == [-signal.SIGKILL]
    assert {name: table.rows for name, table in report.tables.items()} == {
        name: int(value(whole.target, f"SELECT COUNT(*) FROM {name}")) + (name == "booking") for name in whole.plan.targets
    }


def test_one_table(whole: Scene) -> None:
    assert set(whole.verify(tables=["booking"]).tables) == {"booking"}


def test_goes_on_when_the_source_was_lost(whole: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose() -> None:
        raise SourceConnectionLost("source: gone for a moment")

    after_barrier(whole, monkeypatch, lose)
    assert whole.verify().ok
    assert whole.progress.snapshot()["last_error"]["message"] == "source: gone for a moment"


def test_stops_when_told(whole: Scene, monkeypatch: pytest.MonkeyPatch, processes: list[subprocess.Popen[bytes]]) -> None:
    monkeypatch.setattr(whole.log, "wait_applied", lambda *_: bool(threading.Event().wait(0.05)))
    after_barrier(whole, monkeypatch, whole.stop.set)
    with pytest.raises(Interrupted):
        whole.verify()
    assert processes[0].returncode == -signal.SIGKILL
    assert not whole.log.open


def test_says_when_it_was_killed(
    whole: Scene, monkeypatch: pytest.MonkeyPatch, processes: list[subprocess.Popen[bytes]]
) -> None:
    after_barrier(whole, monkeypatch, lambda: processes[0].kill())
    with pytest.raises(ReplicatorError, match="ended by signal 9"):
        whole.verify()
    assert not whole.log.open


def test_refuses_transforms_that_were_edited(whole: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "fingerprint", lambda _: "before")
    with pytest.raises(ConfigError, match="was edited while the daemon runs"):
        whole.verify()
