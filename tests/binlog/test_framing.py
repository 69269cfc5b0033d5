"""Packets and offsets: cut anywhere, damaged anywhere, larger than a packet, behind four gibibytes."""

from __future__ import annotations

import dataclasses
import random
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from replicator.binlog import stream as stream_module
from replicator.binlog.dump import Dump
from replicator.binlog.events import BinlogEvent, TransactionEnd
from replicator.binlog.stream import BinlogStream
from replicator.demo.servers import Server
from replicator.errors import SourceConnectionLost, StreamError, Unsupported
from replicator.mysql.connection import Endpoint
from replicator.mysql.position import Position
from tests.binlog.reading import Story, new_server_id, only, tables, transactions
from tests.binlog.trouble import AtByte
from tests.proxy import Line, proxy

WANTED = {"t": only("id", "v")}


def _written(story: Story) -> tuple[Position, Position]:
    statements = ["CREATE TABLE t (id int PRIMARY KEY, v varchar(9000))"]
    for number in range(1, 25):
        statements.append(f"INSERT INTO t VALUES ({2 * number}, REPEAT('x', {number * 37})), ({2 * number + 1}, 'y')")
        if number % 8 == 0:
            statements.append("FLUSH BINARY LOGS")
    return story.run(*statements)


def _through(server: Server, port: int, start: Position, end: Position) -> tuple[list[BinlogEvent], Exception | None]:
    """The events until `end`, read through a proxy, and what ended them before."""
    endpoint = dataclasses.replace(server.endpoint("source", tcp=True), port=port)
    events: list[BinlogEvent] = []
    with BinlogStream(endpoint, start, server_id=new_server_id(), wanted=tables(WANTED), heartbeat=0.2) as source:
        try:
            for event in source:
                events.append(event)
                if isinstance(event, TransactionEnd) and event.position.reached(end):
                    return events, None
        except (SourceConnectionLost, StreamError) as error:
            return events, error
    return events, None


def test_packets_cut_at_every_byte(story: Story) -> None:
    start, end = _written(story)
    with proxy(story.server.port) as whole:
        expected, _ = _through(story.server, whole.port, start, end)
    assert len(transactions(expected)) == 24
    for chunk in (1, 2, 3, 5, 1000):
        with proxy(story.server.port, chunk=chunk) as slow:
            assert _through(story.server, slow.port, start, end) == (expected, None)


def test_a_connection_cut_anywhere_yields_whole_events_and_then_says_so(story: Story) -> None:
    start, end = _written(story)
    counting = AtByte()
    with proxy(story.server.port, counting) as whole:
        expected, _ = _through(story.server, whole.port, start, end)
        size = counting.sent
    draw = random.Random(7)
    for place in draw.sample(range(200, size), 16):
        with proxy(story.server.port, AtByte(cut_after=place)) as cut:
            events, error = _through(story.server, cut.port, start, end)
        assert events == expected[: len(events)], place
        # a busy server sends more behind the last event, which may be what is cut off
        assert isinstance(error, SourceConnectionLost) or events == expected, place


def test_a_flipped_bit_is_never_taken_for_data(story: Story) -> None:
    start, end = _written(story)
    counting = AtByte()
    with proxy(story.server.port, counting) as whole:
        expected, _ = _through(story.server, whole.port, start, end)
        size = counting.sent
    draw = random.Random(8)
    for place in draw.sample(range(size // 3, size), 12):
        with proxy(story.server.port, AtByte(flip_at=place)) as damaging:
            events, error = _through(story.server, damaging.port, start, end)
        assert events == expected[: len(events)], place
        assert isinstance(error, SourceConnectionLost | StreamError) or events == expected, place


class _Waits(Exception):
    """For bytes that never come."""


class _Replayed(Dump):
    """A dump that reads bytes which are there, and no others."""

    def __init__(self, content: bytes, mariadb: bool) -> None:
        self.mariadb = mariadb
        self.bytes_read, self.heard_at = 0, 0.0
        self._endpoint, self._position = Endpoint("source", "root"), Position("binlog.000001", 4)
        self._closing = threading.Event()
        self._content = content
        self._socket: Any = self

    def recv_into(self, view: memoryview) -> int:
        taken = self._content[: len(view)]
        if not taken:
            raise _Waits
        view[: len(taken)] = taken
        self._content = self._content[len(taken) :]
        return len(taken)

    def shutdown(self, _how: int) -> None:
        pass

    def dispose(self) -> None:
        pass


def _replay(monkeypatch: pytest.MonkeyPatch, content: bytes, start: Position, mariadb: bool) -> tuple[list[BinlogEvent], str]:
    """The events, and by what they end."""
    monkeypatch.setattr(stream_module, "Dump", lambda *_args, **_more: _Replayed(content, mariadb))
    events: list[BinlogEvent] = []
    try:
        with BinlogStream(Endpoint("source", "root"), start, server_id=1, wanted=tables(WANTED)) as source:
            events.extend(source)
    except (SourceConnectionLost, StreamError, _Waits) as error:
        return events, type(error).__name__
    raise AssertionError("it ended by itself")


def test_no_bit_of_a_header_is_believed_alone(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a packet or of its event: what is damaged is never waited for, and no event is left out."""
    start, end = _written(story)
    recorded = bytearray()

    def record(line: Line, data: bytes) -> bytes:
        if line.dumps:
            recorded.extend(data)
        return data

    with proxy(story.server.port, record) as whole:
        _through(story.server, whole.port, start, end)
    mariadb = story.server.flavour == "mariadb"
    headers, place = [], 0
    while place + 4 + 20 <= len(recorded):
        headers.append(place)
        place += 4 + int.from_bytes(recorded[place : place + 3], "little")
    content = bytes(recorded[:place])
    expected, last = _replay(monkeypatch, content, start, mariadb)
    assert last == "_Waits"
    for number, header in enumerate(headers[:60]):
        for place in range(header, header + 4 + 1 + 19):
            bit = (number + place) % 8  # each of them at one packet or another
            damaged = content[:place] + bytes((content[place] ^ 1 << bit,)) + content[place + 1 :]
            events, ended = _replay(monkeypatch, damaged, start, mariadb)
            where = f"packet {number} at {header}, byte {place - header}, bit {bit}: {ended}"
            if ended == "_Waits":
                assert events == expected, where
            else:
                assert events == expected[: len(events)], where


class _Recorded:
    """A dump that plays events from a list."""

    mariadb = False
    bytes_read = 0
    heard_at = 0.0

    def __init__(self, events: list[bytes]) -> None:
        self._recorded = events

    def packets(self) -> Iterator[bytes]:
        yield from self._recorded

    def close(self) -> None:
        pass

    def dispose(self) -> None:
        pass


def _event(kind: int, body: bytes, offset: int, flags: int = 0) -> bytes:
    return struct.pack("<IBIIIH", 1_700_000_000, kind, 1, 19 + len(body), offset & 0xFFFFFFFF, flags) + body


def _query(text: str, offset: int) -> bytes:
    return _event(2, struct.pack("<IIBHH", 1, 0, 2, 0, 0) + b"db\0" + text.encode(), offset)


ROTATE = _event(4, struct.pack("<Q", 4) + b"binlog.000001", 0, 0x20)
FORMAT = _event(15, b"\4\0" + bytes(55) + bytes(45) + b"\0" + bytes(4), 0)


def _played(monkeypatch: pytest.MonkeyPatch, start: Position, *events: bytes) -> list[BinlogEvent]:
    monkeypatch.setattr(stream_module, "Dump", lambda *_args, **_more: _Recorded([*events]))
    with BinlogStream(Endpoint("source", "root"), start, server_id=1, wanted=lambda *_: None) as source:
        return list(source)


def _ends(events: list[BinlogEvent]) -> list[int]:
    return [event.position.pos for event in events if isinstance(event, TransactionEnd)]


def test_offsets_behind_four_gibibytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The header's 32 bits start again."""
    limit = 1 << 32
    start = Position("binlog.000001", limit - 100)
    offsets = [limit - 50, limit + 20, limit + 90, 2 * limit - 5, 2 * limit + 30]
    events = [event for offset in offsets for event in (_query("BEGIN", offset - 1), _event(16, bytes(8), offset))]
    assert _ends(_played(monkeypatch, start, ROTATE, FORMAT, *events)) == offsets


def test_a_start_behind_four_gibibytes_skips_what_lies_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dump command holds 32 bits too: such a file is read from its beginning."""
    limit = 1 << 32
    start = Position("binlog.000001", limit + 90)
    offsets = [5_000, limit - 50, limit + 20, limit + 90, limit + 200]
    events = [event for offset in offsets for event in (_query("BEGIN", offset - 1), _event(16, bytes(8), offset))]
    played = [ROTATE, _event(15, b"\4\0" + bytes(100) + b"\0" + bytes(4), 126), *events]
    assert _ends(_played(monkeypatch, start, *played)) == [limit + 200]


def test_the_file_after_999999(monkeypatch: pytest.MonkeyPatch) -> None:
    rotate = _event(4, struct.pack("<Q", 4) + b"binlog.1000000", 900)
    artificial = _event(4, struct.pack("<Q", 4) + b"binlog.1000000", 0, 0x20)
    events = _played(
        monkeypatch,
        Position("binlog.999999", 500),
        *(_event(4, struct.pack("<Q", 500) + b"binlog.999999", 0, 0x20), FORMAT),
        *(_query("BEGIN", 600), _event(16, bytes(8), 700), rotate, artificial, FORMAT),
        *(_query("BEGIN", 300), _event(16, bytes(8), 400)),
    )
    positions = [event.position for event in events if isinstance(event, TransactionEnd)]
    assert [str(position) for position in positions] == ["binlog.999999:700", "binlog.1000000:4", "binlog.1000000:400"]
    assert positions == sorted(positions, key=lambda position: position.order)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (_event(26, b"\x01\x00\x00", 500), "incident"),
        (_event(99, b"data", 500), "type 99"),
        (_event(18, b"data", 500), "LOAD DATA is logged as a statement"),
        (_query("INSERT INTO x VALUES (1)", 500), "INSERT is logged as a statement"),
        (_query("WITH q AS (SELECT 1) DELETE FROM x", 500), "WITH is logged as a statement"),
        (_query("CALL something()", 500), "CALL is logged as a statement"),
    ],
)
def test_what_cannot_be_applied_is_refused(monkeypatch: pytest.MonkeyPatch, event: bytes, expected: str) -> None:
    with pytest.raises(Unsupported, match=expected):
        _played(monkeypatch, Position("binlog.000001", 4), ROTATE, FORMAT, event)


@pytest.mark.parametrize(
    "event",
    [
        _event(99, b"data", 500, 0x80),  # says itself that it may be ignored
        _query("INSERT INTO mysql.rds_heartbeat2(id, value) values (1, 2) ON DUPLICATE KEY UPDATE value = 2", 500),
        _query("DELETE FROM `db`.`memory table`", 500),  # a restarted server empties its MEMORY tables
    ],
)
def test_what_changes_no_wanted_table_passes(monkeypatch: pytest.MonkeyPatch, event: bytes) -> None:
    _played(monkeypatch, Position("binlog.000001", 4), ROTATE, FORMAT, event)


def test_an_event_that_is_no_event_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    broken: Any = _event(19, b"\x01\x02\x03", 500)
    with pytest.raises(StreamError, match=r"type 19 that ends at binlog\.000001:500 cannot be read"):
        _played(monkeypatch, Position("binlog.000001", 4), ROTATE, FORMAT, broken)
