"""Servers and connections that fail between the check and the stream: the phase is begun again, and nothing is lost."""

from __future__ import annotations

import re
import select
import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from pymysql.connections import Connection

from replicator.apply import stream
from replicator.mysql.connection import execute
from replicator.state import State
from tests.faults.world import World

_OWN = re.compile(r"'[^']*'|\d+|[0-9a-f]{8,}")
"""What differs from one sending of a statement to the next."""


class Cuts:
    """Cuts the connection of the daemon's main thread at every statement that is new, behind its effect: the answer is lost."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: Counter[str] = Counter()
        self.armed = False
        send: Callable[..., Any] = Connection._execute_command  # type: ignore[attr-defined]

        def sent(connection: Any, command: int, sql: str | bytes) -> None:
            text = sql if isinstance(sql, str) else sql.decode("utf-8", "replace")
            if not self.armed or threading.current_thread().name != "scenario" or text.startswith("SET SESSION time_zone"):
                send(connection, command, sql)
                return
            shape = _OWN.sub("?", text)
            self.seen[shape] += 1
            send(connection, command, sql)
            if self.seen[shape] == 1:
                select.select([connection._sock], [], [], 5.0)  # it has been done
                connection._sock.shutdown(socket.SHUT_RDWR)

        monkeypatch.setattr(Connection, "_execute_command", sent)


def test_every_statement_loses_its_answer_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all phases before the stream; a check that has found something has ended the daemon before."""
    monkeypatch.setattr(stream, "RETRY_WAIT", (0.0, 0.001))
    cuts = Cuts(monkeypatch)
    begin = State.begin

    def begun(*arguments: Any) -> None:
        begin(*arguments)
        cuts.armed = True

    monkeypatch.setattr(State, "begin", begun)
    with world.traffic() as traffic:
        run = world.start()
        run.until(lambda: run.exact("forward"), "become exact")
        cuts.armed = False
        traffic.more()
    world.equal()
    assert len(cuts.seen) > 50, cuts.seen
    assert world.status()["last_error"]["error"] in ("SourceConnectionLost", "TargetConnectionLost")


def test_a_target_that_is_read_only_between_the_phases(world: World) -> None:
    variable = "super_read_only" if world.target.flavour == "mysql" else "read_only"
    root, moments = world.on("target"), {"before the copy", "after the copy"}

    def moment(name: str) -> None:
        if name in moments:
            moments.remove(name)
            world.logs.clear()
            execute(root, f"SET GLOBAL {variable} = 1")

    run = world.start(moment)
    try:
        for left in (1, 0):
            run.until(lambda left=left: len(moments) == left, "come to the next phase")  # type: ignore[misc]
            world.await_said("TargetNotWritable", "read-only")
            execute(root, "SET GLOBAL read_only = 0")
        run.until(lambda: run.exact("forward"), "become exact")
    finally:
        execute(root, "SET GLOBAL read_only = 0")
    world.equal()

