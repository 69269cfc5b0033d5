"""Files, positions, restarts, lost connections, and servers that refuse."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from replicator.binlog.events import BinlogEvent, RowsEvent, TransactionEnd
from replicator.binlog.safe_position import current_position
from replicator.binlog.stream import BinlogStream
from replicator.demo.servers import FLAVOURS, Flavour, Server
from replicator.errors import BinlogPurged, SourceConnectionLost, SourceError, StreamError
from replicator.mysql.connection import Connection, Endpoint
from replicator.mysql.gtid import MysqlGtidSet
from replicator.mysql.position import Position
from tests.binlog.reading import Story, changes, new_server_id, only, read, stream, transactions

WANTED = {"t": only("id")}
T = "CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, v varchar(20))"


def _ids(events: list[BinlogEvent]) -> list[int]:
    return [after[0] for what, _, _, after in changes(events) if what == "insert"]


def _execute(connection: Connection, *statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_every_boundary_is_a_place_to_start_from(story: Story) -> None:
    """Each position that was ever yielded, by file and by GTID: the rest follows, once."""
    start, end = story.run(
        T,
        "INSERT INTO t VALUES (1, 'a')",
        "FLUSH BINARY LOGS",
        "BEGIN",
        "INSERT INTO t VALUES (2, 'b'), (3, 'c')",
        "COMMIT",
        "ALTER TABLE t COMMENT 'x'",
        "INSERT INTO t VALUES (4, 'd')",
    )
    events = read(story.server, start, end, WANTED)
    assert _ids(events) == [1, 2, 3, 4]
    seen: list[int] = []
    for event in events:
        if isinstance(event, RowsEvent):
            seen += _ids([event])
        elif isinstance(event, TransactionEnd):
            rest = [number for number in (1, 2, 3, 4) if number not in seen]
            assert _ids(read(story.server, event.position, end, WANTED)) == rest
            if rest:
                assert _ids(read(story.server, event.position, end, WANTED, by_gtid=True)) == rest


def test_the_boundary_reaches_the_end_of_the_binlog_without_transactions(story: Story) -> None:
    """Who waits for the position that the server tells must not wait for ever: FLUSH LOGS writes events of its own."""
    start, end = story.run("FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
    events = read(story.server, start, end, WANTED)
    last = events[-1]
    assert isinstance(last, TransactionEnd)
    assert (last.position.file, last.position.pos, last.rows) == (end.file, end.pos, 0)


def test_gtids_follow_the_transactions(story: Story) -> None:
    start, end = story.run(T, "INSERT INTO t VALUES (1, 'a')", "FLUSH BINARY LOGS", "INSERT INTO t VALUES (2, 'b')")
    *_, last = read(story.server, start, end, WANTED)
    assert isinstance(last, TransactionEnd)
    assert last.position == end
    unknown = Position(start.file, start.pos)
    gtids = [event.position.gtid for event in read(story.server, unknown, end, WANTED) if isinstance(event, TransactionEnd)]
    assert gtids[0] == ""
    assert gtids[-1] == end.gtid  # known again since the file began


def test_timestamps_are_those_of_the_commits(story: Story) -> None:
    before = time.time()
    events = story.events([T, "INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES (2, 'b')"], WANTED)
    stamps = [event.timestamp for event in events if isinstance(event, TransactionEnd)]
    exact = story.server.flavour == "mysql"
    assert all(before - (0.01 if exact else 1) <= stamp <= time.time() + 0.01 for stamp in stamps)
    assert stamps == sorted(stamps)
    assert any(stamp % 1 for stamp in stamps) == exact


def test_tagged_gtids(story: Story) -> None:
    if story.server.flavour == "mariadb":
        pytest.skip("MySQL's")
    start, end = story.run(
        T,
        *("SET gtid_next = 'AUTOMATIC:some_tag'", "INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES (2, 'b')"),
        *("SET gtid_next = AUTOMATIC", "INSERT INTO t VALUES (3, 'c')", "FLUSH BINARY LOGS"),
    )
    events = read(story.server, start, end, WANTED)
    ends = [event for event in events if isinstance(event, TransactionEnd)]
    assert MysqlGtidSet(ends[-1].position.gtid) == MysqlGtidSet(end.gtid)
    assert ":some_tag:" in ends[-1].position.gtid
    assert all(abs(event.timestamp - time.time()) < 60 for event in ends)
    middle = next(event.position for event in ends if event.rows)
    assert _ids(read(story.server, middle, end, WANTED, by_gtid=True)) == [2, 3]
    unknown = read(story.server, Position(end.file, 4), end, WANTED)[-1]
    assert isinstance(unknown, TransactionEnd)
    assert MysqlGtidSet(unknown.position.gtid) == MysqlGtidSet(end.gtid)


def test_unwanted_tables_leave_boundaries_only(story: Story) -> None:
    events = story.events([T, "INSERT INTO t VALUES (1, 'a')"], {})
    assert [event.rows for event in events if isinstance(event, TransactionEnd)] == [0, 0]
    assert not any(isinstance(event, RowsEvent) for event in events)


def test_close_wakes_a_waiting_reader(story: Story) -> None:
    _start, end = story.run(T)
    source = stream(story.server, end, WANTED, heartbeat=5.0)
    seen: list[BinlogEvent] = []
    reader = threading.Thread(target=lambda: seen.extend(source))
    reader.start()
    time.sleep(0.3)
    source.close()
    reader.join(5)
    assert not reader.is_alive()
    assert seen == []
    assert source.bytes_read > 0
    assert source.events_read > 0
    assert list(source) == []


def test_close_before_the_first_event(story: Story) -> None:
    start, _ = story.run(T)
    with stream(story.server, start, WANTED) as source:
        source.close()
        assert list(source) == []


def test_heartbeats_tell_that_the_source_lives(story: Story) -> None:
    _, end = story.run(T)
    source = stream(story.server, end, WANTED, heartbeat=0.1)
    reader = threading.Thread(target=lambda: list(source))
    reader.start()
    time.sleep(1.0)
    heard = source.heard_at
    source.close()
    reader.join(5)
    assert heard is not None
    assert time.monotonic() - heard < 0.9
    assert source.events_read >= 4


def test_a_killed_dump_thread_is_a_lost_connection(story: Story, connect: Callable[..., Connection]) -> None:
    _, end = story.run(T)
    failures: list[Exception] = []

    def consume() -> None:
        try:
            list(stream(story.server, end, WANTED))
        except Exception as error:
            failures.append(error)

    reader = threading.Thread(target=consume)
    reader.start()
    with connect(story.server).cursor() as cursor:
        _until(lambda: _dump_threads(cursor) != [])
        for thread in _dump_threads(cursor):
            cursor.execute(f"KILL {thread}")
    reader.join(10)
    assert [type(error) for error in failures] == [SourceConnectionLost]


def _dump_threads(cursor: Any) -> list[int]:
    cursor.execute("SHOW PROCESSLIST")
    return [row[0] for row in cursor.fetchall() if str(row[4]).startswith("Binlog Dump")]


def _until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_same_server_id_twice_is_named(story: Story) -> None:
    """The source ends the first connection when the second comes."""
    _, end = story.run(T)
    server_id = new_server_id()
    failures: list[Exception] = []
    first = stream(story.server, end, WANTED, server_id=server_id)

    def consume() -> None:
        try:
            list(first)
        except Exception as error:
            failures.append(error)

    reader = threading.Thread(target=consume)
    reader.start()
    _until(lambda: first.events_read > 1)
    with stream(story.server, end, WANTED, server_id=server_id) as second:
        other = threading.Thread(target=lambda: list(second))
        other.start()
        reader.join(10)
        second.close()
        other.join(10)
    assert [type(error) for error in failures] == [StreamError]
    assert f"uses server_id {server_id}" in str(failures[0])


def test_a_purged_position_says_what_to_do(story: Story) -> None:
    start, _ = story.run(T, "INSERT INTO t VALUES (1, 'a')", "FLUSH BINARY LOGS")
    end = current_position(story.connection)
    _until(lambda: _purge(story, end.file))
    with pytest.raises(BinlogPurged, match=r"longer|binlog"):
        read(story.server, start, end, WANTED)
    with pytest.raises(BinlogPurged):
        read(story.server, Position(start.file, start.pos, _older(start.gtid)), end, WANTED, by_gtid=True)


def _purge(story: Story, file: str) -> bool:
    """Purging does nothing while a dump thread still has the file."""
    _execute(story.connection, f"PURGE BINARY LOGS TO '{file}'")
    with story.connection.cursor() as cursor:
        cursor.execute("SHOW BINARY LOGS")
        return str((cursor.fetchone() or ("",))[0]) == file


def _older(gtid: str) -> str:
    """The first transaction only, of each domain or source."""
    if gtid.count("-") == 2:
        domain, server, _ = gtid.split("-")
        return f"{domain}-{server}-1"
    return f"{gtid.partition(':')[0]}:1"


def test_a_position_behind_the_end_is_another_history(story: Story) -> None:
    """Restored from a backup, or the last commits lost with the machine."""
    _, end = story.run(T)
    with pytest.raises(BinlogPurged, match="restored from a backup"):
        list(stream(story.server, Position(end.file, end.pos + 1_000_000), WANTED))
    with pytest.raises(BinlogPurged):
        list(stream(story.server, Position("binlog.999999", 4), WANTED))


def test_a_position_inside_an_event_is_refused(story: Story) -> None:
    start, end = story.run(T, "INSERT INTO t VALUES (1, 'a')")
    with pytest.raises(SourceError):
        read(story.server, Position(start.file, start.pos + 7), end, WANTED)


def test_missing_privileges_are_named(story: Story) -> None:
    _execute(
        story.connection,
        "CREATE USER weak@localhost IDENTIFIED BY 'pass-word-1'",
    )
    try:
        endpoint = Endpoint("source", "weak", unix_socket=str(story.server.socket), password="pass-word-1")
        with pytest.raises(SourceError, match="REPLICATION SLAVE") as caught:
            list(BinlogStream(endpoint, current_position(story.connection), server_id=new_server_id(), wanted=lambda *_: None))
        assert "pass-word" not in str(caught.value)
    finally:
        _execute(story.connection, "DROP USER weak@localhost")


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("how", ["restart", "kill"])
def test_the_source_restarts_while_streaming(
    flavour: Flavour, how: str, new_server: Callable[..., Server], connect: Callable[..., Connection]
) -> None:
    """Table ids start again. Read on from the last boundary, no row is lost or of the wrong table."""
    server = new_server(flavour)
    connection = connect(server)
    _execute(connection, "CREATE DATABASE db", "USE db")
    start = current_position(connection)
    names = [f"t{number}" for number in range(6)]
    for name in names:
        _execute(connection, f"CREATE TABLE {name} (id int PRIMARY KEY AUTO_INCREMENT, who varchar(9) DEFAULT '{name}')")
    _execute(connection, *(f"INSERT INTO {name} VALUES ()" for name in names))
    found: list[BinlogEvent] = []
    position = start
    source = stream(server, position, dict.fromkeys(names, only("id", "who")))
    pending: list[BinlogEvent] = []

    def consume() -> None:
        nonlocal position
        for event in source:
            pending.append(event)
            if isinstance(event, TransactionEnd):
                found.extend(pending)
                position = event.position
                pending.clear()
                if len(changes(found)) == len(names):
                    server.kill() if how == "kill" else server.stop()

    with source, pytest.raises(SourceConnectionLost):
        consume()
    server.start()
    connection = connect(server, "db")
    _execute(connection, *(f"INSERT INTO {name} VALUES ()" for name in reversed(names)))
    end = current_position(connection)
    found += read(server, position, end, dict.fromkeys(names, only("id", "who")))
    rows = [(table, after[0], after[1]) for _, table, _, after in changes(found)]
    assert rows == [(name, 1, name) for name in names] + [(name, 2, name) for name in reversed(names)]
    assert end.file != start.file


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_failing_over_to_a_server_with_other_files(
    flavour: Flavour, new_server: Callable[..., Server], connect: Callable[..., Connection]
) -> None:
    """The same transactions under the same GTIDs stand elsewhere there."""
    old, new = new_server(flavour), new_server(flavour, options=("--log-slave-updates",))
    one, two = connect(old), connect(new)
    # Without a password: the replica has neither TLS nor a key to send one by.
    _execute(one, "SET sql_log_bin = 0", "CREATE USER copy@'127.0.0.1'", "GRANT REPLICATION SLAVE ON *.* TO copy@'127.0.0.1'")
    _execute(one, "SET sql_log_bin = 1")
    start = current_position(one)
    _execute(one, "CREATE DATABASE db", "USE db", T, "INSERT INTO t VALUES (1, 'a')", "FLUSH BINARY LOGS")
    _execute(one, "INSERT INTO t VALUES (2, 'b')")
    _replicate(flavour, old, two)
    _execute(one, "FLUSH BINARY LOGS", "INSERT INTO t VALUES (3, 'c')")
    _until(lambda: _reached(two, current_position(one)))
    first = read(old, start, current_position(one), WANTED)
    middle = [event.position for event in first if isinstance(event, TransactionEnd) and event.rows][1]
    end = current_position(two)
    assert _ids(_until_gtid(new, middle, end)) == [3]
    assert _until_gtid(new, Position("binlog.000077", 1, end.gtid), end) != []  # idle: a heartbeat tells where we are


def _until_gtid(server: Server, start: Position, end: Position) -> list[BinlogEvent]:
    """Events until `end`, from a position whose file and offset are another server's."""
    events: list[BinlogEvent] = []
    with stream(server, start, WANTED, by_gtid=True) as source:
        for event in source:
            events.append(event)
            if isinstance(event, TransactionEnd) and event.position.reached(end):
                assert event.position.gtid == end.gtid
                return events
    return events


def _replicate(flavour: Flavour, source: Server, replica: Connection) -> None:
    if flavour == "mysql":
        change = "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={}, SOURCE_USER='copy', SOURCE_SSL=0"
        change += ", SOURCE_AUTO_POSITION=1"
        start = "START REPLICA"
    else:
        change = "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={}, MASTER_USER='copy', MASTER_USE_GTID=slave_pos"
        start = "START SLAVE"
    _execute(replica, change.format(source.port), start)


def _reached(replica: Connection, end: Position) -> bool:
    return current_position(replica).gtid == end.gtid


def test_transactions_stay_whole_over_many_files(story: Story) -> None:
    """Writers and rotations at once: nothing lost, nothing twice, in order."""
    start, _ = story.run(T)
    for number in range(30):
        story.run(f"INSERT INTO t (v) VALUES ('{number}'), ('{number}')")
        if number % 5 == 4:
            story.run("FLUSH BINARY LOGS")
    end = current_position(story.connection)
    found = transactions(read(story.server, start, end, WANTED))
    assert [[row[3][0] for row in rows] for rows in found] == [[2 * number + 1, 2 * number + 2] for number in range(30)]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_transaction_that_the_source_did_not_finish_writing(
    flavour: Flavour, new_server: Callable[..., Server], connect: Callable[..., Connection]
) -> None:
    """MariaDB leaves the torn beginning in its binlog, and goes on in a new file."""
    server = new_server(flavour)
    connection = connect(server)
    _execute(connection, "CREATE DATABASE db", "USE db")
    start = current_position(connection)
    _execute(connection, T, "INSERT INTO t VALUES (1, 'a')")
    torn = current_position(connection)
    _execute(connection, "INSERT INTO t (v) VALUES " + ", ".join(["(REPEAT('x', 20))"] * 2000))
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW BINLOG EVENTS IN '{torn.file}' FROM {torn.pos}")
        ends = [row[4] for row in cursor.fetchall()]
    server.kill()
    with (server.datadir / torn.file).open("r+b") as binlog:
        binlog.truncate(ends[len(ends) // 2])
    server.start()
    connection = connect(server, "db")
    _execute(connection, "INSERT INTO t VALUES (9001, 'z')")
    events = read(server, start, current_position(connection), WANTED)
    assert _ids(events) == [1, 9001]
