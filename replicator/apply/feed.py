"""Reads the binlog ahead of the applier, in a thread of its own, within bounded memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from types import MappingProxyType

from replicator.apply.ddl import SchemaChange
from replicator.binlog.events import Ddl, HeldEvent, RowsEvent, TransactionEnd, Wanted, XaStep
from replicator.binlog.stream import BinlogStream
from replicator.mysql.connection import Endpoint
from replicator.mysql.position import Position

PIECE_BYTES = 2 << 20
"""A longer transaction is handed on in pieces of about this many bytes of binlog."""
QUEUE_BYTES = 8 << 20
"""Binlog read ahead at most; decoded it takes several times as much memory."""
BATCH_BYTES = 4 << 20
"""Binlog that is handed over at once at most, but for a single piece: its rows are in memory several times on their way."""


@dataclass(slots=True)
class Piece:
    """Row changes of one source transaction; a long one comes in several, of which only the last has an `end`."""

    events: list[RowsEvent] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    """Bytes of binlog."""
    end: TransactionEnd | None = None
    ddl: list[SchemaChange] = field(default_factory=list)
    """Statements that do not simply pass."""
    transactions: int = 1
    heartbeat: float | None = None
    """When (Unix time, our clock) the newest heartbeat among them was written."""
    begins: bool = True
    """Whether its transaction begins here."""
    held: list[HeldEvent] = field(default_factory=list)
    """Changes of an XA transaction, which are none before it is committed."""
    settled: frozenset[str] = frozenset()
    """Tables whose copies hold what the transaction did."""

    @property
    def xa(self) -> XaStep | None:
        """What it does to an XA transaction."""
        return None if self.end is None else self.end.xa

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do but to move the checkpoint."""
        return not (self.events or self.held or self.xa or self.ddl) and self.end is not None


class Feed:
    """The stream as a queue of pieces."""

    def __init__(
        self,
        endpoint: Endpoint,
        position: Position,
        *,
        server_id: int,
        wanted: Callable[[str, str], Wanted | None],
        by_gtid: bool,
        judge: Callable[[Ddl], SchemaChange | None],
        heartbeat: tuple[str, str, str] | None = None,
        settled: Mapping[str, Position] = MappingProxyType({}),
        behind: str | None = None,
        born: int = 0,
    ) -> None:
        """`born`: when the file of `position` was begun, if known.

        `settled`: tables that were copied as they are at one position; nothing before it concerns them.

        `behind`: a statement that stands behind `position`; nothing in front of it concerns us.
        """
        self._open = partial(BinlogStream, endpoint, server_id=server_id, by_gtid=by_gtid)
        self._wanted = wanted
        self._behind = behind
        self._stream = self._open(position, wanted=wanted if behind is None else lambda schema, table: None, born=born)
        self._judge = judge
        self._heartbeat = heartbeat
        self._settled = settled
        self._pieces: deque[Piece] = deque()
        self._rows = 0
        self._bytes = 0
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._closing = False
        self._woken = False
        self.read_position = position
        """The boundary up to which the binlog has been read."""
        self._thread = threading.Thread(target=self._read, name="binlog-reader", daemon=True)
        self._thread.start()

    def take(self, rows: int, timeout: float) -> list[Piece]:
        """All that is waiting, up to about `rows` rows; whole transactions, but for the last piece, which may lack its end.

        Waits up to `timeout` seconds for the first, or until `wake`; [] when nothing came. Raises what stopped the reader.
        """
        deadline = monotonic() + timeout
        with self._changed:
            while not self._pieces:
                if self._error is not None:
                    raise self._error
                left = deadline - monotonic()
                if left <= 0 or self._woken:
                    self._woken = False
                    return []
                self._changed.wait(left)
            taken: list[Piece] = []
            total = size = 0
            while self._pieces and (
                not taken or (total + self._pieces[0].rows <= rows and size + self._pieces[0].size <= BATCH_BYTES)
            ):
                piece = self._pieces.popleft()
                taken.append(piece)
                total += piece.rows
                size += piece.size
                self._bytes -= piece.size
                if piece.ddl:
                    break
            self._rows -= total
            self._changed.notify_all()
            return taken

    def wake(self) -> None:
        """Whoever waits in `take` need not wait any longer: there is something else to do."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    @property
    def waiting_rows(self) -> int:
        """Rows read and not taken yet."""
        return self._rows

    def close(self) -> None:
        """End the reader; what was not taken is forgotten."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._stream.close()
        self._thread.join()

    def _read(self) -> None:
        try:
            if self._behind is not None and not self._skipped():
                return
            with self._stream as stream:
                piece = Piece()
                begun = stream.bytes_read
                settled = self._settled_behind(self.read_position)
                for event in stream:
                    if isinstance(event, RowsEvent):
                        if self._is_heartbeat(event, piece) or event.table in settled:
                            continue
                        event.settled = settled
                        piece.events.append(event)
                        piece.rows += len(event.rows)
                        if stream.bytes_read - begun < PIECE_BYTES:
                            continue
                    elif isinstance(event, HeldEvent):
                        piece.held.append(event)
                        piece.rows += 1
                        if stream.bytes_read - begun < PIECE_BYTES:
                            continue
                    elif isinstance(event, Ddl):
                        change = self._judge(event)
                        if change is not None and not settled.issuperset(change.tables):
                            piece.ddl.append(change)
                        continue
                    else:
                        piece.end = event
                        piece.settled = settled
                        if settled:
                            settled = self._settled_behind(event.position)
                    if piece.events or piece.held:
                        piece.size = stream.bytes_read - begun
                    begun = stream.bytes_read
                    self._put(piece)
                    piece = Piece(begins=piece.end is not None)
        except Exception as error:
            self._fail(error)

    def _skipped(self) -> bool:
        """Read on to behind the statement; False when closed before. A new stream begins there: in front of it a table may
        have had another one's name, and what was found out about the one must not be taken for the other."""
        found = False
        with self._stream as stream:
            for event in stream:
                if isinstance(event, Ddl) and event.statement == self._behind:
                    found = True
                elif isinstance(event, TransactionEnd) and found:
                    self._put(Piece(end=event))
                    with self._changed:
                        if not self._closing:
                            self._stream = self._open(event.position, wanted=self._wanted)
                        return not self._closing
        return False

    def _settled_behind(self, position: Position) -> frozenset[str]:
        """Tables whose copies hold the transaction that begins at `position`."""
        return frozenset(table for table, copied in self._settled.items() if not position.reached(copied))

    def _is_heartbeat(self, event: RowsEvent, piece: Piece) -> bool:
        """Takes the time out of our own heartbeat."""
        if self._heartbeat is None or (event.schema, event.table) != self._heartbeat[:2]:
            return False
        for _, after in event.rows:
            if after is not None and after[0] == self._heartbeat[2]:
                piece.heartbeat = after[1]
        return True

    def _put(self, piece: Piece) -> None:
        with self._changed:
            while self._bytes >= QUEUE_BYTES and not self._closing:
                self._changed.wait()
            if self._closing:
                return
            last = self._pieces[-1] if self._pieces else None
            if last is not None and piece.idle and last.end is not None and not last.ddl and last.xa is None:
                last.end = piece.end
                last.transactions += 1
                last.heartbeat = piece.heartbeat or last.heartbeat
            else:
                self._pieces.append(piece)
                self._rows += piece.rows
                self._bytes += piece.size
            if piece.end is not None:
                self.read_position = piece.end.position
            self._changed.notify_all()

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()
