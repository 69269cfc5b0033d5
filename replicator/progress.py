"""What the engine is doing: the one value that status, page, metrics, logs and the service manager all read.

The engine's threads report with the plain methods of Progress; readers take `snapshot()`, which has the stable shape of
`status --json`, or `reading()`, which has what the metrics need besides.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import structlog

from replicator.errors import ReplicatorError
from replicator.mysql.position import Position
from replicator.progress_parts import DIRECTIONS, ENDED, PHASES, CutoverProgress, Gate, Reading, StreamProgress, rounded
from replicator.progress_tables import Tables
from replicator.rates import Distribution, Pace

__all__ = ["DIRECTIONS", "PHASES", "Gate", "Progress", "Reading"]

_DIRECTION_OF = {"replicating": "forward", "reversing": "reverse", "rolled_back": "forward"}
"""The stream that counts in a phase; in the others it is the one that counted before."""

_log = structlog.get_logger("progress")

_APPLY_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Progress:
    """See the module. Every method may be called from any thread.

    `proof_interval` is how often (seconds) the stream is expected to prove how far it is, by a heartbeat or a commit.
    """

    def __init__(
        self,
        migration: str,
        *,
        proof_interval: float = 1.0,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = threading.RLock()
        self._now, self._clock = now, clock
        self._migration = migration
        self._proof_interval = proof_interval
        self._stage = "preparing"
        self._halt: str | None = None
        self._since = self._timestamp()
        self._activity = ""
        self._direction = "forward"
        self._streams = {direction: StreamProgress() for direction in DIRECTIONS}
        self._tables = Tables()
        self._pace = Pace(clock)
        self._error: dict[str, str] | None = None
        self._counters: dict[str, Counter[tuple[str, ...]]] = {}
        self._rows_applied = 0
        self._retention: float | None = None
        self._cutover = CutoverProgress()
        self._durations: dict[str, Distribution] = {}
        self._moved = clock()
        self._waiting = 0
        self._quarantine: list[dict[str, Any]] = []

    # ---- the migration as a whole

    @property
    def phase(self) -> str:
        """As shown: the stage, or why it is not running as it should."""
        with self._lock:
            return self._halt or self._stage

    @property
    def stage(self) -> str:
        """The phase the migration is in, also while it is paused, stopped or failed."""
        with self._lock:
            return self._stage

    def enter(self, phase: str) -> None:
        """The migration goes on to `phase`; one that had failed or stopped runs again."""
        if phase not in PHASES:
            raise ValueError(f"no phase: {phase}")
        with self._lock:
            self._show(phase, "paused" if self._halt == "paused" else None)
            self._activity = ""
            if phase == "copying":
                self._pace.add(0)
            if phase in _DIRECTION_OF:
                self._direction = _DIRECTION_OF[phase]

    @property
    def direction(self) -> str:
        """Of the stream that counts."""
        with self._lock:
            return self._direction

    def doing(self, activity: str) -> None:
        """What is being done within the phase, for people."""
        with self._lock:
            self._activity = activity

    def paused(self) -> None:
        """Applying waits until `resumed`."""
        with self._lock:
            self._show(self._stage, "paused")

    def resumed(self) -> None:
        """Applying goes on."""
        with self._lock:
            self._show(self._stage, None)

    def stopped(self) -> None:
        """The daemon ends; a migration that has failed or ended stays so."""
        with self._lock:
            if self._halt != "failed":
                self._show(self._stage, None if self._stage in ENDED else "stopped")
            self._disconnect()

    def failed(self, error: BaseException) -> None:
        """The daemon cannot go on by itself."""
        with self._lock:
            self._show(self._stage, "failed")
            self._disconnect()
            self._note(error)

    def retried(self, operation: str, error: BaseException) -> None:
        """`operation` met an error and is tried again."""
        with self._lock:
            self._note(error)
            self._count("retries", (operation,))
        label = error.label if isinstance(error, ReplicatorError) else type(error).__name__
        _log.warning("error.retried", operation=operation, error=label, reason=str(error))

    def beat(self) -> None:
        """The main loop moved. Only it may say so: the service manager restarts a daemon that no longer does."""
        with self._lock:
            self._moved = self._clock()

    @contextmanager
    def long_step(self, activity: str) -> Iterator[None]:
        """What the servers may take hours for in one statement: the loop cannot move meanwhile, and is not hung."""
        with self._lock:
            self._activity = activity
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
                self._moved = self._clock()

    @property
    def stalled_seconds(self) -> float:
        """Since the main loop last moved; 0 in a long step."""
        with self._lock:
            return 0.0 if self._waiting else self._clock() - self._moved

    # ---- the copy

    def expect(self, table: str, source: str, rows_estimated: int) -> None:
        """`source` is going to be copied into `table`; names both for every view, in this order."""
        with self._lock:
            self._tables.entry(table, source).rows_estimated = max(0, rows_estimated)

    def copied(self, table: str, rows: int, source: str | None = None) -> None:
        """A chunk of `rows` rows is committed."""
        with self._lock:
            entry = self._tables.entry(table, source)
            entry.rows_copied += rows
            entry.state = "copying"
            self._count("copy_rows", (table,), rows)
            self._pace.add(rows)

    def copied_before(self, table: str, rows: int, source: str | None = None) -> None:
        """An earlier run had committed `rows` rows: they count as progress, not as speed."""
        with self._lock:
            self._tables.entry(table, source).rows_copied = rows

    def building(self, table: str, source: str | None = None) -> None:
        """The rows are there; units are built from staging, or indexes added."""
        with self._lock:
            self._tables.entry(table, source).state = "building"

    def finished(self, table: str, source: str | None = None) -> None:
        """The copy of this table is complete."""
        with self._lock:
            self._tables.entry(table, source).state = "done"

    # ---- the stream

    def connected(self, direction: str) -> None:
        """The stream is attached to its upstream; its lag is known from its first proof on."""
        with self._lock:
            self._streams[direction].connected = True
            self._streams[direction].as_of = None
            self._streams[direction].proofs.clear()

    def disconnected(self, direction: str) -> None:
        """The stream lost its upstream; from now on its lag is unknown."""
        with self._lock:
            self._streams[direction].connected = False

    def received(self, direction: str, table: str, operation: str, rows: int) -> None:
        """Row changes were read from the binlog."""
        with self._lock:
            self._count("events", (direction, table, operation), rows)

    def applied(self, direction: str, table: str, operation: str, rows: int, source: str | None = None) -> None:
        """Target rows were written by a committed batch."""
        with self._lock:
            if direction == "forward":  # the way back writes old tables
                self._tables.entry(table, source).rows_applied += rows
            self._rows_applied += rows
            self._count("rows_applied", (direction, table, operation), rows)

    def at(self, direction: str, position: Position, as_of: float | None, transactions: int = 1) -> None:
        """A checkpoint at `position` is committed, which covers `transactions` of the upstream.

        `as_of` is when (Unix time) the newest of them was committed, None where that is not known.
        """
        with self._lock:
            stream = self._streams[direction]
            stream.position = position
            stream.checkpointed_at = self._now()
            self._count("transactions", (direction,), transactions)
            if as_of is not None:
                self.proved(direction, as_of)

    def proved(self, direction: str, as_of: float) -> None:
        """All that the upstream had committed at `as_of` (Unix time) is applied."""
        with self._lock:
            stream = self._streams[direction]
            stream.prove(self._now(), self._clock(), as_of, self._rows_applied)

    def upstream_at(self, direction: str, position: Position, bytes_behind: int | None = None) -> None:
        """Where the upstream's binlog ends; `bytes_behind` is needed only where that is another file."""
        with self._lock:
            stream = self._streams[direction]
            stream.upstream, stream.bytes_behind, stream.upstream_seen = position, bytes_behind, self._clock()

    def retention(self, seconds: float | None) -> None:
        """How long the upstream keeps binlogs; None: for ever."""
        with self._lock:
            self._retention = seconds

    def took(self, step: str, seconds: float) -> None:
        """One step of applying a batch took this long."""
        with self._lock:
            self._durations.setdefault(step, Distribution(_APPLY_BOUNDS)).add(seconds)

    def throttled(self, reason: str, detail: str) -> None:
        """Copying and applying wait; `reason` is one of a few words, `detail` is for people."""
        with self._lock:
            self._pace.wait(reason, detail, self._timestamp())

    def unthrottled(self) -> None:
        """Copying and applying go on."""
        with self._lock:
            self._pace.go_on()

    # ---- verification and cutover

    def compared(self, table: str, rows: int) -> None:
        """`rows` more rows of the pass that is under way were compared."""
        with self._lock:
            self._tables.entry(table).compared += rows
            self._count("verify_rows", (table,), rows)

    def verified(self, table: str, rows: int, mismatched: int) -> None:
        """A whole pass over `table` has ended; `rows` is all that it compared, also what `compared` told already."""
        with self._lock:
            entry = self._tables.entry(table)
            self._count("verify_rows", (table,), max(0, rows - entry.compared))
            entry.compared = 0
            for one in self._tables.of(table):
                one.verified_at, one.mismatched = self._timestamp(), mismatched
                one.succeeded_at = self._now() if mismatched == 0 else one.succeeded_at

    def unverified(self) -> None:
        """The streams have changed places: what was found out before says nothing any more."""
        with self._lock:
            self._tables.unverified()

    def set_aside(self, counts: Mapping[str, int], units: Iterable[Mapping[str, Any]]) -> None:
        """What is in quarantine now: how many units of each table, and the first of them with the reason of each."""
        with self._lock:
            self._tables.set_aside(counts)
            self._quarantine = [dict(unit) for unit in units]

    def gated(self, gates: Iterable[Gate]) -> None:
        """What stands between now and a cutover."""
        with self._lock:
            self._cutover.gates = tuple(gates)

    def froze(self) -> None:
        """Writes are held from now on."""
        with self._lock:
            self._cutover.frozen_since = self._clock()

    def unfroze(self) -> None:
        """Writes go on."""
        with self._lock:
            self._cutover.unfreeze(self._clock())

    def cutover_ended(self, outcome: str) -> None:
        """An attempt ended: switched, undone or in_doubt."""
        with self._lock:
            self._count("cutover_attempts", (outcome,))

    # ---- reading

    def snapshot(self) -> dict[str, Any]:
        """The state in the shape of `status --json`: fresh, and plain enough for JSON."""
        with self._lock:
            stream = self._streams[self._direction]
            return {
                "migration": self._migration,
                "phase": self._halt or self._stage,
                "stage": self._stage,
                "activity": self._activity,
                "direction": self._direction,
                "since": self._since,
                "connected": stream.connected,
                "position": stream.position.to_json() if stream.position else None,
                "source_position": stream.upstream.to_json() if stream.upstream else None,
                "lag_seconds": rounded(stream.lag_seconds(self._clock(), self._proof_interval)),
                "lag_bytes": stream.lag_bytes(self._clock(), self._proof_interval),
                "binlog_retention_seconds": self._retention,
                "binlog_retention_remaining_seconds": self._retention_remaining(),
                "rows_applied": self._rows_applied,
                "apply": stream.applying(self._clock(), self._proof_interval),
                "copy": self._tables.copy(self._pace),
                "tables": self._tables.status(),
                "throttle": self._pace.waiting,
                "quarantined_rows": self._tables.quarantined,
                "quarantine": [dict(unit) for unit in self._quarantine],
                "last_error": dict(self._error) if self._error else None,
                "cutover": self._cutover.status(),
            }

    def reading(self) -> Reading:
        """The state as the metrics show it."""
        with self._lock:
            counters: dict[str, Mapping[tuple[str, ...], float]] = {
                name: dict(counter) for name, counter in self._counters.items()
            }
            counters["throttled"] = {(reason,): seconds for reason, seconds in self._pace.waits().items()}
            return Reading(
                phase=self._halt or self._stage,
                streams={
                    name: stream.reading(self._clock(), self._proof_interval) for name, stream in self._streams.items()
                },
                counters=counters,
                apply_durations={step: duration.reading() for step, duration in self._durations.items()},
                freezes=self._cutover.freezes.reading(),
                tables=self._tables.readings(),
                retention_remaining=self._retention_remaining(),
                frozen=self._cutover.frozen_since is not None,
            )

    def restore(self, status: Mapping[str, Any]) -> None:
        """Go on from the snapshot that an earlier run stored: counts and times of verification, not the phase."""
        with self._lock:
            self._rows_applied = status.get("rows_applied", 0)
            self._cutover.last_freeze = status.get("cutover", {}).get("last_freeze_seconds")
            for stored in status.get("tables", ()):
                self._tables.entry(stored["table"], stored["source"]).restore(stored)

    # ---- the parts; the lock is held

    def _timestamp(self) -> str:
        return datetime.fromtimestamp(self._now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _show(self, stage: str, halt: str | None) -> None:
        if (stage, halt) != (self._stage, self._halt):
            self._since = self._timestamp()
        if halt is not None and self._halt is None:
            self._pace.go_on()
        self._stage, self._halt = stage, halt

    def _disconnect(self) -> None:
        for direction in DIRECTIONS:
            self.disconnected(direction)

    def _retention_remaining(self) -> float | None:
        """A binlog file is kept for that long after its last event: what is needed is at most as old as the last proof. It
        goes on falling while the stream is cut off, which is when it matters."""
        applied = self._streams[self._direction].applied_up_to
        if self._retention is None or applied is None:
            return None
        return max(0.0, self._retention - max(0.0, self._now() - applied))

    def _note(self, error: BaseException) -> None:
        label = error.label if isinstance(error, ReplicatorError) else type(error).__name__
        self._error = {"error": label, "message": str(error), "at": self._timestamp()}
        self._count("errors", (label,))

    def _count(self, counter: str, labels: tuple[str, ...], amount: int = 1) -> None:
        self._counters.setdefault(counter, Counter())[labels] += amount
