"""Whatever dies, and whenever: the world is the old one or the new one, writes go on, and nothing acknowledged is lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest

from replicator.cutover import attempts
from replicator.cutover import run as steps
from replicator.cutover import settle as settling
from replicator.cutover.settle import recover
from replicator.demo.servers import FLAVOURS, Flavour, Server
from replicator.errors import CutoverInDoubt, CutoverUndone, ReplicatorError, VerificationFailed
from replicator.mysql.connection import Connection, execute, rows
from replicator.mysql.position import Position
from tests.cutover.world import Clients, CopyingStream, World, make_world


@pytest.fixture
def world(server: Server, database: Callable[..., str], tmp_path: Path) -> World:
    return make_world(server, database, tmp_path)


def sessions(world: World, pattern: str) -> list[int]:
    """The sessions whose statement is like `pattern`."""
    with world.connection() as connection:
        return [
            int(session)
            for (session,) in rows(
                connection,
                "SELECT id FROM information_schema.processlist WHERE info LIKE %s AND id <> CONNECTION_ID()",
                (pattern,),
            )
        ]


def kill(world: World, *identities: int) -> None:
    with world.connection() as connection:
        for identity in identities:
            with suppress(pymysql.MySQLError):
                execute(connection, f"KILL {identity}")


class Patched:
    """Runs something right before one of the cutover's own functions, the first time it is called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, before: Callable[..., None], times: int = 1) -> None:
        original: Callable[..., Any] = getattr(steps, name)
        self.calls = 0

        def patched(*arguments: Any, **more: Any) -> Any:
            self.calls += 1
            if self.calls <= times:
                before(*arguments)
            return original(*arguments, **more)

        monkeypatch.setattr(steps, name, patched)


@pytest.mark.parametrize("step", ["prepare", "drain", "prove"])
def test_an_error_of_the_stream_undoes_everything(world: World, step: str) -> None:
    def fail(at: str) -> None:
        if at == step:
            raise VerificationFailed("customers: one row differs")

    with Clients(world, 4) as clients:
        time.sleep(0.2)
        with pytest.raises(CutoverUndone, match="one row differs"):
            world.cutover(CopyingStream(world, hook=fail))
        assert not world.switched()
        time.sleep(0.2)
    clients.check()
    assert not clients.errors


def test_a_proof_that_takes_too_long_is_cut_short_by_the_watchdog(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    stuck = CopyingStream(world, hook=lambda step: time.sleep(2.5) if step == "prove" else None)
    with Clients(world, 4) as clients:
        time.sleep(0.2)
        clients.forget_times()
        with pytest.raises((CutoverUndone, AssertionError)):
            world.cutover(stuck, max_freeze=0.8)
        assert not world.switched()
    clients.check()
    assert clients.longest < 1.8
    assert not clients.errors


def test_holder_of_a_lock_killed_in_the_freeze(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write may have passed: the attempt is undone, and the next one succeeds."""
    Patched(monkeypatch, "queue_up", lambda *a: kill(world, a[3].sessions[-1].identity))
    with Clients(world, 4) as clients:
        time.sleep(0.2)
        outcome = world.cutover()
        assert outcome is not None
        assert outcome.attempts == 2
        assert world.switched()
    clients.check()
    assert not clients.errors


@pytest.mark.parametrize("victim", ["renamer", "guard", "holder"])
def test_sessions_killed_while_the_rename_waits_for_the_sentry(
    world: World, monkeypatch: pytest.MonkeyPatch, victim: str
) -> None:
    def strike(control: Connection, *_: Any) -> None:
        if victim == "renamer":
            kill(world, *sessions(world, "RENAME TABLE%"))
        elif victim == "guard":
            kill(world, *guards)
        time.sleep(0.1)

    guards: list[int] = []
    Patched(monkeypatch, "nothing_passed", strike)
    original = steps._get_ready

    def remember(*arguments: Any) -> Any:
        ready = original(*arguments)
        guards.append(ready[0].identity)
        return ready

    monkeypatch.setattr(steps, "_get_ready", remember)
    with Clients(world, 4) as clients:
        time.sleep(0.2)
        with suppress(CutoverUndone):
            world.cutover()
        world.switched()
        time.sleep(0.2)
    clients.check()
    assert not clients.errors


def test_the_answer_to_the_rename_is_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is cut the moment the rename was let go: the tables say what has become of it."""
    original: Callable[..., Any] = getattr(steps, "let_go")  # noqa: B009

    def hang_up(connection: Any) -> None:
        with suppress(AttributeError, OSError):  # the answer was quicker, and the session is closed already
            connection._sock.shutdown(socket.SHUT_RDWR)

    def cut(moves: Any, guard: Any, renamer: Any, patience: float) -> Any:
        threading.Timer(0.01, hang_up, (renamer.connection,)).start()
        return original(moves, guard, renamer, patience)

    monkeypatch.setattr(steps, "let_go", cut)
    with Clients(world, 4) as clients:
        time.sleep(0.2)
        with suppress(CutoverUndone):
            world.cutover()
        world.switched()
        time.sleep(0.2)
    clients.check()
    assert not clients.errors


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("at", ["drain", "queue_up", "let_go", "later", "switched"])
def test_server_killed(
    flavour: Flavour, at: str, new_server: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = new_server(flavour)

    def database(on: Server, name: str) -> str:
        with pymysql.connect(**on.connect_args(), autocommit=True) as connection:
            execute(connection, f"CREATE DATABASE {name}")
        return name

    world = make_world(server, database, tmp_path, tcp=True)

    def restart() -> None:
        time.sleep(0.02 if at == "later" else 0)
        server.kill()
        server.start()

    stream = CopyingStream(world)
    if at == "drain":
        stream.hook = lambda step: restart() if step == "drain" else None
    elif at == "later":
        Patched(monkeypatch, "let_go", lambda *_: threading.Thread(target=restart).start())
    else:
        Patched(monkeypatch, at, lambda *_: restart())
    with Clients(world, 4) as clients:
        time.sleep(0.3)
        with suppress(CutoverUndone, CutoverInDoubt, pymysql.MySQLError, ReplicatorError):
            world.cutover(stream)
        time.sleep(0.5)
        recover(world.config)
        world.switched()
        time.sleep(0.3)
    clients.check()


def test_recover_has_nothing_to_do_without_an_intent(world: World) -> None:
    assert recover(world.config) is None


def test_tables_that_somebody_moved_by_hand_are_in_doubt(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    moves = world.moves
    with world.connection() as connection:
        execute(connection, f"CREATE TABLE {world.archive}.customers (id int)")
    with pytest.raises(CutoverInDoubt, match="customers"):
        settling.settle(world.config, moves, 1.0)


def test_a_binlog_that_was_begun_anew_shortly_before(world: World) -> None:
    """What stands in it now lies before what is applied, and would pass for applied as well."""

    class Ahead(CopyingStream):
        def applied(self) -> Position:
            return Position("binlog.999999", 4)

    with pytest.raises(CutoverUndone, match=r"was begun anew: binlog\.999999:4 is applied, it ends at"):
        world.cutover(Ahead(world))
    assert not world.switched()
