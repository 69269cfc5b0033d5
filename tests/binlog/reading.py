"""What the tests of the binlog reader share: statements on one side, the events that come of them on the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from replicator.binlog.events import BinlogEvent, RowsEvent, TransactionEnd, Wanted
from replicator.binlog.safe_position import current_position
from replicator.binlog.stream import BinlogStream
from replicator.demo.servers import Server
from replicator.mysql.connection import Connection
from replicator.mysql.position import Position

_server_ids = itertools.count(900_001)


def new_server_id() -> int:
    """One that no other reader of the run has."""
    return next(_server_ids)


def tables(wanted: dict[str, Wanted]) -> Callable[[str, str], Wanted | None]:
    """`wanted` of a stream, by the table's name alone: databases have another name in every test."""
    return lambda _schema, table: wanted.get(table)


def only(*columns: str) -> Wanted:
    """The same columns of both images."""
    return Wanted(columns, columns)


def stream(server: Server, start: Position, wanted: dict[str, Wanted], **more: Any) -> BinlogStream:
    """A stream with a server id of its own."""
    more.setdefault("server_id", new_server_id())
    more.setdefault("heartbeat", 0.2)
    return BinlogStream(server.endpoint("source"), start, wanted=tables(wanted), **more)


def read(server: Server, start: Position, end: Position, wanted: dict[str, Wanted], **more: Any) -> list[BinlogEvent]:
    """All events from `start` to `end`."""
    events: list[BinlogEvent] = []
    if start.reached(end):
        return events
    with stream(server, start, wanted, **more) as source:
        for event in source:
            events.append(event)
            if isinstance(event, TransactionEnd) and event.position.reached(end):
                break
    return events


@dataclass(frozen=True, slots=True)
class Story:
    """Runs statements and reads what they left in the binlog."""

    server: Server
    connection: Connection

    def run(self, *statements: str) -> tuple[Position, Position]:
        """Run them; the end of the binlog before and after."""
        start = current_position(self.connection)
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        return start, current_position(self.connection)

    def events(self, statements: Sequence[str], wanted: dict[str, Wanted], **more: Any) -> list[BinlogEvent]:
        """The events of these statements."""
        start, end = self.run(*statements)
        return read(self.server, start, end, wanted, **more)


def changes(events: Sequence[BinlogEvent]) -> list[tuple[str, str, Any, Any]]:
    """Rows as (kind, table, before, after)."""
    return [
        (event.kind, event.table, before, after)
        for event in events
        if isinstance(event, RowsEvent)
        for before, after in event.rows
    ]


def transactions(events: Sequence[BinlogEvent]) -> list[list[tuple[str, str, Any, Any]]]:
    """The rows of every transaction that has some."""
    found: list[list[tuple[str, str, Any, Any]]] = [[]]
    for event in events:
        if isinstance(event, TransactionEnd):
            found.append([])
        else:
            found[-1].extend(changes([event]))
    return [rows for rows in found if rows]
