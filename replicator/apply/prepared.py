"""Changes of XA transactions that are prepared: kept in the state database until the source has decided about them.

Their rows stand in the binlog at PREPARE and may still be rolled back, days later. So they are held as the binlog's own
events, written in the target transaction whose checkpoint goes past the PREPARE, and read when XA COMMIT comes, as the rows of
a transaction that stands there. A transaction without changes of ours is known as well: a COMMIT of one that is not known
is that of a transaction from before the stream's beginning, whose rows nobody has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from replicator.apply.feed import PIECE_BYTES, Piece
from replicator.binlog.codes import ROWS
from replicator.binlog.events import HeldEvent, RowsEvent, Wanted
from replicator.binlog.place import Place
from replicator.binlog.rows import RowImages
from replicator.errors import Unsupported
from replicator.mysql.connection import Connection, Endpoint, execute, rows, value
from replicator.mysql.flavour import Server
from replicator.mysql.position import Position
from replicator.state import Direction, State

_PART_BYTES: Final = 400_000
"""Of a row of the state table: as a literal it is up to twice as long, and shorter than any max_allowed_packet."""
_MEMORY_BYTES: Final = 4 << 20
"""Most transactions are decided within the batch that prepares them, and are never written."""
_LENGTH_BYTES: Final = 4


class Prepared:
    """What is held of one stream. Every method works in the caller's target transaction."""

    def __init__(
        self,
        state: State,
        direction: Direction,
        connection: Connection,
        upstream: Endpoint,
        server: Server,
        wanted: Callable[[str, str], Wanted | None],
        copied: Callable[[Position], bool],
    ) -> None:
        """`server` is the upstream; `copied` says whether the copies hold what was committed there at a position."""
        self._table = state.table("prepared")
        self._key = (state.migration, direction)
        self._connection = connection
        self._upstream = upstream
        self._mariadb = server.flavour == "mariadb"
        self._wanted = wanted
        self._copied = copied
        self._written: dict[str, int] = {}
        """Transactions that have rows in the state table, and how many."""
        self._open: dict[str, bytearray] = {}
        """What is not written there yet."""
        self._written.update(
            rows(
                connection,
                f"SELECT xid, COUNT(*) FROM {self._table} WHERE migration = %s AND direction = %s GROUP BY xid",
                self._key,
            )
        )

    def batches(self, pieces: Sequence[Piece]) -> Iterator[list[RowsEvent]]:
        """The changes that the pieces come to, in order; at least one list, and more where there is too much for one."""
        events: list[RowsEvent] = []
        for piece in pieces:
            events += piece.events
            step = piece.xa
            if piece.begins and piece.held:
                self._begin(piece.held[0].xid)
            elif piece.begins and step is not None and step.step == "prepare":
                self._begin(step.xid)
            for held in piece.held:
                self._hold(held)
            if step is None or step.step == "prepare":
                continue
            if step.step == "rollback":
                self._forget(step.xid)
            elif step.xid in self._open or step.xid in self._written:
                for part in self._committed(step.xid, piece):
                    if events:
                        yield events
                    events = part
                self._forget(step.xid)
            elif step.step == "commit":
                self._unknown(step.xid, piece)
        yield events
        self._write()

    def _begin(self, xid: str) -> None:
        """A transaction of the same id that was prepared before is gone: the source lost it in a crash."""
        self._forget(xid)
        self._open[xid] = bytearray()

    def _hold(self, held: HeldEvent) -> None:
        waiting = self._open.setdefault(held.xid, bytearray())
        waiting += len(held.event).to_bytes(_LENGTH_BYTES, "little") + held.event
        if len(waiting) > _MEMORY_BYTES:
            self._write()

    def _write(self) -> None:
        for xid, waiting in self._open.items():
            number = self._written.get(xid, 0)
            for start in range(0, len(waiting) or 1, _PART_BYTES):
                execute(
                    self._connection,
                    f"INSERT INTO {self._table} (migration, direction, xid, part, events) VALUES (%s, %s, %s, %s, %s)",
                    (*self._key, xid, number, bytes(waiting[start : start + _PART_BYTES])),
                )
                number += 1
            self._written[xid] = number
        self._open.clear()

    def _forget(self, xid: str) -> None:
        self._open.pop(xid, None)
        if self._written.pop(xid, None):
            execute(
                self._connection,
                f"DELETE FROM {self._table} WHERE migration = %s AND direction = %s AND xid = %s",
                (*self._key, xid),
            )

    def _committed(self, xid: str, piece: Piece) -> Iterator[list[RowsEvent]]:
        """The transaction's rows, as if they stood where it is committed."""
        assert piece.end is not None
        position = piece.end.position
        images = RowImages(self._upstream, self._wanted, Place(position.file, position.pos))
        images.mariadb = self._mariadb
        events: list[RowsEvent] = []
        size = 0
        for event in _framed(self._parts(xid)):
            if event[4] not in ROWS:
                images.describe(event, len(event))
                continue
            packed = images.unpacked
            decoded = images.decode(event, len(event))
            if decoded is None or decoded.table in piece.settled:
                continue
            decoded.settled = piece.settled
            events.append(decoded)
            size += len(event) + images.unpacked - packed
            if size > PIECE_BYTES:
                yield events
                events, size = [], 0
        if events:
            yield events

    def _parts(self, xid: str) -> Iterator[bytes]:
        for number in range(self._written.get(xid, 0)):
            found: bytes = value(
                self._connection,
                f"SELECT events FROM {self._table} WHERE migration = %s AND direction = %s AND xid = %s AND part = %s",
                (*self._key, xid, number),
            )
            yield found
        yield bytes(self._open.get(xid, b""))

    def _unknown(self, xid: str, piece: Piece) -> None:
        assert piece.end is not None
        if not self._copied(piece.end.position):
            raise Unsupported(
                f"source {self._upstream.address}: before {piece.end.position} the XA transaction {xid} is committed, which"
                " was prepared before the migration began: its rows stand in a part of the binlog that was not read. Abort,"
                " and start the migration again."
            )


def _framed(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The events out of the parts that they were cut into."""
    waiting = bytearray()
    for part in parts:
        waiting += part
        start = 0
        while len(waiting) - start >= _LENGTH_BYTES:
            stop = start + _LENGTH_BYTES + int.from_bytes(waiting[start : start + _LENGTH_BYTES], "little")
            if stop > len(waiting):
                break
            yield bytes(waiting[start + _LENGTH_BYTES : stop])
            start = stop
        del waiting[:start]
