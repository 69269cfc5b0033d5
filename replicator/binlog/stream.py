"""The stream of whole transactions from one source, from a position on.

It reads what the server sends, keeps the position (64 bits, GTID set included), turns rows of wanted tables into tuples
and refuses, by name, everything that it could not turn into them exactly.
"""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self
from uuid import UUID

import pymysql
import zstandard

from replicator.binlog import statements
from replicator.binlog.codes import (
    ARTIFICIAL_FLAG,
    HEADER_LENGTH,
    IGNORABLE_FLAG,
    NO_FOREIGN_KEY_CHECKS,
    ROWS,
    EventType,
)
from replicator.binlog.decoder import DECODE_ERRORS, DecodeRows, compile_rows
from replicator.binlog.dump import Dump
from replicator.binlog.events import BinlogEvent, Ddl, RowsEvent, TableMap, TransactionEnd, Wanted
from replicator.binlog.payload import inflate, payload_events
from replicator.binlog.statements import Kind
from replicator.binlog.table_map import length_coded, parse_table_map
from replicator.binlog.tagged import parse_tagged_gtid
from replicator.errors import BadRow, SourceConnectionLost, StreamError, Unsupported
from replicator.mysql.connection import Endpoint, connected, rows
from replicator.mysql.gtid import MariadbGtidPosition, MysqlGtidSet
from replicator.mysql.position import Position

_HEADER: Final = struct.Struct("<IBIIIH").unpack_from
_CRC_RESIDUE: Final = 0x2144DF1C
"""The CRC32 of any bytes that are followed by their own CRC32."""
_WRAP: Final = 1 << 32

_IGNORED: Final = frozenset(
    (
        EventType.STOP,
        EventType.INTVAR,
        EventType.RAND,
        EventType.USER_VAR,
        EventType.HEARTBEAT,
        EventType.HEARTBEAT_V2,
        EventType.IGNORABLE,
        EventType.ROWS_QUERY,
        EventType.TRANSACTION_CONTEXT,
        EventType.VIEW_CHANGE,
        EventType.MARIADB_ANNOTATE_ROWS,
        EventType.MARIADB_BINLOG_CHECKPOINT,
        EventType.MARIADB_START_ENCRYPTION,
    )
)
"""Events without table data; what INTVAR, RAND and USER_VAR prepare is a statement that is judged itself."""

_FRAMING: Final = frozenset((EventType.FORMAT_DESCRIPTION, EventType.ROTATE))

_STANDALONE: Final = 1
_PREPARED_XA: Final = 64
"""Flags of MariaDB's GTID event."""


@dataclass(slots=True)
class _Table:
    """One table map as it was seen, and the decoders made for it."""

    map: TableMap
    wanted: Wanted | None
    decoders: dict[tuple[int, bytes], DecodeRows] = field(default_factory=dict)
    """By event type and bitmaps of the columns in the images."""


@dataclass(slots=True)
class _Group:
    """The transaction that is being read."""

    open: bool = False
    """Between BEGIN (MariaDB: a GTID that is not standalone) and its end."""
    known: bool = False
    """A GTID event or BEGIN has been seen: the group is read from its start."""
    rows: int = 0
    timestamp: float = 0.0
    xa: bool = False
    savepoints: dict[str, int] = field(default_factory=dict)
    """Rows seen before each savepoint."""
    gtid: tuple[str, int, str] | tuple[int, int, int] | None = None
    """What the group adds to the executed set when it ends."""


class BinlogStream:
    """A context manager and an iterator of `BinlogEvent`.

    It ends after `close` only. Errors: SourceConnectionLost (read again from the last checkpoint), BinlogPurged,
    Unsupported, SchemaChanged, BadRow, StreamError (stop and tell somebody). `wanted` is asked once for every version
    of a table; its answer holds for the life of the stream.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        position: Position,
        *,
        server_id: int,
        wanted: Callable[[str, str], Wanted | None],
        by_gtid: bool = False,
        heartbeat: float = 1.0,
    ) -> None:
        self.position = position
        """The last transaction boundary that was yielded."""
        self.events_read = 0
        self.heard_at = time.monotonic()
        """When the source last sent anything, heartbeats included (`time.monotonic`)."""
        self._endpoint = endpoint
        self._wanted = wanted
        self._server_id = server_id
        self._by_gtid = by_gtid
        self._heartbeat = heartbeat
        self._dump: Dump | None = None
        self._closed = False
        self._file = position.file
        self._offset = position.pos
        self._checksum = False
        self._mariadb = False
        self._gtids: MysqlGtidSet | MariadbGtidPosition | None = None
        self._tables: dict[int, _Table] = {}
        self._maps: dict[bytes, _Table] = {}
        self._group = _Group()
        self._events: Generator[BinlogEvent, None, None] = self._read()

    @property
    def bytes_read(self) -> int:
        """Bytes received so far."""
        return self._dump.bytes_read if self._dump else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()
        self._events.close()

    def __iter__(self) -> Iterator[BinlogEvent]:
        return self

    def __next__(self) -> BinlogEvent:
        return next(self._events)

    def close(self) -> None:
        """End the iteration. May be called from another thread while one waits for the next event."""
        self._closed = True
        if self._dump:
            self._dump.close()

    def _read(self) -> Generator[BinlogEvent, None, None]:
        dump = self._dump = Dump(
            self._endpoint,
            self.position,
            server_id=self._server_id,
            by_gtid=self._by_gtid,
            heartbeat=self._heartbeat,
        )
        if self._closed:  # by another thread, while this one connected
            dump.close()
        try:
            self._mariadb = dump.mariadb
            if self.position.gtid:
                self._gtids = self._parse_gtids(self.position.gtid)
            elif self._by_gtid:
                self._gtids = self._parse_gtids("")
            skip_to = self.position.order if self.position.pos >= _WRAP and not self._by_gtid else None
            monotonic = time.monotonic
            for event in dump.packets():
                self.events_read += 1
                self.heard_at = monotonic()
                end = self._track(event)
                if skip_to is not None and event[4] not in _FRAMING:
                    if Position(self._file, self._offset).order <= skip_to:
                        continue
                    skip_to = None
                yield from self._handle(event, end)
        finally:
            self._closed = True
            dump.dispose()

    def _parse_gtids(self, text: str) -> MysqlGtidSet | MariadbGtidPosition:
        return MariadbGtidPosition(text) if self._mariadb else MysqlGtidSet(text)

    # --- framing -------------------------------------------------------------------------------------------------

    def _track(self, event: bytes) -> int:
        """Check the event's checksum and move the offset behind it; where its body ends."""
        _, kind, _, _, log_pos, flags = _HEADER(event)
        if kind == EventType.FORMAT_DESCRIPTION:
            self._checksum = event[-5] == 1
        end = len(event)
        if kind == EventType.ROTATE or kind == EventType.HEARTBEAT or kind == EventType.HEARTBEAT_V2:
            # Made by the dump thread, possibly before the file's format is known.
            if zlib.crc32(event) == _CRC_RESIDUE:
                end -= 4
        elif self._checksum:
            checked = event
            if kind == EventType.FORMAT_DESCRIPTION:
                checked = event[:17] + bytes((event[17] & 0xFE,)) + event[18:]  # "in use" is set after the fact
            if zlib.crc32(checked) != _CRC_RESIDUE:
                raise self._lost(f"the event behind {self._place()} has a wrong checksum: damaged on its way or on disk")
            end -= 4
        if log_pos and not flags & ARTIFICIAL_FLAG and kind not in (EventType.HEARTBEAT, EventType.HEARTBEAT_V2):
            # The header holds 32 bits: behind 4 GiB it starts again.
            offset = self._offset & ~(_WRAP - 1) | log_pos
            self._offset = offset if offset >= self._offset else offset + _WRAP
        return end

    def _lost(self, text: str) -> SourceConnectionLost:
        return SourceConnectionLost(f"source {self._endpoint.address}: {text}")

    def _place(self) -> str:
        return f"{self._file}:{self._offset}"

    # --- events --------------------------------------------------------------------------------------------------

    def _handle(self, event: bytes, end: int) -> Iterator[BinlogEvent]:
        kind = event[4]
        try:
            if kind == EventType.TABLE_MAP:
                self._table_map(event, end)
            elif kind in ROWS:
                rows_event = self._rows(event, end)
                if rows_event is not None:
                    yield rows_event
            elif kind == EventType.XID:
                yield self._end(event)
            elif kind == EventType.GTID or kind == EventType.ANONYMOUS_GTID:
                self._mysql_gtid(event, kind)
            elif kind == EventType.MARIADB_GTID:
                self._mariadb_gtid(event)
            elif kind == EventType.QUERY:
                yield from self._query(event, event[HEADER_LENGTH:end])
            elif kind == EventType.TRANSACTION_PAYLOAD:
                for inner in payload_events(event, end):
                    yield from self._handle(inner, len(inner))
            elif kind == EventType.MARIADB_QUERY_COMPRESSED:
                yield from self._compressed_query(event, end)
            elif kind not in _IGNORED:
                yield from self._rare(event, end, kind)
        except (*DECODE_ERRORS, zstandard.ZstdError) as error:
            raise StreamError(
                f"source {self._endpoint.address}: the event of type {kind} that ends at {self._place()} cannot be read"
                f" ({type(error).__name__}: {error}). Report this with the server's version."
            ) from error

    def _rare(self, event: bytes, end: int, kind: int) -> Iterator[BinlogEvent]:
        match kind:
            case EventType.ROTATE:
                yield from self._rotate(event, end)
            case EventType.FORMAT_DESCRIPTION:
                self._forget_tables()
            case EventType.XA_PREPARE:
                yield self._end(event)
            case EventType.GTID_TAGGED:
                uuid, tag, number, timestamp = parse_tagged_gtid(event[HEADER_LENGTH:end])
                self._begin(timestamp, (uuid, number, tag))
            case EventType.PREVIOUS_GTIDS | EventType.MARIADB_GTID_LIST:
                pass
            case EventType.INCIDENT:
                raise Unsupported(
                    f"source {self._endpoint.address}: at {self._place()} the source wrote an incident event: its"
                    " binlog misses changes. Start the migration again behind it."
                )
            case EventType.PARTIAL_UPDATE_ROWS:
                yield from self._partial_rows(event)
            case EventType.BEGIN_LOAD_QUERY | EventType.APPEND_BLOCK | EventType.EXECUTE_LOAD_QUERY:
                raise self._statement_format("LOAD DATA")
            case _:
                if not struct.unpack_from("<H", event, 17)[0] & IGNORABLE_FLAG:
                    raise Unsupported(
                        f"source {self._endpoint.address}: the event that ends at {self._place()} has type {kind},"
                        " which is not known here and may not be ignored. A newer release may know it."
                    )

    def _rotate(self, event: bytes, end: int) -> Iterator[BinlogEvent]:
        offset = int.from_bytes(event[HEADER_LENGTH : HEADER_LENGTH + 8], "little")
        file = event[HEADER_LENGTH + 8 : end].decode()
        timestamp, flags = struct.unpack_from("<I", event)[0], struct.unpack_from("<H", event, 17)[0]
        real = timestamp and not flags & ARTIFICIAL_FLAG
        moved = file != self._file
        if moved and self._group.open:
            raise self._lost(f"the source stopped inside a transaction at {self._place()} and has begun {file}")
        self._file = file
        if moved or self._by_gtid:
            self._offset = offset
        self._forget_tables()
        if real:
            # An idle source that only rotates must not leave us at a file that is purged some day.
            yield self._boundary(float(timestamp), 0)

    def _forget_tables(self) -> None:
        """Table ids start again after a restart of the source, which always begins a file."""
        self._tables.clear()

    # --- transactions --------------------------------------------------------------------------------------------

    def _begin(self, timestamp: float, gtid: tuple[str, int, str] | tuple[int, int, int] | None) -> None:
        if self._group.open:
            raise StreamError(
                f"source {self._endpoint.address}: at {self._place()} a transaction begins inside another one: the"
                f" start position {self.position} does not stand between two transactions."
            )
        self._group = _Group(known=True, timestamp=timestamp, gtid=gtid)

    def _mysql_gtid(self, event: bytes, kind: int) -> None:
        body = HEADER_LENGTH
        timestamp = float(struct.unpack_from("<I", event)[0])
        stamp = body + 1 + 16 + 8 + 1 + 16  # flags, uuid, number, and the type and values of the logical clock
        if len(event) >= stamp + 7 and event[body + 25] == 2:
            timestamp = (int.from_bytes(event[stamp : stamp + 7], "little") & ~(1 << 55)) / 1e6 or timestamp
        gtid = None
        if kind == EventType.GTID:
            number = int.from_bytes(event[body + 17 : body + 25], "little")
            gtid = (str(UUID(bytes=event[body + 1 : body + 17])), number, "")
        self._begin(timestamp, gtid)

    def _mariadb_gtid(self, event: bytes) -> None:
        timestamp, _, server_id, _, _, _ = _HEADER(event)
        sequence, domain, flags = struct.unpack_from("<QIB", event, HEADER_LENGTH)
        self._begin(float(timestamp), (domain, server_id, sequence))
        self._group.open = not flags & _STANDALONE
        self._group.xa = bool(flags & _PREPARED_XA)

    def _end(self, event: bytes) -> TransactionEnd:
        group = self._group
        if not group.timestamp:
            group.timestamp = float(struct.unpack_from("<I", event)[0])
        gtid, gtids = group.gtid, self._gtids
        if gtid is not None and gtids is not None:
            gtids.add(*gtid)
        self._group = _Group()
        return self._boundary(group.timestamp, group.rows)

    def _boundary(self, timestamp: float, row_count: int) -> TransactionEnd:
        gtids = self._gtids
        self.position = Position(self._file, self._offset, "" if gtids is None else str(gtids))
        return TransactionEnd(self.position, timestamp, row_count)

    def _compressed_query(self, event: bytes, end: int) -> Iterator[BinlogEvent]:
        statement = _statement_start(event)
        yield from self._query(event, event[HEADER_LENGTH:statement] + inflate(event[statement:end]))

    def _query(self, event: bytes, body: bytes) -> Iterator[BinlogEvent]:
        status_length = body[11] | body[12] << 8
        schema_end = 13 + status_length + body[8]
        raw = body[schema_end + 1 :]
        group = self._group
        kind = statements.raw_kind(raw)
        text = ""
        if kind is None:
            text = statements.decode_statement(raw, body[13 : 13 + status_length])
            kind, text = statements.classify(text)
        if not group.timestamp:
            group.timestamp = float(struct.unpack_from("<I", event)[0])
        match kind:
            case Kind.BEGIN | Kind.XA_START:
                group.open = group.known = True
                group.xa = group.xa or kind == Kind.XA_START
                return
            case Kind.COMMIT:
                yield self._end(event)
                return
            case Kind.ROLLBACK:
                if group.rows:
                    raise self._rolled_back("the transaction ends with ROLLBACK")
                yield self._end(event)
                return
            case Kind.SAVEPOINT:
                group.savepoints[statements.savepoint_name(text)] = group.rows
                return
            case Kind.ROLLBACK_TO:
                if group.rows > group.savepoints.get(statements.savepoint_name(text), 0):
                    raise self._rolled_back("a part of the transaction is undone by ROLLBACK TO SAVEPOINT")
                return
            case Kind.XA_END:
                return
            case Kind.DML:
                self._refuse_statement(text)
            case Kind.DDL:
                schema = body[13 + status_length : schema_end].decode("utf-8", "backslashreplace")
                standalone = not group.open
                timestamp, row_count = group.timestamp, group.rows
                done = self._end(event) if standalone else None
                position = done.position if done else Position(self._file, self._offset, self.position.gtid)
                yield Ddl(schema, text, position, timestamp)
                if done:
                    yield done
                else:
                    group.rows = row_count
                return
            case _:
                pass
        if not group.open:
            yield self._end(event)

    def _refuse_statement(self, text: str) -> None:
        """Raise, unless the statement is known to change no wanted table."""
        emptied = statements.emptied_table(text)
        if emptied is None or self._wanted(*emptied) is not None:
            raise self._statement_format(text.split(None, 1)[0] if text.strip() else "?")

    def _statement_format(self, what: str) -> Unsupported:
        return Unsupported(
            f"source {self._endpoint.address}: at {self._place()} {what} is logged as a statement, so that the rows it"
            " changed are not known. SET GLOBAL binlog_format = ROW, see that no session sets another one, and start"
            " the migration again behind it."
        )

    def _rolled_back(self, what: str) -> Unsupported:
        return Unsupported(
            f"source {self._endpoint.address}: at {self._place()} {what} after rows of migrated tables, because it also"
            " changed tables without transactions: which rows stayed is not in the binlog. Start the migration again"
            " behind it."
        )

    # --- rows ----------------------------------------------------------------------------------------------------

    def _table_map(self, event: bytes, end: int) -> None:
        body = event[HEADER_LENGTH + 8 : end]
        table = self._maps.get(body)
        if table is None:
            parsed = parse_table_map(body, self._mariadb)
            table = self._maps[body] = _Table(parsed, self._wanted(parsed.schema, parsed.table))
        self._tables[int.from_bytes(event[HEADER_LENGTH : HEADER_LENGTH + 6], "little")] = table

    def _rows(self, event: bytes, end: int) -> RowsEvent | None:
        table_id = int.from_bytes(event[HEADER_LENGTH : HEADER_LENGTH + 6], "little")
        table = self._tables.get(table_id)
        group = self._group
        if not group.known or not group.open:
            raise StreamError(
                f"source {self._endpoint.address}: at {self._place()} rows come without the start of their transaction:"
                f" the start position {self.position} does not stand between two transactions."
            )
        if table is None:
            raise StreamError(
                f"source {self._endpoint.address}: at {self._place()} rows come without the description of their table."
            )
        if table.wanted is None:
            return None
        kind, post_header, compressed = ROWS[event[4]]
        if group.xa:
            raise Unsupported(
                f"{table.map.schema}.{table.map.table}: at {self._place()} an XA transaction changes rows of the table,"
                " which may still be rolled back. Let no XA transaction write to migrated tables, and start the"
                " migration again behind it."
            )
        pos = HEADER_LENGTH + 8
        if post_header == 10:
            pos += event[pos] | event[pos + 1] << 8  # what comes extra tells its own length, itself included
        columns, pos = length_coded(event, pos)
        first = pos
        pos += (columns + 7) // 8 * (2 if kind == "update" else 1)
        bitmaps = event[first:pos]
        decode = table.decoders.get((event[4], bitmaps))
        if decode is None:
            decode = self._compile(table, event[4], columns, bitmaps)
        data = event
        if compressed:
            data, pos = inflate(event[pos:end]), 0
            end = len(data)
        try:
            decoded = decode(data, pos, end)
        except DECODE_ERRORS as error:
            raise self._bad_row(table, kind, bitmaps, data, pos, end, error) from error
        group.rows += len(decoded)
        return RowsEvent(table.map.schema, table.map.table, kind, decoded, not event[HEADER_LENGTH + 6] & NO_FOREIGN_KEY_CHECKS)

    def _compile(self, table: _Table, kind: int, columns: int, bitmaps: bytes) -> DecodeRows:
        name = f"{table.map.schema}.{table.map.table}"
        if columns != len(table.map.columns):
            raise StreamError(f"{name}: at {self._place()} the rows have {columns} columns, their table another number.")
        assert table.wanted is not None
        before, after = _split(ROWS[kind][0], bitmaps)
        try:
            decode = compile_rows(table.map, table.wanted, before, after, lambda: self._extended(table.map))
        except StreamError as error:
            raise type(error)(f"at {self._place()}: {error}") from None
        table.decoders[kind, bitmaps] = decode
        return decode

    def _extended(self, table: TableMap) -> dict[str, str]:
        """The table's columns of types that the binlog does not tell from BINARY. Only MariaDB has them."""
        if not self._mariadb:
            return {}
        try:
            with connected(self._endpoint, database=False) as connection:
                return dict(
                    rows(
                        connection,
                        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND"
                        " table_name = %s AND data_type IN ('uuid', 'inet4', 'inet6')",
                        (table.schema, table.table),
                    )
                )
        except pymysql.MySQLError as error:
            raise self._endpoint.lost(error) from None

    def _bad_row(self, table: _Table, kind: str, bitmaps: bytes, data: bytes, pos: int, end: int, error: Exception) -> BadRow:
        """Name the column by reading each one alone: only a failure pays for it."""
        assert table.wanted is not None
        before, after = _split(kind, bitmaps)
        names = dict.fromkeys((*table.wanted.before, *table.wanted.after))
        culprit = None
        for name in names:
            only = Wanted((name,) if name in table.wanted.before else (), (name,) if name in table.wanted.after else ())
            try:
                compile_rows(table.map, only, before, after, lambda: self._extended(table.map))(data, pos, end)
            except DECODE_ERRORS:
                culprit = name
                break
        return BadRow(
            f"{table.map.schema}.{table.map.table}",
            f"of the rows event that ends at {self._place()}",
            f"the value in the binlog does not fit the column's type ({type(error).__name__})",
            culprit,
        )

    def _partial_rows(self, event: bytes) -> Iterator[BinlogEvent]:
        table = self._tables.get(int.from_bytes(event[HEADER_LENGTH : HEADER_LENGTH + 6], "little"))
        if table is None or table.wanted is not None:
            name = f"{table.map.schema}.{table.map.table}" if table else "a table"
            raise Unsupported(
                f"{name}: at {self._place()} an update holds only parts of a JSON document. SET GLOBAL"
                " binlog_row_value_options = '', see that no session sets another one, and start the migration again"
                " behind it."
            )
        yield from ()


def _split(kind: str, bitmaps: bytes) -> tuple[bytes | None, bytes | None]:
    """The bitmaps of the columns in the before-image and in the after-image."""
    if kind == "insert":
        return None, bitmaps
    if kind == "delete":
        return bitmaps, None
    half = len(bitmaps) // 2
    return bitmaps[:half], bitmaps[half:]


def _statement_start(event: bytes) -> int:
    """Where the text of a query event begins."""
    schema_length = event[HEADER_LENGTH + 8]
    status_length = event[HEADER_LENGTH + 11] | event[HEADER_LENGTH + 12] << 8
    return HEADER_LENGTH + 13 + status_length + schema_length + 1
