"""A stream from its upstream to its downstream: the feed, the applier, and the loop that keeps both going.

The loop runs in a thread of its own. Whatever breaks, it goes on from the checkpoint that the downstream holds; an error that
trying again cannot mend ends it and is kept in `error`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from replicator.apply import ddl, heartbeat
from replicator.apply.applier import Applied
from replicator.apply.course import Course
from replicator.apply.feed import Piece
from replicator.apply.session import Session, opened
from replicator.apply.touched import TouchedLog
from replicator.binlog.events import TransactionEnd
from replicator.binlog.safe_position import safe_position
from replicator.errors import BadRow, EventDamaged, ReplicatorError, SourceError, StreamError
from replicator.mysql.connection import connected
from replicator.mysql.position import Position
from replicator.progress import Progress
from replicator.state import Direction
from replicator.throttle import Throttle

CHECKPOINT_INTERVAL = 1.0
"""Seconds between checkpoints while nothing that concerns us happens."""
MOST_ROWS, FEWEST_ROWS = 20_000, 500
"""Bounds of the adaptive batch size, in rows."""
FOLLOWED_ROWS = 4_000
"""Rows of a long transaction that are written at a time. More would be no faster, as nothing is committed in between, and
each thousand takes 2 MB of memory beside what the feed has read ahead."""
BATCH_SECONDS = 1.0
"""A batch that takes longer makes the next ones smaller."""
BEHIND_SECONDS = 10.0
"""… while more than a batch is waiting. Large groups cost the same whether one of their rows changed or a hundred, so smaller
batches would only fall behind further."""
IDLE_WAIT = 0.2
SILENCE = 10.0
"""Seconds without a transaction, heartbeats included, after which the source is asked whether it is still the same binlog."""
MOST_DAMAGES = 5
"""Times that the same event is read with a wrong checksum before it is believed to stand there like that."""
RETRY_WAIT = (0.2, 10.0)
"""Seconds before the first and the last of the growing pauses between tries."""
_WAY_ON = (
    "Correct the transform. A row that was corrected in the source since then comes behind this one in the binlog:"
    " `replicator run --set stream.on_bad_row=quarantine` sets it aside until it gets there"
)


class Stream(TouchedLog):
    """See the module. Public methods may be called from any thread."""

    def __init__(
        self, course: Course, progress: Progress, *, exact: bool, units: bool | None = None, throttle: Throttle
    ) -> None:
        """`exact`: whether the promise holds from the checkpoint on, see Applier.

        `units`: whether those of staged transforms are kept up; by default as soon as rows are exact.
        """
        super().__init__()
        self._course = course
        self._progress = progress
        self._direction: Direction = course.direction
        self._throttle = throttle
        self._exact = exact
        self._units = exact if units is None else units
        self._condition = threading.Condition()
        self._stopping = False
        self._holds = 0
        self._standing = False
        self._eager = 0
        """How many wait for a position: the checkpoint follows at once, and no throttle holds it back."""
        self._position: Position | None = None
        self._open: Session | None = None
        self._batch_rows = FEWEST_ROWS
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"{course.direction}-stream", daemon=True)

    # From other threads -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to apply from the stored checkpoint."""
        self._thread.start()

    def stop(self) -> None:
        """End at the next transaction boundary."""
        with self._condition:
            self._stopping = True
            self._wake()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def running(self) -> bool:
        """Whether the loop has not ended, by `stop` or by an error."""
        return self._thread.is_alive()

    def applied(self) -> Position:
        """The boundary up to which everything is applied."""
        with self._condition:
            if self._position is None:
                raise SourceError("the stream has not begun: wait until it is connected")
            return self._position

    def wait_applied(self, position: Position, timeout: float) -> bool:
        """Wait until the checkpoint in the downstream has reached `position`; False when the time is over.

        Raises what ended the stream, if something did.
        """
        deadline = monotonic() + timeout
        with self._condition:
            self._eager += 1
            self._wake()
            try:
                while self._position is None or not self._position.reached(position):
                    left = deadline - monotonic()
                    if self.error is not None:
                        raise self.error
                    if left <= 0 or self._stopping:
                        return False
                    self._condition.wait(left)
                return True
            finally:
                self._eager -= 1

    @contextmanager
    def held(self) -> Iterator[Position]:
        """The applier stands at a transaction boundary inside this block."""
        with self._condition:
            self._holds += 1
            self._wake()
            while not self._standing and self.error is None and not self._stopping:
                self._condition.wait()
            if self.error is not None:
                self._holds -= 1
                raise self.error
        try:
            yield self.applied()
        finally:
            with self._condition:
                self._holds -= 1
                self._condition.notify_all()

    def pause(self) -> None:
        """Stand at the next boundary until `resume`."""
        with self._condition:
            self._holds += 1
            self._wake()
        self._progress.paused()

    def resume(self) -> None:
        """Go on after `pause`."""
        with self._condition:
            self._holds -= 1
            self._condition.notify_all()
        self._progress.resumed()

    def _wake(self) -> None:
        """Have the loop look at what is asked of it, instead of waiting for the next event."""
        self._condition.notify_all()
        if self._open is not None:
            self._open.feed.wake()

    def become_exact(self) -> None:
        """Every row has been proved: from the next boundary on a row is only written where it has to be."""
        with self.held():
            self._exact = True
            if self._open is not None:
                self._open.applier.exact = True

    def source_barrier(self) -> None:
        """What stands in the upstream's binlog now is visible when this returns."""
        course = self._course
        with connected(course.upstream, database=False) as connection:
            if course.beats:
                heartbeat.beat(connection, course.state.database, course.state.migration)
            else:
                safe_position(connection)

    # The loop ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause = RETRY_WAIT[0]
        damaged, damages = "", 0
        while not self._stopping:
            begun = self._position
            try:
                self._session()
            except ReplicatorError as error:
                if begun is not None and self._position != begun:
                    pause = RETRY_WAIT[0]  # it worked in between: this is another trouble
                self._progress.disconnected(self._direction)
                if isinstance(error, EventDamaged):
                    damages = damages + 1 if damaged == str(error) else 1
                    damaged = str(error)
                    if damages == MOST_DAMAGES:
                        error = StreamError(
                            f"{error} It came like that {damages} times, so it is on disk: point the source at a server that"
                            " has this part of the binlog whole, or abort and start the migration again behind it."
                        )
                if not error.transient:
                    self._end(error)
                    return
                self._progress.retried("stream", error)
                with self._condition:
                    self._condition.wait_for(lambda: self._stopping, pause)
                pause = min(pause * 2, RETRY_WAIT[1])
            except Exception as error:
                self._end(error)
                return
            else:
                pause = RETRY_WAIT[0]

    def _end(self, error: BaseException) -> None:
        if isinstance(error, BadRow) and self._direction == "forward" and not self._course.set_aside:
            error = BadRow(error.table, error.key, f"{error.reason}. {_WAY_ON}", error.column)
        self._progress.disconnected(self._direction)
        with self._condition:
            self.error = error
            self._condition.notify_all()

    def _session(self) -> None:
        """One pair of connections, from the stored checkpoint until told to stop or something breaks."""
        with opened(self._course, exact=self._exact, units=self._units, took=self._progress.took) as session:
            if self._position not in (None, session.begin):
                self.lose()  # a commit succeeded whose answer was lost
            with self._condition:
                self._position = session.begin
                self._open = session
                self._condition.notify_all()
            self._progress.connected(self._direction)
            try:
                self._apply(session)
            finally:
                with self._condition:
                    self._open = None

    def _apply(self, session: Session) -> None:
        applier, feed, births = session.applier, session.feed, session.births
        written = heard = monotonic()
        passed: TransactionEnd | None = None
        """Read, of no concern here, and not in the checkpoint yet."""
        while True:
            self._stand_while_held()
            if self._stopping:
                return
            self._progress.beat()
            if passed is not None and (self._eager or monotonic() - written > CHECKPOINT_INTERVAL):
                applier.pass_over(passed)
                self._reached(passed, [], stored=True)
                passed, written = None, monotonic()
            if not self._eager and self._throttle.reason() is not None:
                with self._condition:
                    self._condition.wait(IDLE_WAIT)
                continue
            pieces = feed.take(self._batch_rows, IDLE_WAIT)
            births.note(pieces)
            if pieces:
                heard = monotonic()
            elif monotonic() - heard > SILENCE:
                births.ask(self._course.upstream, feed.read_position)
                heard = monotonic()
            changed = pieces.pop() if pieces and pieces[-1].ddl else None
            if not all(piece.idle for piece in pieces):
                self._apply_rows(session, pieces)
                passed, written = None, monotonic()
            elif pieces:
                passed = pieces[-1].end
                assert passed is not None
                self._reached(passed, pieces, stored=False)
            if changed is not None:
                if passed is not None:
                    applier.pass_over(passed)
                    self._reached(passed, [], stored=True)
                self._change_schema(session, changed)
                passed, written = None, monotonic()

    def _change_schema(self, session: Session, piece: Piece) -> None:
        """Do what follows from a statement on a table of ours, or stop in front of it."""
        (change,) = piece.ddl
        position = change.ddl.position
        accepted = self._course.accept is not None and self._course.accept.order == position.order
        if not change.follows and not (accepted and change.acceptable and self._exact):
            raise ddl.schema_changed(change, exact=self._exact)
        if change.empties:
            session.applier.empty(change.tables)
            self._apply_rows(session, [piece])
        else:
            assert piece.end is not None
            session.applier.pass_over(piece.end)
            self._reached(piece.end, [piece], stored=True)

    def _stand_while_held(self) -> None:
        with self._condition:
            self._standing = True
            self._condition.notify_all()
            while self._holds and not self._stopping:
                self._progress.beat()
                self._condition.wait(1.0)
            self._standing = False

    def _apply_rows(self, session: Session, pieces: list[Piece]) -> None:
        """Apply pieces; a last one without its end is followed until the end of its transaction."""
        whole = [piece for piece in pieces if piece.end is not None]
        if pieces[-1].end is None and len(whole) != len(pieces) and whole:
            first = pieces.index(whole[-1]) + 1
            self._apply_rows(session, pieces[:first])
            pieces = pieces[first:]
        applier, feed = session.applier, session.feed
        started = monotonic()
        applied = applier.apply(pieces)
        while applied is None:
            if self._stopping:
                return
            pieces = feed.take(FOLLOWED_ROWS, IDLE_WAIT)
            session.births.note(pieces)
            self._progress.beat()
            if pieces:
                first = next((index for index, piece in enumerate(pieces) if piece.end is not None), len(pieces) - 1)
                applied = applier.apply(pieces[: first + 1])
                rest = pieces[first + 1 :]
                if rest:
                    assert applied is not None
                    self._committed(applied, pieces[: first + 1])
                    self._apply_rows(session, rest)
                    return
        self._committed(applied, pieces)
        self._adapt(monotonic() - started, feed.waiting_rows)

    def _adapt(self, seconds: float, waiting: int) -> None:
        behind = waiting > self._batch_rows
        if seconds > (BEHIND_SECONDS if behind else BATCH_SECONDS):
            self._batch_rows = max(FEWEST_ROWS, self._batch_rows // 2)
        elif behind:
            self._batch_rows = min(MOST_ROWS, self._batch_rows * 2)

    def _committed(self, applied: Applied, pieces: list[Piece]) -> None:
        self.add(applied.touched)
        for (table, operation), rows in applied.operations.items():
            self._progress.received(self._direction, table, operation, rows)
        for table, counts in applied.written.items():
            for operation, rows in zip(("insert", "update", "delete"), counts, strict=True):
                if rows:
                    self._progress.applied(self._direction, table, operation, rows)
        end = pieces[-1].end
        assert end is not None
        self._reached(end, pieces, stored=True)

    def _reached(self, end: TransactionEnd, pieces: list[Piece], *, stored: bool) -> None:
        beat = next((piece.heartbeat for piece in reversed(pieces) if piece.heartbeat is not None), None)
        transactions = sum(piece.transactions for piece in pieces)
        if stored:
            self._progress.at(self._direction, end.position, beat, transactions)
        elif beat is not None:
            self._progress.proved(self._direction, beat)
        with self._condition:
            if stored:
                self._position = end.position
            self._condition.notify_all()
