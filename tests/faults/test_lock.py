"""The lock that keeps a second daemon out, when the session that holds it goes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from replicator import state as states
from replicator.errors import LockLost
from replicator.mysql.connection import Connection, execute, rows, value
from tests.conftest import ServerPair
from tests.faults.test_network import urls
from tests.faults.world import World, transaction, until
from tests.proxy import proxy


def name(world: World) -> str:
    return states.of(world.config).locks[0]


def holder(root: Connection, world: World) -> int | None:
    found = value(root, "SELECT IS_USED_LOCK(%s)", (name(world),))
    return None if found is None else int(found)


def test_the_session_with_the_lock_is_killed_then_the_target(world: World) -> None:
    """It is taken again, and a daemon that another host starts then is kept out like any other."""
    with world.traffic() as traffic:
        world.replicating()
        root = world.on("target")
        first = holder(root, world)
        execute(root, f"KILL {first}")
        until(lambda: holder(root, world) not in (None, first), "the lock is taken again")
        world.target.kill()
        world.await_said("TargetConnectionLost", str(world.target.port))
        world.target.start()
        root = world.on("target")
        until(lambda: holder(root, world) is not None, "the lock is taken again")
        another = world.process("--set", "control.socket=other")
        another.ends(4, "WrongState", "another daemon runs the migration faults")
        traffic.more()
    world.equal()


def test_somebody_else_takes_the_lock(world: World) -> None:
    """Nothing is written from then on."""
    run = world.replicating()
    root, other, source = world.on("target"), world.on("target"), world.on("source")
    execute(root, f"KILL {holder(root, world)}")
    assert value(other, "SELECT GET_LOCK(%s, 10)", (name(world),)) == 1
    at, before = world.applied(), rows(root, "SELECT * FROM orders ORDER BY id")
    for number in range(1, 50):
        transaction(source, number)
    error = run.await_end()
    assert "another daemon runs the migration faults" in str(error)
    assert getattr(error, "exit_code", None) == 4
    assert world.applied() == at
    assert rows(root, "SELECT * FROM orders ORDER BY id") == before


def test_nothing_is_written_while_nobody_has_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All other sessions of the daemon live."""
    monkeypatch.setattr("replicator.lock._INTERVAL", 1000.0)  # nobody looks
    run = world.replicating()
    root, source = world.on("target"), world.on("source")
    execute(root, f"KILL {holder(root, world)}")
    until(lambda: holder(root, world) is None, "the session has ended")
    before = rows(root, "SELECT * FROM orders ORDER BY id")
    transaction(source, 1)
    world.await_said("LockLost", "it is taken again before anything is written")
    assert rows(root, "SELECT * FROM orders ORDER BY id") == before
    with pytest.raises(LockLost):
        run.migration.state.enter(root, "copying")
    run.migration.stop.set()
    assert run.await_end() is None


def test_a_session_that_the_network_has_cut_off(own_pair: ServerPair, new_world: Callable[..., World]) -> None:
    """The target believes that it lives, and would keep us out."""
    with proxy(own_pair.source.port) as to_source, proxy(own_pair.target.port) as to_target:
        world = new_world(urls=urls((to_source, to_target)))
        world.replicating()
        root = world.on("target")
        first = holder(root, world)
        to_target.forget()
        until(lambda: holder(root, world) not in (None, first), "the lock is taken again")
        transaction(world.on("source"), 1)
        world.equal()
