"""Everything before a safe position is visible."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from replicator.binlog.events import RowsEvent, TransactionEnd
from replicator.binlog.safe_position import current_position, safe_position
from replicator.demo.servers import Server
from replicator.errors import SourceError
from replicator.mysql.connection import Connection
from replicator.mysql.position import Position
from tests.binlog.reading import only, read

TRIES = 60


def _not_visible(server: Server, connect: Callable[..., Connection], where: str, find: Callable[[Connection], Position]) -> int:
    """At how many of the positions found, while four sessions commit, a transaction before them was not visible behind."""
    reader, counter = connect(server, where), connect(server, where)
    with reader.cursor() as cursor:
        cursor.execute("CREATE TABLE s (id bigint PRIMARY KEY AUTO_INCREMENT)")
    start = current_position(reader)
    stop = threading.Event()

    def write(connection: Connection) -> None:
        with connection.cursor() as cursor:
            while not stop.is_set():
                cursor.execute("INSERT INTO s VALUES ()")

    writers = [threading.Thread(target=write, args=(connect(server, where),)) for _ in range(4)]
    for writer in writers:
        writer.start()
    samples = []
    try:
        for _ in range(TRIES):
            position = find(reader)
            with counter.cursor() as cursor:
                cursor.execute("SELECT id FROM s")
                samples.append((position, {row[0] for row in cursor.fetchall()}))
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    written: list[tuple[Position, list[int]]] = []
    rows: list[int] = []
    for event in read(server, start, current_position(reader), {"s": only("id")}):
        if isinstance(event, RowsEvent):
            rows += [after[0] for _, after in event.rows if after]
        elif isinstance(event, TransactionEnd):
            written.append((event.position, rows))
            rows = []
    assert len(written) > TRIES
    return sum(
        any(position.reached(end) and not visible.issuperset(ids) for end, ids in written) for position, visible in samples
    )


def test_what_is_before_a_safe_position_is_visible(
    new_server: Callable[..., Server],
    database: Callable[..., str],
    connect: Callable[..., Connection],
    flavour: str,
    method: str,
) -> None:
    options = ("--gtid-mode=OFF", "--enforce-gtid-consistency=OFF") if method == "rotation" else ()
    server = new_server(flavour, durable=True, options=options)
    used = set()

    def find(connection: Connection) -> Position:
        position, name = safe_position(connection)
        used.add(name)
        return position

    assert _not_visible(server, connect, database(server), find) == 0
    assert used == {method}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "method" in metafunc.fixturenames:
        metafunc.parametrize(("flavour", "method"), [("mariadb", "snapshot"), ("mysql", "gtid_owned"), ("mysql", "rotation")])


def test_the_end_of_the_binlog_is_not_safe(
    new_server: Callable[..., Server], database: Callable[..., str], connect: Callable[..., Connection]
) -> None:
    """If this fails, the tests above have lost their teeth."""
    server = new_server("mysql", durable=True)
    assert _not_visible(server, connect, database(server), current_position) > 0


def test_it_comes_with_the_gtids_before_it(
    server: Server, database: Callable[..., str], connect: Callable[..., Connection]
) -> None:
    connection = connect(server, database(server))
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (id int)")
        cursor.execute("INSERT INTO t VALUES (1)")
    position, _ = safe_position(connection)
    assert position == current_position(connection)
    assert position.gtid


def test_a_transaction_that_does_not_finish_is_named(
    mysql: Server, connect: Callable[..., Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that owns a GTID without committing: its transaction could stand in the binlog already, for all we know."""
    monkeypatch.setattr("replicator.binlog.safe_position._PATIENCE", 0.2)
    owner, connection = connect(mysql), connect(mysql)
    with owner.cursor() as cursor:
        cursor.execute("SET gtid_next = '3e11fa47-71ca-11e1-9e33-c80aa9429562:5'")
        with pytest.raises(SourceError, match=r"3e11fa47-71ca-11e1-9e33-c80aa9429562:5#.*have not finished"):
            safe_position(connection)
        cursor.execute("ROLLBACK")
        cursor.execute("SET gtid_next = AUTOMATIC")
    safe_position(connection)


def test_missing_privileges_are_named(server: Server, connect: Callable[..., Connection]) -> None:
    root = connect(server)
    with root.cursor() as cursor:
        cursor.execute("CREATE USER weak@localhost IDENTIFIED BY 'pass-word-1'")
        weak = connect(server, user="weak", password="pass-word-1")
        with pytest.raises(SourceError, match=r"REPLICATION CLIENT|BINLOG MONITOR"):
            current_position(weak)
        cursor.execute("DROP USER weak@localhost")
