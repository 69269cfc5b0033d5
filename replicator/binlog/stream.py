"""The stream of whole transactions from one source, from a position on.

It reads what the server sends, keeps the position (64 bits, GTID set included), turns rows of wanted tables into tuples
and refuses, by name, everything that it could not turn into them exactly.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from types import TracebackType
from typing import Final, Self

import zstandard

from replicator.binlog import statements
from replicator.binlog.codes import ARTIFICIAL_FLAG, HEADER_LENGTH, IGNORABLE_FLAG, ROWS, THREAD_SPECIFIC_FLAG, EventType
from replicator.binlog.decoder import DECODE_ERRORS
from replicator.binlog.dump import Dump
from replicator.binlog.events import BinlogEvent, Ddl, HeldEvent, TransactionEnd, Wanted, XaStep
from replicator.binlog.payload import inflate, payload_events
from replicator.binlog.place import MADE_BY_DUMP, WRAP, Damaged, Place, is_written
from replicator.binlog.rows import RowImages
from replicator.binlog.statements import Kind
from replicator.binlog.transactions import Group, header_time, read_mariadb_gtid, read_mysql_gtid, read_xa_prepare
from replicator.binlog.unreadable import Unreadable
from replicator.binlog.words import Dialect
from replicator.mysql.connection import Endpoint
from replicator.mysql.gtid import MariadbGtidPosition, MysqlGtidSet
from replicator.mysql.position import Position
from replicator.mysql.xa import xid_of

_IGNORED: Final = frozenset(
    (
        EventType.STOP,
        EventType.INTVAR,
        EventType.RAND,
        EventType.USER_VAR,
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

_STOPPING: Final = frozenset(
    (EventType.INCIDENT, EventType.BEGIN_LOAD_QUERY, EventType.APPEND_BLOCK, EventType.EXECUTE_LOAD_QUERY)
)
"""Events that stop us even where they say that they may be ignored."""

_HELD_BYTES: Final = 1 << 22
"""How much of a transaction is held back until it has ended."""


class BinlogStream:
    """A context manager and an iterator of `BinlogEvent`.

    It ends after `close` only. Errors: SourceConnectionLost (read again from the last checkpoint), BinlogPurged,
    Unsupported, SchemaChanged, BadRow, StreamError (stop and tell somebody). `wanted` is asked for every version
    of a table when it is first seen; its answer has to stay the same.
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
        born: int = 0,
    ) -> None:
        """`born`: when the file of `position` was begun, if that is known: another one of its name is another history."""
        self.position = position
        """The last transaction boundary that was yielded."""
        self.events_read = 0
        self._unpacked = 0
        self._endpoint = endpoint
        self._wanted = wanted
        self._server_id = server_id
        self._by_gtid = by_gtid
        self._heartbeat = heartbeat
        self._dump: Dump | None = None
        self._closed = False
        self._place = Place(position.file, position.pos)
        self._born, self._expected = 0, 0 if by_gtid else born
        self._mariadb = False
        self._gtids: MysqlGtidSet | MariadbGtidPosition | None = None
        self._unreadable = Unreadable(endpoint, self._place)
        self._images = RowImages(endpoint, wanted, self._place)
        self._group = Group()
        self._held: list[BinlogEvent] = []
        self._events = self._whole()

    @property
    def bytes_read(self) -> int:
        """Bytes received so far, and those that came of compressed ones."""
        return self._unpacked + self._images.unpacked + (self._dump.bytes_read if self._dump else 0)

    @property
    def heard_at(self) -> float | None:
        """When the source last sent anything, heartbeats included (`time.monotonic`); None before the first connection."""
        return self._dump.heard_at if self._dump else None

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

    def _whole(self) -> Generator[BinlogEvent, None, None]:
        """Transactions from their end on, as long as they are small.

        A source that crashes while it writes a transaction to its binlog may leave the beginning there for ever; it has
        rolled the transaction back. What was held can still be forgotten then.
        """
        held = self._held
        for event in self._read():
            if isinstance(event, TransactionEnd):
                yield from held
                held.clear()
                self.position = event.position
                yield event
            elif self._group.size < _HELD_BYTES:
                held.append(event)
            else:
                yield from held
                held.clear()
                yield event

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
            self._mariadb = self._images.mariadb = dump.mariadb
            if self.position.gtid:
                self._gtids = self._parse_gtids(self.position.gtid)
            elif self._by_gtid:
                self._gtids = self._parse_gtids("")
            skip_to = self.position.order if self.position.pos >= WRAP and not self._by_gtid else None
            handlers, rare, place = self._handlers(), self._rare, self._place
            for event in dump.packets():
                self.events_read += 1
                kind = event[4]
                try:
                    end = place.follow(event)
                except Damaged:
                    raise self._unreadable.damaged() from None
                if skip_to is not None:
                    if Position(place.file, place.offset).order <= skip_to:
                        if kind in MADE_BY_DUMP:
                            tuple(handlers[kind](event, end))  # follow the files, but the boundaries lie behind us
                        continue
                    skip_to = None
                try:
                    yield from handlers.get(kind, rare)(event, end)
                except (*DECODE_ERRORS, zstandard.ZstdError) as error:
                    raise self._unreadable.undecodable(kind, error) from error
        finally:
            self._closed = True
            dump.dispose()

    def _parse_gtids(self, text: str) -> MysqlGtidSet | MariadbGtidPosition:
        return MariadbGtidPosition(text) if self._mariadb else MysqlGtidSet(text)

    # --- events --------------------------------------------------------------------------------------------------

    def _handlers(self) -> dict[int, Callable[[bytes, int], Iterable[BinlogEvent]]]:
        return {
            EventType.TABLE_MAP: self._table_map,
            **dict.fromkeys(ROWS, self._rows),
            EventType.XID: self._end,
            EventType.XA_PREPARE: self._xa_prepare,
            EventType.GTID: self._mysql_gtid,
            EventType.ANONYMOUS_GTID: self._mysql_gtid,
            EventType.GTID_TAGGED: self._mysql_gtid,
            EventType.MARIADB_GTID: self._mariadb_gtid,
            EventType.QUERY: self._query,
            EventType.MARIADB_QUERY_COMPRESSED: self._compressed_query,
            EventType.TRANSACTION_PAYLOAD: self._payload,
            EventType.ROTATE: self._rotate,
            EventType.FORMAT_DESCRIPTION: self._format,
            EventType.PARTIAL_UPDATE_ROWS: self._partial_rows,
            EventType.PREVIOUS_GTIDS: self._gtids_before_file,
            EventType.MARIADB_GTID_LIST: self._gtids_before_file,
            EventType.HEARTBEAT: self._heartbeat_event,
            **dict.fromkeys(_IGNORED, self._aside),
        }

    def _payload(self, event: bytes, end: int) -> Iterator[BinlogEvent]:
        handlers = self._handlers()
        for inner in payload_events(event, end):
            self._unpacked += len(inner)
            yield from handlers.get(inner[4], self._rare)(inner, len(inner))

    def _rare(self, event: bytes, _end: int) -> Iterable[BinlogEvent]:
        """Whatever must stop us, unless it may be ignored."""
        kind = event[4]
        if kind in _STOPPING or not event[17] & IGNORABLE_FLAG:
            raise self._unreadable.event(kind)
        return ()

    def _rotate(self, event: bytes, end: int) -> Iterable[BinlogEvent]:
        file = self._place.file
        if self._place.rotate(event, end):
            self._born = 0
            self._forget_unfinished(file)
        self._images.forget_tables()
        made_up = event[17] & ARTIFICIAL_FLAG or not header_time(event)
        return () if made_up else (self._boundary(header_time(event), 0),)

    def _forget_unfinished(self, file: str) -> None:
        """A file has ended, possibly inside a transaction."""
        if self._group.size >= _HELD_BYTES:
            raise self._unreadable.unfinished(file)
        self._held.clear()
        self._group = Group()

    def _format(self, event: bytes, end: int) -> Iterable[BinlogEvent]:
        """A file begins. Table ids start again after a restart of the source, which always begins one."""
        self._born = int(header_time(event))
        expected, self._expected = self._expected, 0
        if expected not in (0, self._born):
            raise self._unreadable.another_history(self._born, expected)
        self._images.forget_tables()
        return self._aside(event, end)

    def _aside(self, event: bytes, _end: int) -> Iterable[BinlogEvent]:
        """An event without table data.

        Between two transactions it moves the boundary: who waits for the end of the binlog would wait for ever, and an
        idle source that only begins new files would leave us at one that is purged some day.
        """
        if self._group.begun or self._group.open or not is_written(event):
            return ()
        return (self._boundary(header_time(event), 0),)

    def _heartbeat_event(self, event: bytes, end: int) -> Iterable[BinlogEvent]:
        """The dump has come this far; with GTIDs it may have passed over transactions that we have already."""
        if self._group.begun or self._group.open or not self._place.advance(event, end):
            return ()
        return (self._boundary(time.time(), 0),)

    # --- transactions --------------------------------------------------------------------------------------------

    def _begin(self, group: Group) -> Iterable[BinlogEvent]:
        if self._group.open:
            raise self._unreadable.no_boundary("a transaction begins inside another one", self.position)
        self._group = group
        return ()

    def _mysql_gtid(self, event: bytes, end: int) -> Iterable[BinlogEvent]:
        return self._begin(read_mysql_gtid(event, end))

    def _mariadb_gtid(self, event: bytes, end: int) -> Iterable[BinlogEvent]:
        return self._begin(read_mariadb_gtid(event, end))

    def _gtids_before_file(self, event: bytes, end: int) -> Iterable[BinlogEvent]:
        """A file begins with all that stands before it: what we did not know is known from here on."""
        if self._gtids is None and is_written(event):
            read = MariadbGtidPosition.decode if self._mariadb else MysqlGtidSet.decode
            self._gtids = read(event[HEADER_LENGTH:end])
        return self._aside(event, end)

    def _end(self, event: bytes, _end: int, xa: XaStep | None = None) -> tuple[TransactionEnd]:
        group, gtids = self._group, self._gtids
        timestamp = group.timestamp or header_time(event)
        if group.gtid is not None and gtids is not None:
            gtids.add(*group.gtid)
        self._group = Group()
        return (self._boundary(timestamp, 0 if xa else group.rows, xa),)

    def _xa_prepare(self, event: bytes, end: int) -> tuple[TransactionEnd]:
        return self._end(event, end, read_xa_prepare(event))

    def _boundary(self, timestamp: float, row_count: int, xa: XaStep | None = None) -> TransactionEnd:
        position = Position(self._place.file, self._place.offset, self._gtid_text())
        return TransactionEnd(position, timestamp, row_count, xa, self._born)

    def _gtid_text(self) -> str:
        return "" if self._gtids is None else str(self._gtids)

    def _query(self, event: bytes, end: int) -> Iterable[BinlogEvent]:
        start = statements.text_start(event)
        return self._statement(event, start, event[start:end])

    def _compressed_query(self, event: bytes, end: int) -> Iterable[BinlogEvent]:
        start = statements.text_start(event)
        return self._statement(event, start, inflate(event[start:end]))

    def _statement(self, event: bytes, start: int, raw: bytes) -> Iterable[BinlogEvent]:
        group = self._group
        kind, text, dialect = statements.raw_kind(raw), "", Dialect()
        schema_start = start - 1 - event[HEADER_LENGTH + 8]
        if kind is None:
            status = event[HEADER_LENGTH + 13 : schema_start]
            text, dialect = statements.decode_statement(raw, status, mariadb=self._mariadb)
            kind, text = statements.classify(text, dialect)
        match kind:
            case Kind.BEGIN:
                group.open = True
                return ()
            case Kind.XA_START:
                group.open, group.xa = True, xid_of(text)
                return ()
            case Kind.COMMIT:
                return self._end(event, 0)
            case Kind.ROLLBACK if group.rows:
                raise self._unreadable.rolled_back("the transaction ends with ROLLBACK")
            case Kind.ROLLBACK:
                return self._end(event, 0)
            case Kind.SAVEPOINT:
                group.savepoints = group.savepoints or {}
                group.savepoints[statements.savepoint_name(text, dialect)] = group.rows
                return ()
            case Kind.ROLLBACK_TO:
                if group.rows > (group.savepoints or {}).get(statements.savepoint_name(text, dialect), 0):
                    raise self._unreadable.rolled_back("a part of the transaction is undone by ROLLBACK TO SAVEPOINT")
                return ()
            case Kind.XA_END:
                return ()
            case Kind.XA_ROLLBACK if group.rows:
                raise self._unreadable.rolled_back("the XA transaction ends with XA ROLLBACK")
            case Kind.XA_COMMIT | Kind.XA_ROLLBACK:
                return self._end(event, 0, XaStep(xid_of(text), "commit" if kind == Kind.XA_COMMIT else "rollback"))
            case Kind.DML:
                self._refuse_statement(text)
        done = () if group.open else self._end(event, 0)
        if kind != Kind.DDL or group.undecided:
            return done
        group.size += len(raw)
        schema = event[schema_start : start - 1].decode("utf-8", "backslashreplace")
        position = Position(self._place.file, self._place.offset, self._gtid_text())
        temporary = bool(event[17] & THREAD_SPECIFIC_FLAG)
        return (Ddl(schema, text, position, group.timestamp or header_time(event), dialect, temporary), *done)

    def _refuse_statement(self, text: str) -> None:
        """Raise, unless the statement is known to change no wanted table."""
        # What a session writes stands between BEGIN and COMMIT, and may be a view, or have triggers.
        emptied = None if self._group.open else statements.emptied_table(text)
        if emptied is None or self._wanted(*emptied) is not None:
            raise self._unreadable.statement(text.split(None, 1)[0] if text.strip() else "?")

    # --- rows ----------------------------------------------------------------------------------------------------

    def _table_map(self, event: bytes, end: int) -> Iterable[BinlogEvent]:
        wanted = self._images.describe(event, end)
        return (HeldEvent(self._group.xa, event[:end]),) if wanted and self._group.xa is not None else ()

    def _rows(self, event: bytes, end: int) -> Iterable[BinlogEvent]:
        group = self._group
        if not group.open:
            raise self._unreadable.no_boundary("rows come without the start of their transaction", self.position)
        if group.xa is not None:
            if not self._images.wanted(event):
                return ()
            group.rows += 1
            group.size += len(event)
            return (HeldEvent(group.xa, event[:end]),)
        packed = self._images.unpacked
        rows = self._images.decode(event, end)
        if rows is None:
            return ()
        group.rows += len(rows.rows)
        group.size += len(event) + self._images.unpacked - packed
        return (rows,)

    def _partial_rows(self, event: bytes, _end: int) -> Iterable[BinlogEvent]:
        self._images.refuse_partial(event)
        return ()
