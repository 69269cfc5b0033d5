"""A fault at every statement that a cutover sends, before or after the server has acted on it.

The process dies (and with it all of its connections), one connection is cut, or an answer comes too late. Whatever happens, the
next daemon finds one of two worlds, the clients go on in it without an error, and what they were told is there.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymysql.connections import Connection
from pymysql.constants import CLIENT

from replicator.cutover import attempts, hold
from replicator.cutover.settle import recover
from replicator.demo.servers import Server
from replicator.errors import CutoverInDoubt, CutoverUndone, ReplicatorError
from tests.cutover.world import Clients, make_world
from tests.faults.world import until

ATTEMPTS = int(os.environ.get("CUTOVER_FAULTS", "54"))
"""Of each flavour."""
SEED = int(os.environ.get("CUTOVER_SEED", "0"))
"""Shifts which statement is hit by which fault."""
KINDS = (*("dies before", "cut after", "dies after", "cut before") * 2, "late")
_MAX_FREEZE = 0.6
_ACTED = 0.2
"""Seconds after which a statement that has not been answered is taken to wait for a lock."""


class Died(BaseException):
    """The process is gone."""


class Faults:
    """Counts the statements of the engine's own sessions, and breaks something at one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent = 0
        self.struck = ""
        self._at, self._kind = 0, ""
        self._dead = False
        self._ours: set[Connection[Any]] = set()
        self._lock = threading.Lock()
        self._send: Callable[..., Any] = Connection._execute_command  # type: ignore[attr-defined]
        self._connect: Callable[..., Any] = Connection.connect
        faults = self

        def send(self: Connection[Any], command: int, sql: str | bytes) -> None:
            faults._sent(self, command, sql)

        def connect(self: Connection[Any], sock: Any = None) -> None:
            if faults._is_ours(self):
                faults._unless_dead()
            faults._connect(self, sock)

        monkeypatch.setattr(Connection, "_execute_command", send)
        monkeypatch.setattr(Connection, "connect", connect)

    def arm(self, at: int, kind: str) -> None:
        """Strike at the statement of this number, counted from now on; 0: never."""
        self.sent, self.struck, self._at, self._kind, self._dead = 0, "", at, kind, False
        self._ours.clear()

    def disarm(self) -> None:
        """The process, dead or not, is another one now: what the old one had open is closed."""
        self._die()
        self.arm(0, "")

    def _is_ours(self, connection: Any) -> bool:
        return bool(connection.client_flag & CLIENT.FOUND_ROWS)

    def _sent(self, connection: Any, command: int, sql: str | bytes) -> None:
        if not self._is_ours(connection):
            self._send(connection, command, sql)
            return
        self._unless_dead()
        with self._lock:
            self._ours.add(connection)
            self.sent += 1
            strikes = self.sent == self._at
        if not strikes:
            self._send(connection, command, sql)
            return
        self.struck = f"{self._kind} {sql!r:.80}"
        if self._kind == "late":
            time.sleep(_MAX_FREEZE + 0.3)
        if self._kind.endswith(("after", "late")):
            self._send(connection, command, sql)
            if self._kind == "late":
                return
            select.select([connection._sock], [], [], _ACTED)
        if self._kind.startswith("dies"):
            self._die()
            self._unless_dead()
        connection._sock.shutdown(socket.SHUT_RDWR)
        if self._kind == "cut before":
            self._send(connection, command, sql)

    def _die(self) -> None:
        self._dead = True
        with self._lock:
            ours = list(self._ours)
        for connection in ours:
            with suppress(OSError, AttributeError):
                connection._sock.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]

    def _unless_dead(self) -> None:
        if self._dead and threading.current_thread() is threading.main_thread():
            raise Died
        if self._dead:
            raise pymysql.err.OperationalError(2013, "the process is dead")


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    monkeypatch.setattr(attempts, "ATTEMPTS", 2)
    monkeypatch.setattr(attempts, "_PAUSE", 0.02)
    monkeypatch.setattr(hold, "_LEAST_SAMPLE", 0.05)
    made = Faults(monkeypatch)
    yield made
    made.disarm()


@pytest.mark.timeout(60 + 5 * ATTEMPTS)
def test_every_statement(
    server: Server, database: Callable[..., str], tmp_path: Path, faults: Faults, record_property: Callable[[str, object], None]
) -> None:
    def fresh(number: int) -> Any:
        folder = tmp_path / str(number)
        folder.mkdir()
        return make_world(server, database, folder)

    world = fresh(0)
    with Clients(world, 3) as clients:

        def undisturbed() -> bool:
            """On a busy machine a client may not be let run for so long that nothing is begun."""
            faults.arm(0, "")
            with suppress(CutoverUndone):
                return world.cutover(max_freeze=_MAX_FREEZE) is not None
            return False

        until(undisturbed, "a cutover without faults succeeds")
        statements = faults.sent
        assert world.switched()
    clients.check()
    outcomes: Counter[str] = Counter()
    world = None
    for number in range(ATTEMPTS):
        at, kind = 1 + number * statements // ATTEMPTS, KINDS[(number + SEED) % len(KINDS)]
        if world is None:
            world = fresh(1 + number)
            clients = Clients(world, 3)
        with clients:
            faults.arm(at, kind)
            outcome = "done"
            try:
                world.cutover(max_freeze=_MAX_FREEZE)
            except Died:
                outcome = "died"
            except CutoverInDoubt:
                outcome = "in doubt"
            except (CutoverUndone, ReplicatorError, pymysql.MySQLError):
                outcome = "undone"
            told = f"{faults.struck} at statement {at} of {statements}: {outcome}"
            faults.disarm()
            found = recover(world.config)
            switched = world.switched()
            if outcome in ("done", "undone"):
                assert found is None or switched, told
                assert switched == (outcome == "done"), told
            outcomes[f"{kind}: {outcome}, {'after' if switched else 'before'} the switch"] += 1
        clients.check()
        assert not clients.errors, f"{told}: {clients.errors}"
        assert clients.longest < 2 * _MAX_FREEZE + 1, told
        if switched:
            world = None
    for what, times in sorted(outcomes.items()):
        print(f"{times:4} {what}")
    record_property("cutover", f"{outcomes.total()} faults survived")
    assert outcomes.total() == ATTEMPTS
    assert any(what.endswith("after the switch") for what in outcomes)
    assert any(what.endswith("before the switch") for what in outcomes)
