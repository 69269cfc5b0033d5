"""A copy that is throttled stands still; limits that are changed while it runs reach its workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pymysql
import pytest

from replicator.config import ThrottleConfig
from replicator.demo.servers import Server
from replicator.mysql.connection import connected, execute
from tests.copy.conftest import NewMigration, fill

TABLE = "CREATE TABLE t (id int PRIMARY KEY, n int)"


@pytest.fixture
def busy(server: Server) -> Iterator[None]:
    """One more thread runs on the server."""
    with connected(server.endpoint("source", "mysql")) as sleeper, connected(server.endpoint("source", "mysql")) as control:

        def sleep() -> None:
            with suppress(pymysql.MySQLError):
                execute(sleeper, "SELECT SLEEP(60)")

        thread = threading.Thread(target=sleep)
        thread.start()
        yield
        execute(control, f"KILL QUERY {sleeper.thread_id()}")  # type: ignore[no-untyped-call]
        thread.join()


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("workers", [0, 1])
def test_new_limits_reach_the_workers(server: Server, migration: NewMigration, workers: int) -> None:
    made = migration(server, TABLE, TABLE, "copy_table('t')")
    fill(made.source, "t", "id, n", "n, n", 25_000)
    strict = ThrottleConfig(max_replica_lag=None, replicas=(), max_threads_running=1)
    made.config = replace(made.config, throttle=strict)
    made.throttle.settings = strict
    copying = threading.Thread(target=made.copy, args=(workers,))
    copying.start()
    time.sleep(2.0)  # nothing shows that a worker waits but that nothing comes of it
    assert made.read("SELECT COUNT(*) FROM t") == [(0,)]
    made.throttle.settings = replace(strict, max_threads_running=0)
    copying.join(30)
    assert not copying.is_alive()
    assert made.read("SELECT COUNT(*) FROM t") == [(25_000,)]
