"""Servers that refuse for a while, or die: the daemon says why it waits, and goes on by itself."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from replicator.mysql import connection as connections
from replicator.mysql.connection import Connection, execute, rows, value
from replicator.staging import staging_relation
from tests.faults.world import USER, World, until


def test_a_target_that_is_read_only(world: World) -> None:
    variable = "super_read_only" if world.target.flavour == "mysql" else "read_only"
    root = world.on("target")
    with world.traffic() as traffic:
        world.replicating()
        traffic.more()
        execute(root, f"SET GLOBAL {variable} = 1")
        try:
            world.await_said("TargetNotWritable", "read-only")
            traffic.more()
        finally:
            execute(root, "SET GLOBAL read_only = 0")
    world.equal()


@contextmanager
def small_disk(folder: str) -> Iterator[Callable[[], None]]:
    """A file system of 4 MB at `folder`; gives what lets it be full."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=777", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only who may mount file systems can fill one")
    try:
        yield lambda: _fill(f"{folder}/filler")
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _fill(path: str) -> None:
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def test_the_target_s_disk_is_full(world: World) -> None:
    folder = world.target.datadir / world.names["target"]
    root = world.on("target")
    with small_disk(str(folder)) as fill:
        try:
            with world.traffic() as traffic:
                world.replicating()
                fill()
                many = ", ".join(f"({number}, 1, 1)" for number in range(100_000, 106_000))
                execute(world.on("source"), f"INSERT INTO orders VALUES {many}")
                world.await_said("TargetNotWritable", "full")
                traffic.more()
                (folder / "filler").unlink()
            world.equal()
            world.stop()
        finally:
            (folder / "filler").unlink(missing_ok=True)
            for (table,) in rows(root, "SHOW TABLES"):
                execute(root, f"DROP TABLE {table}")


def test_too_many_connections(world: World) -> None:
    """When the daemon has lost its own, others have taken their places."""
    with world.traffic() as traffic:
        world.replicating()
        for side, error in (("target", "TargetConnectionLost"), ("source", "SourceConnectionLost")):
            root = world.on(side)
            others = [world.on(side) for _ in range(12)]
            limit = value(root, "SELECT @@GLOBAL.max_connections")
            execute(root, "SET GLOBAL max_connections = 10")
            try:
                for (number,) in rows(root, "SELECT id FROM information_schema.processlist WHERE user = %s", (USER,)):
                    execute(root, f"KILL {number}")
                world.await_said(error, "error 1040")
                traffic.more()
            finally:
                execute(root, f"SET GLOBAL max_connections = {limit}")
                for other in others:
                    other.close()
    world.equal()


def waiting(root: Connection) -> bool:
    """Whether a transaction waits for a lock."""
    return bool(value(root, "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"))


def test_locks_of_others_on_the_target(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadlock, which the daemon has to lose, then a lock that is kept for too long."""
    root, other, source = world.on("target"), world.on("target"), world.on("source")
    world.replicating()
    execute(other, "CREATE TABLE ballast (id INT PRIMARY KEY)")
    execute(other, "BEGIN")
    execute(other, "INSERT INTO ballast VALUES " + ", ".join(f"({number})" for number in range(2000)))
    execute(other, "SELECT * FROM customers WHERE id = 1 FOR UPDATE")
    execute(source, "UPDATE customers SET name = 'waited for' WHERE id = 1")
    # MariaDB shows the same again to whoever asks within a tenth of a second.
    until(lambda: waiting(root), "the daemon waits for the row", every=0.15)
    monkeypatch.setattr(connections, "LOCK_WAIT_SECONDS", 1)
    staged = staging_relation(world.names["state"], "faults")("customers")
    execute(other, f"SELECT * FROM {staged} WHERE id = 1 FOR UPDATE")
    world.await_said("TargetConnectionLost", "error 1213")
    world.await_said("TargetConnectionLost", "error 1205")
    execute(other, "ROLLBACK")
    world.equal()


def test_locks_of_others_while_copying(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of the source is closed for a while, and its rows' places in the target for longer than the daemon waits."""
    monkeypatch.setattr(connections, "LOCK_WAIT_SECONDS", 1)
    other, source, look = world.on("target"), world.on("source"), world.on("source")

    def moment(name: str) -> None:
        if name == "before the copy":
            execute(source, "LOCK TABLES customers WRITE")
            execute(other, "BEGIN")
            execute(other, "SELECT * FROM customers FOR UPDATE")

    run = world.start(moment)
    waits = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock'"
    run.until(lambda: bool(value(look, waits)), "wait for the table")
    execute(source, "INSERT INTO customers VALUES (500, 'late')")
    execute(source, "UNLOCK TABLES")
    world.await_said("TargetConnectionLost", "error 1205")
    execute(other, "ROLLBACK")
    run.until(lambda: run.exact("forward"), "become exact")
    world.equal()


@pytest.mark.parametrize("side", ["target", "source"])
def test_a_server_that_dies(world: World, side: str) -> None:
    """By SIGKILL, under traffic; it flushes what is committed."""
    server = world.target if side == "target" else world.source
    with world.traffic() as traffic:
        world.replicating()
        traffic.more()
        server.kill()
        world.await_said(f"{side.capitalize()}ConnectionLost", str(server.port))
        server.start()
        traffic.more()
    world.equal()
