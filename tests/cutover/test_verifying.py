"""A verification has its snapshots open: a cutover says so, instead of naming them as transactions of somebody else."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from replicator import daemon
from replicator.errors import WrongState
from replicator.migration import Migration
from replicator.mysql.position import Position
from tests.conftest import ServerPair
from tests.verify.conftest import NewScene, QuietLog
from tests.verify.conftest import scene as scene

SOURCE = "CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)"
TARGET = "CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)"


class SlowLog(QuietLog):
    """A stream that gets no further until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.waits, self.may = threading.Event(), threading.Event()

    def wait_applied(self, position: Position, timeout: float) -> bool:  # noqa: ARG002
        self.waits.set()
        return self.may.wait(timeout)


@pytest.mark.parametrize("command", ["cutover", "rollback"])
def test_no_switch_while_a_verification_is_under_way(
    server_pair: ServerPair, scene: NewScene, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    one, log = scene(server_pair, SOURCE, TARGET, "copy_table('t')"), SlowLog()
    one.log = log
    verifier = one.verifier()
    migration: Any = SimpleNamespace(
        config=one.config, exact=lambda: (verifier, log), turn=SimpleNamespace(switching=nullcontext), moves_back=lambda _: None
    )
    monkeypatch.setattr(daemon, "_VERIFIED_SECONDS", 0.0)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(verifier.verify)
        try:
            assert log.waits.wait(60)
            with pytest.raises(WrongState, match="a verification is under way"):
                list(daemon.Daemon(cast(Migration, migration)).answer(command, {}))
        finally:
            log.may.set()
        assert running.result(60).ok
    assert verifier.idle(0.0)
    verifier.close()
