"""Who is in the way is named, waited for within limits, and ended only where that is allowed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pymysql
import pytest

from replicator.cutover import attempts, freeze, hold
from replicator.cutover.locks import Locks
from replicator.demo.servers import Server
from replicator.errors import CutoverUndone
from replicator.mysql.connection import Connection, execute, rows
from tests.cutover.world import WRITTEN, Clients, CopyingStream, World, make_world


@pytest.fixture
def world(server: Server, database: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(attempts, "ATTEMPTS", 2)
    monkeypatch.setattr(hold, "_ROUNDS", 3)
    monkeypatch.setattr(hold, "_UNTIL_GONE", 0.2)
    monkeypatch.setattr(attempts, "_PAUSE", 0.1)
    return make_world(server, database, tmp_path)


def open_transaction(world: World, connect: Callable[..., Connection], *statements: str) -> Connection:
    connection = connect(world.server, world.source, autocommit=False)
    for statement in statements:
        execute(connection, statement)
    return connection


def test_an_idle_transaction_is_named_and_left_alone(world: World, connect: Callable[..., Connection]) -> None:
    idle = open_transaction(world, connect, "INSERT INTO orders (note) VALUES ('mine')")
    with Clients(world, 2, orders=(("customers",),)) as clients:
        time.sleep(0.2)
        clients.forget_times()
        with pytest.raises(CutoverUndone, match=rf"session {idle.thread_id()} of root@.* idle in a transaction, on "):  # type: ignore[no-untyped-call]
            world.cutover(max_freeze=1.0)
        assert not world.switched()
        assert clients.longest < 1.5
    idle.commit()
    assert not clients.errors
    assert world.cutover() is not None
    assert world.switched()
    with world.connection() as connection:
        assert rows(connection, f"SELECT note FROM {world.source}.orders") == (("mine",),)
        execute(connection, f"DELETE FROM {world.source}.orders")
    clients.check()


def test_kill_blockers_ends_the_transaction(world: World, connect: Callable[..., Connection]) -> None:
    idle = open_transaction(world, connect, "INSERT INTO orders (note) VALUES ('gone')")
    outcome = world.cutover(max_freeze=2.0, kill_blockers=True)
    assert outcome is not None
    assert outcome.attempts == 1
    assert world.switched()
    with pytest.raises(pymysql.MySQLError):
        execute(idle, "COMMIT")
    with world.connection() as connection:
        assert rows(connection, f"SELECT COUNT(*) FROM {world.source}.orders") == ((0,),)


def test_a_reader_that_keeps_a_table_stops_the_rename_but_no_write_is_lost(
    world: World, connect: Callable[..., Connection]
) -> None:
    """The rename could not be had while it lasts, so it is in the way of the freeze already."""
    reader = open_transaction(world, connect, "SELECT * FROM items")
    with Clients(world, 2) as clients:
        time.sleep(0.2)
        clients.forget_times()
        with pytest.raises(CutoverUndone, match=rf"session {reader.thread_id()} of root"):  # type: ignore[no-untyped-call]
            world.cutover(max_freeze=0.8)
        assert not world.switched()
        assert clients.longest < 1.6
    assert not clients.errors
    clients.check()


def test_who_reads_in_the_freeze_waits_for_the_new_tables(world: World) -> None:
    """Whoever could read on would hold a table that the rename needs, and wait for the one that it writes to next."""
    found: list[object] = []
    with world.connection() as client, world.connection() as control:
        client.autocommit(False)
        session = {client.thread_id()}  # type: ignore[no-untyped-call]

        def read_then_write() -> None:
            found.extend(rows(client, f"SELECT COUNT(*) FROM {world.source}.items"))
            execute(client, f"INSERT INTO {world.source}.orders (note) VALUES ('behind')")
            client.commit()

        reading = threading.Thread(target=read_then_write)

        def begin(step: str) -> None:
            if step == "prove" and not reading.ident:
                reading.start()
                deadline = time.monotonic() + 10
                while not Locks(world.server.flavour).waiting(control, session):
                    assert time.monotonic() < deadline
                assert not found

        outcome = world.cutover(CopyingStream(world, hook=begin))
        reading.join()
        assert outcome is not None
        assert outcome.attempts == 1
        assert found == [(0,)]
        assert rows(control, f"SELECT note FROM {world.source}.orders") == (("behind",),)
        assert world.switched()


def test_clients_that_take_tables_in_different_orders_get_no_error(world: World) -> None:
    """Rounds in which a client would wait for us and we for it are given up before anybody is failed."""
    orders = (WRITTEN, ("orders", "payments"), ("items", "customers"), tuple(reversed(WRITTEN)))
    with Clients(world, 4, think=0.02, orders=orders) as clients:
        time.sleep(0.3)
        with suppress(CutoverUndone):
            world.cutover()
        world.switched()
    clients.check()
    assert not clients.errors


def test_a_writer_that_overtakes_the_rename_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All locks are let go at once, so that writers and the rename race for the tables: not one write may be lost."""
    monkeypatch.setattr(Locks, "waiting", lambda *arguments: set(arguments[-1]))
    seen: list[str] = []

    def report(step: str, message: str, seconds: float | None) -> None:
        if step == "undone":
            seen.append(message)

    with Clients(world, 8, think=0.0, orders=(WRITTEN, ("payments",), ("orders", "items"))) as clients:
        time.sleep(0.3)
        try:
            world.cutover(report=report)
        except CutoverUndone as undone:
            seen.append(str(undone))
        switched = world.switched()
        time.sleep(0.2)
    assert switched or any("passed between" in message or "in the way" in message for message in seen)
    clients.check()


def test_blocked_names_the_tables_and_the_sessions() -> None:
    assert str(freeze.Blocked(("a", "b"), ())) == "the lock on a, b could not be had; in the way: nobody who could be seen"


@pytest.mark.parametrize("milliseconds", [1, 10, 50])
def test_a_freeze_that_is_too_short_is_told_as_that(world: World, milliseconds: int) -> None:
    """Its sessions are killed in the middle of something: that is not why it was undone."""
    said = ""
    try:
        world.cutover(max_freeze=milliseconds / 1000)
    except CutoverUndone as undone:
        said = str(undone)
    assert world.switched() == (not said)
    assert not [text for text in ("Lost connection", "gone away", "ended early") if text in said], said


def test_watchdog_bounds_the_stall_when_the_stream_hangs(world: World) -> None:
    def hang(step: str) -> None:
        if step == "drain":
            time.sleep(1.2)

    with Clients(world, 2) as clients:
        time.sleep(0.2)
        clients.forget_times()
        with pytest.raises(CutoverUndone):
            world.cutover(CopyingStream(world, hook=hang), max_freeze=0.5)
        assert clients.longest < 1.5
        assert not world.switched()
    assert not clients.errors
    clients.check()
