"""The demo's application keeps its promises through the switch of the schema, broken connections and crashes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

import pymysql
import pytest
from pymysql.constants import CLIENT

from replicator.demo.data import generate
from replicator.demo.servers import FLAVOURS, Server
from replicator.demo.traffic import Traffic, TrafficFailed, TrafficStats, _State, check_ledger
from replicator.mysql.connection import Connection
from replicator.mysql.sql import quote
from tests.askproai import oracle
from tests.askproai.conftest import Connect, load_schema
from tests.askproai.reference import TRANSFORMS

CLIENTS = 2


@contextmanager
def application(server: Server, connect: Connect, *databases: str) -> Iterator[dict[str, Any]]:
    """An account without special rights, which a read-only server therefore refuses."""
    with connect(server).cursor() as cursor:
        cursor.execute("CREATE USER app@localhost IDENTIFIED BY 'it''s'")
        for database in databases:
            cursor.execute(f"GRANT ALL ON {quote(database)}.* TO app@localhost")
        try:
            yield {**server.connect_args(), "user": "app", "password": "it's"}
        finally:
            cursor.execute("SET GLOBAL read_only = 0")
            cursor.execute("DROP USER app@localhost")


def commits(traffic: Traffic, more: int) -> TrafficStats:
    """Wait for so many more of them."""
    goal = traffic.stats().commits + more
    deadline = time.monotonic() + 60
    while (stats := traffic.stats()).commits < goal:
        assert not stats.errors
        assert time.monotonic() < deadline, stats
        time.sleep(0.05)
    return stats


def build(connection: Connection, source: str, target: str) -> None:
    for table in oracle.TABLES:
        oracle.build(connection, source, target, table)


def swap(connection: Connection, database: str, new: str, archive: str) -> None:
    """The new tables in the place of the legacy ones, all at once; the kept ones stay."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (database,))
        kept = {unmapped.table for unmapped in TRANSFORMS.kept}
        away = [(table, database, archive) for (table,) in cursor.fetchall() if table not in kept]
        here = [(table, new, database) for table in oracle.TABLES]
        steps = ", ".join(f"{quote(a, table)} TO {quote(b, table)}" for table, a, b in (*away, *here))
        cursor.execute(f"RENAME TABLE {steps}")


def test_nothing_is_lost_when_the_schema_is_swapped_under_the_clients(
    server: Server, filled: str, new: str, connect: Connect, database: Callable[..., str], tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    root = connect(server)
    with application(server, connect, filled) as account:
        with Traffic(account, filled, ledger=ledger, clients=CLIENTS) as traffic:
            before = commits(traffic, 300)
            assert before.speaking == {"legacy": CLIENTS}
            traffic.phase("cutover")
            with root.cursor() as cursor:
                cursor.execute("SET GLOBAL read_only = 1")
                build(root, filled, new)
                swap(root, filled, new, database(server, "archive"))
                cursor.execute("SET GLOBAL read_only = 0")
            switched = commits(traffic, CLIENTS)
            traffic.phase("after")
            commits(traffic, 300)
            stats = traffic.stop()
        assert stats.errors == []
        assert (stats.speaking, stats.switched) == ({"new": CLIENTS}, CLIENTS)
        assert stats.taken_back > 0
        assert stats.phases["cutover"].longest >= stats.phases["start"].longest
        assert switched.retries["1290"] > 0
        report = check_ledger(server.connect_args(), filled, ledger)
        assert report.ok, report
        assert (report.writes, report.unknown) == (stats.commits, 0)

        with connect(server, filled).cursor() as cursor:
            cursor.execute("SET foreign_key_checks = 0")
            cursor.execute("DELETE FROM appointments WHERE notes LIKE 't%-%' ORDER BY id DESC LIMIT 1")
            cursor.execute("UPDATE customers SET notes = CONCAT(notes, ' ') WHERE notes LIKE 't%-%' ORDER BY id LIMIT 2")
            cursor.execute(
                "UPDATE branches SET business_hours = JSON_SET(business_hours, '$.monday[0]', 1)"
                " WHERE website LIKE 't%-%' LIMIT 1"
            )
        spoilt = check_ledger(server.connect_args(), filled, ledger)
        assert (spoilt.missing, spoilt.wrong, spoilt.resurrected, spoilt.ok) == (1, 3, 0, False)


def test_every_source_table_is_written_to(
    server: Server, filled: str, connect: Connect, tmp_path: Path, database: Callable[..., str]
) -> None:
    """All nineteen, by inserts or updates and, where it makes sense, deletes, also without leaving any to the server."""
    connection = connect(server)

    def checksums() -> dict[str, Any]:
        sources = sorted({transform.source for transform in TRANSFORMS.transforms} | {"working_hours", "kunden"})
        with connection.cursor() as cursor:
            cursor.execute(f"CHECKSUM TABLE {', '.join(quote(filled, table) for table in sources)}")
            return {name: checksum for name, checksum in cursor.fetchall()}  # noqa: C416

    before = checksums()
    with Traffic(server.connect_args(), filled, ledger=tmp_path / "ledger", clients=CLIENTS, cascades=False) as traffic:
        stats = commits(traffic, 700)
    assert stats.errors == []
    after = checksums()
    assert len(after) == 20
    assert [table for table in after if after[table] == before[table]] == []


def test_the_rate_is_kept_and_tenants_are_not_shared(
    mariadb: Server, database: Callable[..., str], connect: Connect, tmp_path: Path
) -> None:
    name = filled_by_hand(mariadb, database(mariadb), connect)
    with pytest.raises(TrafficFailed, match="9 clients share 8 companies"):
        Traffic(mariadb.connect_args(), name, ledger=tmp_path / "ledger", clients=9).start()
    with Traffic(mariadb.connect_args(), name, ledger=tmp_path / "ledger", clients=CLIENTS, rate=50) as traffic:
        begun, first = time.monotonic(), traffic.stats()
        time.sleep(2)
        last, seconds = traffic.stats(), time.monotonic() - begun
    assert 10 < (last.commits - first.commits) / seconds <= 60


def test_a_write_counts_to_the_phase_in_which_it_took_longest() -> None:
    state = _State(Event(), [(0.0, "start"), (10.0, "cutover"), (12.0, "after")], [])
    assert state.phase(1.0, 2.0) == "start"
    assert state.phase(9.9, 11.0) == "cutover"
    assert state.phase(11.0, 12.1) == "cutover"
    assert state.phase(9.0, 14.0) == "cutover"
    assert state.phase(11.9, 14.0) == "after"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_commits_without_an_answer_are_cleared_up(
    flavour: Any,
    new_server: Callable[..., Server],
    connect: Connect,
    tmp_path: Path,
) -> None:
    """Connections are killed, the server is killed and started again, and in the end the application itself is."""
    server = new_server(flavour)
    opened = connect(server)
    with opened.cursor() as cursor:
        cursor.execute("CREATE DATABASE legacy")
        cursor.execute("CREATE DATABASE new")
    filled_by_hand(server, "legacy", connect)
    load_schema(connect(server, "new", client_flag=CLIENT.MULTI_STATEMENTS), "target")
    ledger = tmp_path / "ledger"
    traffic = Traffic(server.connect_args(), "legacy", ledger=ledger, clients=3)
    traffic.start()
    for _ in range(15):
        commits(traffic, 20)
        for connection in connections(opened, "legacy"):
            # It may have ended by itself.
            with opened.cursor() as cursor, suppress(pymysql.MySQLError):
                cursor.execute(f"KILL {connection}")
    assert traffic.stats().retries["lost"] > 0
    server.kill()
    server.start()
    commits(traffic, 100)
    server.kill()
    server.start()
    stats = commits(traffic, 100)
    traffic.kill()
    last = connect(server)
    while connections(last, "legacy"):  # what the application has left ends when the server notices that it is gone
        time.sleep(0.05)
    build(last, "legacy", "new")
    report = check_ledger(server.connect_args(), "new", ledger)
    assert report.ok, report
    assert report.writes >= stats.commits
    assert report.unknown <= 3


def connections(connection: Connection, database: str) -> list[int]:
    """Ids of those that use the database."""
    with connection.cursor() as cursor:
        # Not information_schema.processlist: MySQL's fails (3854) while somebody runs a statement with an emoji in it.
        cursor.execute("SHOW PROCESSLIST")
        return [row[0] for row in cursor.fetchall() if row[3] == database]


def filled_by_hand(server: Server, name: str, connect: Connect) -> str:
    load_schema(connect(server, name, client_flag=CLIENT.MULTI_STATEMENTS), "source")
    generate(server.connect_args(), name, scale=0.01, seed=5)
    return name
