"""A stream from its upstream to its downstream: the feed, the applier, and the loop that keeps both going.

The loop runs in a thread of its own. Whatever breaks, it goes on from the checkpoint that the downstream holds; an error that
trying again cannot mend ends it and is kept in `error`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from time import monotonic
from types import MappingProxyType

import pymysql

from replicator.apply import ddl, heartbeat
from replicator.apply.applier import Applied, Applier
from replicator.apply.births import Births, unless_stranger
from replicator.apply.ends import Aside, Behind
from replicator.apply.feed import Feed, Piece
from replicator.apply.prepared import Prepared
from replicator.apply.touched import TouchedLog
from replicator.binlog.birth import new_server_id
from replicator.binlog.events import Ddl, TransactionEnd, Wanted
from replicator.binlog.safe_position import safe_position
from replicator.errors import (
    BadRow,
    BinlogPurged,
    ConnectionLost,
    EventDamaged,
    ReplicatorError,
    SourceError,
    StreamError,
    Unsupported,
)
from replicator.mysql.connection import Connection, Endpoint, close, connect, connected, execute
from replicator.mysql.flavour import identify
from replicator.mysql.position import Position
from replicator.progress import Progress
from replicator.quarantine import Quarantine
from replicator.staging import staging_relation
from replicator.state import Checkpoint, Direction, State
from replicator.throttle import Throttle
from replicator.transform.plan import MigrationPlan

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
        self,
        plan: MigrationPlan,
        state: State,
        upstream: Endpoint,
        downstream: Endpoint,
        progress: Progress,
        *,
        direction: Direction = "forward",
        exact: bool,
        units: bool | None = None,
        throttle: Throttle,
        beats: bool = True,
        settled: Mapping[str, Position] = MappingProxyType({}),
        accept: Position | None = None,
        set_aside: bool = False,
        behind: Behind | None = None,
        aside: Aside | None = None,
        applier: Callable[..., Applier] = Applier,
    ) -> None:
        """`beats`: whether the upstream may be written to. `set_aside`: whether bad rows go to quarantine.

        `accept`: the schema change behind which somebody has said that it goes on.

        `units`: whether those of staged transforms are kept up; by default as soon as rows are exact.
        """
        super().__init__()
        self._plan = plan
        self._state = state
        self._upstream = upstream
        self._downstream = downstream
        self._progress = progress
        self._direction: Direction = direction
        self._throttle = throttle
        self._beats = beats
        self._exact = exact
        self._units = exact if units is None else units
        self._behind = behind
        self._aside = aside
        self._applier = applier
        self._settled = settled
        self._accept = accept
        self._set_aside = set_aside
        self._condition = threading.Condition()
        self._stopping = False
        self._holds = 0
        self._standing = False
        self._eager = 0
        self._position: Position | None = None
        self._births: Births
        self._applying: Applier | None = None
        self._reading: Feed | None = None
        self._batch_rows = FEWEST_ROWS
        """Has the loop look at once at what is waited for."""
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"{direction}-stream", daemon=True)

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
        if self._reading is not None:
            self._reading.wake()

    def become_exact(self) -> None:
        """Every row has been proved: from the next boundary on a row is only written where it has to be."""
        with self.held():
            self._exact = True
            if self._applying is not None:
                self._applying.exact = True

    def source_barrier(self) -> None:
        """What stands in the upstream's binlog now is visible when this returns."""
        with connected(self._upstream, database=False) as connection:
            if self._beats:
                heartbeat.beat(connection, self._state.database, self._state.migration)
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
        if isinstance(error, BadRow) and self._direction == "forward" and not self._set_aside:
            error = BadRow(error.table, error.key, f"{error.reason}. {_WAY_ON}", error.column)
        self._progress.disconnected(self._direction)
        with self._condition:
            self.error = error
            self._condition.notify_all()

    def _session(self) -> None:
        """One pair of connections, from the stored checkpoint until told to stop or something breaks."""
        connection = connect(self._downstream, write=True)
        feed: Feed | None = None
        applier: Applier | None = None
        try:
            execute(connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            checkpoint = self._checkpoint(connection)
            with connected(self._upstream, database=False) as source:
                server = identify(source)
                unless_stranger(source, self._upstream, server, checkpoint)
            identity = server.identity
            if self._direction == "forward" and self._plan.logs_cascades and server.native_keys:
                raise SourceError(
                    f"source {self._upstream.address}: it has been restarted with innodb_native_foreign_keys=ON and no longer"
                    " logs what foreign keys change. Restart it without, or run again, which says whether that matters here"
                )
            behind = self._behind
            if behind is not None and checkpoint.position != behind.since:
                behind = None  # it is behind us
            wanted = self._wanted()
            # What the way back makes are no units of the target: it sets nothing aside, and leaves what is set aside alone.
            units = self._plan if self._direction == "forward" else replace(self._plan, transforms=())
            quarantine = Quarantine(self._state, units, self._downstream, accepting=self._set_aside)
            applier = self._applier(
                self._plan,
                self._state,
                self._direction,
                connection,
                self._downstream,
                identify(connection),
                staging_relation(self._state.database, self._state.migration, self._direction),
                Prepared(
                    self._state,
                    self._direction,
                    connection,
                    self._upstream,
                    server,
                    wanted,
                    self._copied(connection, identity),
                ),
                quarantine,
                checkpoint=checkpoint,
                source_identity=identity,
                exact=self._exact,
                units=self._units,
                took=self._progress.took,
            )
            self._births = Births(self._state, self._direction, connection, identity, checkpoint)
            feed = self._feed(checkpoint, identity, wanted, behind)
            if self._position not in (None, checkpoint.position):
                self.lose()  # a commit succeeded whose answer was lost
            with self._condition:
                self._position = checkpoint.position
                self._applying = applier
                self._reading = feed
                self._condition.notify_all()
            self._progress.connected(self._direction)
            self._apply(applier, feed)
        except StreamError as error:
            if feed is not None and not isinstance(error, BinlogPurged):
                with suppress(ConnectionLost):  # what cannot be read may belong to another history
                    self._births.ask(self._upstream, feed.read_position)
            raise
        except (pymysql.MySQLError, OSError) as error:
            raise self._downstream.failure(error, "applying") from None
        finally:
            with self._condition:
                self._applying = None
                self._reading = None
            if feed is not None:
                feed.close()
            if applier is not None:
                applier.close()
            close(connection)

    def _checkpoint(self, connection: Connection) -> Checkpoint:
        self._state.guard(connection)
        checkpoint = self._state.checkpoint(connection, self._direction)
        if checkpoint is None:
            raise Unsupported(
                f"{self._state.table('checkpoint')} has no row for {self._state.migration}: the state was removed by"
                " someone; abort and run again"
            )
        return checkpoint

    def _copied(self, connection: Connection, identity: str) -> Callable[[Position], bool]:
        """Whether the copies hold what an XA transaction from before the start did; the way back starts without any."""
        stored = self._state.facts(connection).get("visible") if self._direction == "forward" else None
        if stored is None:
            return lambda _: True
        visible = Position(**stored["position"])
        return lambda position: identity == stored["server"] and visible.reached(position)

    def _wanted(self) -> Callable[[str, str], Wanted | None]:
        schemas = [self._plan.source_schema, *([] if self._aside is None else [self._aside.schema])]
        wanted = {
            (schema, name): Wanted(source.before, source.columns)
            for name, source in self._plan.sources.items()
            for schema in schemas
        }
        wanted[self._state.database, heartbeat.TABLE] = Wanted((), ("migration", "at"))
        return lambda database, table: wanted.get((database, table))

    def _feed(
        self, checkpoint: Checkpoint, identity: str, wanted: Callable[[str, str], Wanted | None], behind: Behind | None
    ) -> Feed:
        beat = (self._state.database, heartbeat.TABLE, self._state.migration)
        return Feed(
            self._upstream,
            checkpoint.position,
            server_id=new_server_id(),
            wanted=wanted,
            by_gtid=identity != checkpoint.server,
            judge=self._judge,
            heartbeat=beat,
            settled=self._settled,
            behind=None if behind is None else behind.statement,
            born=self._births.known,
        )

    def _judge(self, event: Ddl) -> ddl.SchemaChange | None:
        if self._aside is not None and event.statement.startswith(self._aside.marker):
            return None  # the rows stay the same, and are followed there
        return ddl.judge(event, self._plan)

    def _apply(self, applier: Applier, feed: Feed) -> None:
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
            self._births.note(pieces)
            if pieces:
                heard = monotonic()
            elif monotonic() - heard > SILENCE:
                self._births.ask(self._upstream, feed.read_position)
                heard = monotonic()
            changed = pieces.pop() if pieces and pieces[-1].ddl else None
            if not all(piece.idle for piece in pieces):
                self._apply_rows(applier, feed, pieces)
                passed, written = None, monotonic()
            elif pieces:
                passed = pieces[-1].end
                assert passed is not None
                self._reached(passed, pieces, stored=False)
            if changed is not None:
                if passed is not None:
                    applier.pass_over(passed)
                    self._reached(passed, [], stored=True)
                self._change_schema(applier, feed, changed)
                passed, written = None, monotonic()

    def _change_schema(self, applier: Applier, feed: Feed, piece: Piece) -> None:
        """Do what follows from a statement on a table of ours, or stop in front of it."""
        (change,) = piece.ddl
        position = change.ddl.position
        accepted = self._accept is not None and self._accept.order == position.order
        if not change.follows and not (accepted and change.acceptable and self._exact):
            raise ddl.schema_changed(change, exact=self._exact)
        if change.empties:
            applier.empty(change.tables)
            self._apply_rows(applier, feed, [piece])
        else:
            assert piece.end is not None
            applier.pass_over(piece.end)
            self._reached(piece.end, [piece], stored=True)

    def _stand_while_held(self) -> None:
        with self._condition:
            self._standing = True
            self._condition.notify_all()
            while self._holds and not self._stopping:
                self._progress.beat()
                self._condition.wait(1.0)
            self._standing = False

    def _apply_rows(self, applier: Applier, feed: Feed, pieces: list[Piece]) -> None:
        """Apply pieces; a last one without its end is followed until the end of its transaction."""
        whole = [piece for piece in pieces if piece.end is not None]
        if pieces[-1].end is None and len(whole) != len(pieces) and whole:
            first = pieces.index(whole[-1]) + 1
            self._apply_rows(applier, feed, pieces[:first])
            pieces = pieces[first:]
        started = monotonic()
        applied = applier.apply(pieces)
        while applied is None:
            if self._stopping:
                return
            pieces = feed.take(FOLLOWED_ROWS, IDLE_WAIT)
            self._births.note(pieces)
            self._progress.beat()
            if pieces:
                first = next((index for index, piece in enumerate(pieces) if piece.end is not None), len(pieces) - 1)
                applied = applier.apply(pieces[: first + 1])
                rest = pieces[first + 1 :]
                if rest:
                    assert applied is not None
                    self._committed(applied, pieces[: first + 1])
                    self._apply_rows(applier, feed, rest)
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
