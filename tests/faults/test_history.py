"""A source whose binlog is not what it was: purged, reset, or put back. Nobody goes on in another history."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable

import pytest

from replicator.apply import stream
from replicator.binlog.safe_position import current_position
from replicator.errors import BinlogPurged
from replicator.mysql.connection import execute, rows
from tests.conftest import ServerPair
from tests.faults.world import World, create_source, transaction, until
from tests.proxy import proxy


def test_a_binlog_that_was_purged_meanwhile(world: World) -> None:
    with world.traffic() as traffic:
        world.replicating()
        traffic.more()
        world.stop()
        traffic.more()
        source = world.on("source")
        execute(source, "FLUSH BINARY LOGS")
        last = current_position(source).file

        def purged() -> bool:
            execute(source, f"PURGE BINARY LOGS TO '{last}'")
            return bool(rows(source, "SHOW BINARY LOGS")[0][0] == last)

        until(purged, "no reader holds the old files any more")
        world.process().ends(5, "BinlogPurged", "keep the binlog for longer, and start the migration again")
    assert "no longer has this position" in world.status()["last_error"]["message"]
    assert world.status()["phase"] == "failed"


def reset(world: World) -> None:
    statement = "RESET BINARY LOGS AND GTIDS" if world.source.flavour == "mysql" else "RESET MASTER"
    execute(world.on("source"), statement)


def put_back(world: World) -> None:
    """The state of the data directory that `kept` holds."""
    world.source.kill()
    shutil.rmtree(world.source.datadir)
    subprocess.run(["mv", str(world.folder / "kept"), str(world.source.datadir)], check=True)
    world.source.start()


@pytest.mark.parametrize("restored", [reset, put_back])
def test_a_source_with_another_history(world: World, restored: Callable[[World], None]) -> None:
    """Its binlog has a file of the same name again, and that is longer than the one that was read."""
    if restored is reset:
        reset(world)
    else:
        world.source.stop()
        subprocess.run(["cp", "-a", "--sparse=always", str(world.source.datadir), str(world.folder / "kept")], check=True)
        world.source.start()
    begun = int(time.time())
    with world.traffic() as traffic:
        world.replicating()
        traffic.more()
        world.stop()
    applied = world.applied()
    assert applied is not None
    until(lambda: time.time() > begun + 2, "files are told apart by the second in which they were begun")
    restored(world)
    source = world.on("source")
    number = 100_000
    while not current_position(source).reached(applied):
        transaction(source, number := number + 1)
    assert current_position(source).file == applied.file
    world.process().ends(5, "BinlogPurged", "restored from a backup, or its binary logs were reset")
    assert world.applied() == applied
    assert "abort and start the migration again" in world.status()["last_error"]["message"]


def anew(world: World, begun: int) -> None:
    """The binlog is begun anew, and soon longer than it was."""
    source = world.on("source")
    before = current_position(source)
    until(lambda: time.time() > begun + 2, "files are told apart by the second in which they were begun")
    reset(world)
    number = 200_000
    while not current_position(source).reached(before):
        transaction(source, number := number + 1)
    assert current_position(source).file == before.file


def test_a_binlog_that_is_begun_anew_under_the_copy(world: World) -> None:
    reset(world)
    begun = int(time.time())
    run = world.start(lambda name: anew(world, begun) if name == "before the copy" else None)
    error = run.await_end()
    assert isinstance(error, BinlogPurged), error
    assert error.exit_code == 5
    assert "its binary logs were reset" in str(error)
    assert world.status()["last_error"]["error"] == "BinlogPurged"


def test_a_binlog_that_is_begun_anew_under_the_stream_and_grows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source goes on to say that nothing happens, or sends what stands at that offset now."""
    monkeypatch.setattr(stream, "SILENCE", 0.5)
    reset(world)
    begun = int(time.time())
    run = world.replicating()
    world.equal()
    anew(world, begun)
    error = run.await_end()
    assert isinstance(error, BinlogPurged), error
    assert error.exit_code == 5
    assert "begun anew" in str(error) or "its binary logs were reset" in str(error)
    assert world.status()["last_error"]["error"] == "BinlogPurged"


def test_another_server_takes_the_source_s_place(own_pair: ServerPair, new_world: Callable[..., World]) -> None:
    """With the same tables, and a binlog of its own, in which the same numbers stand for other transactions."""
    with proxy(own_pair.source.port) as way:
        # Without a heartbeat nothing is written to the source but what is written here.
        urls, settings = {"source": f"mysql://twin@127.0.0.1:{way.port}/{{}}"}, '[stream]\nheartbeat = "off"'
        world = new_world(urls=urls, settings=settings)
        for side in ("source", "target"):
            root = world.on(side)
            execute(root, f"CREATE USER IF NOT EXISTS twin@'127.0.0.1' IDENTIFIED BY '{own_pair.source.password}'")
            execute(root, "GRANT ALL ON *.* TO twin@'127.0.0.1'")
        stranger = world.on("target")
        execute(stranger, f"CREATE DATABASE {world.names['source']}")
        create_source(stranger, world.names["source"])
        run = world.replicating()
        transaction(world.on("source"), 1)
        world.equal()
        at = world.applied()
        way.upstream = own_pair.target.port
        way.cut()
        for number in range(2, 9):
            transaction(stranger, number)
        error = run.await_end()
    assert isinstance(error, BinlogPurged), error
    assert error.exit_code == 5
    assert world.applied() == at
    world.compare()  # with the first one
    assert world.status()["last_error"]["error"] == "BinlogPurged"
