"""Whatever dies, and whenever: the world is the old one or the new one, writes go on, and nothing acknowledged is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pymysql
import pytest

from replicator.cutover import run as steps
from replicator.cutover import settle as settling
from replicator.cutover.settle import recover
from replicator.demo.servers import FLAVOURS, Flavour, Server
from replicator.errors import CutoverInDoubt, CutoverUndone, VerificationFailed
from replicator.mysql.connection import execute, rows
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


def test_an_error_of_the_stream_undoes_everything(world: World) -> None:
    with Clients(world, 4) as clients:
        for step in ("prepare", "drain", "prove"):

            def fail(at: str, step: str = step) -> None:
                if at == step:
                    raise VerificationFailed("customers: one row differs")

            with pytest.raises(CutoverUndone, match="one row differs"):
                world.cutover(CopyingStream(world, hook=fail))
            assert not world.switched()
        time.sleep(0.2)
    clients.check()
    assert not clients.errors


def test_a_proof_that_takes_too_long_is_cut_short_by_the_watchdog(world: World) -> None:
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


@pytest.mark.parametrize("victim", ["renamer", "guard"])
def test_sessions_killed_while_the_rename_waits_for_the_sentry(
    world: World, monkeypatch: pytest.MonkeyPatch, victim: str
) -> None:
    def strike(*_: Any) -> None:
        kill(world, *(sessions(world, "RENAME TABLE%") if victim == "renamer" else guards[-1:]))
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

    def cut(moves: Any, guard: Any, renamer: Any, patience: float) -> Any:
        threading.Timer(0.01, lambda: renamer.connection._sock.shutdown(2)).start()
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


class Died(BaseException):
    """Stands in for the end of the process."""


def test_a_process_that_dies_is_recovered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All its connections end without a word, as by kill -9; nobody cleans up, until the next daemon starts."""

    def everybody() -> set[int]:
        with world.connection() as connection:
            return {
                int(session)
                for (session,) in rows(
                    connection,
                    "SELECT id FROM information_schema.processlist WHERE user = 'root' AND id <> CONNECTION_ID()",
                )
            }

    def give_up(*_: Any) -> None:
        raise Died

    with Clients(world, 4) as clients:
        time.sleep(0.5)
        for at in ("_get_ready", "_freeze", "queue_up", "nothing_passed", "let_go", "switched"):
            before = everybody()

            def die(*arguments: Any, at: str = at, before: set[int] = before) -> None:
                if at == "_get_ready":
                    steps._raise_numbers(*arguments)
                kill(world, *(everybody() - before))
                raise Died

            with monkeypatch.context() as patch:
                patch.setattr(steps, "_raise_numbers" if at == "_get_ready" else at, die)
                patch.setattr(steps, "_end", give_up)
                with pytest.raises(Died):
                    world.cutover()
            after = at == "switched"
            assert recover(world.config) == ("done" if after else "undone")
            assert world.switched() == after
            assert recover(world.config) is None
        time.sleep(0.2)
    clients.check()
    assert not clients.errors


def test_the_dropped_tables_are_archived_by_the_next_daemon(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: Any) -> None:
        raise Died

    monkeypatch.setattr(steps, "_archive", die)
    with pytest.raises(Died):
        world.cutover()
    assert recover(world.config) == "done"
    assert world.switched()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_server_killed(
    flavour: Flavour, new_server: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = new_server(flavour)
    for at in ("drain", "queue_up", "let_go", "later", "switched"):
        folder = tmp_path / at
        folder.mkdir()
        world = make_world(server, partial(_create, suffix=at), folder, tcp=True)

        def restart(wait: float = 0.02 if at == "later" else 0.0) -> None:
            time.sleep(wait)
            server.kill()
            server.start()

        stream = CopyingStream(world)
        with Clients(world, 4) as clients, monkeypatch.context() as patch:
            time.sleep(0.3)
            if at == "drain":
                stream.hook = lambda step, act=restart: act() if step == "drain" else None  # type: ignore[misc]
            elif at == "later":
                Patched(patch, "let_go", lambda *_, act=restart: threading.Thread(target=act).start())
            else:
                Patched(patch, at, lambda *_, act=restart: act())
            with suppress(CutoverUndone, CutoverInDoubt):
                world.cutover(stream)
            time.sleep(0.3)
            recover(world.config)
            world.switched()
            time.sleep(0.3)
        clients.check()


def _create(on: Server, name: str, suffix: str) -> str:
    with pymysql.connect(**on.connect_args(), autocommit=True) as connection:
        execute(connection, f"CREATE DATABASE {name}_{suffix}")
    return f"{name}_{suffix}"


def test_recover_has_nothing_to_do_without_an_intent(world: World) -> None:
    assert recover(world.config) is None


def test_tables_that_somebody_moved_by_hand_are_in_doubt(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    moves = world.moves
    with world.connection() as connection:
        execute(connection, f"CREATE TABLE {world.archive}.customers (id int)")
    with pytest.raises(CutoverInDoubt, match="customers"):
        settling.settle(world.config, moves, 1.0)
