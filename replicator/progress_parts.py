"""What Progress is made of, and the frozen shapes that its readers get."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from replicator.mysql.position import Position
from replicator.progress_tables import TableReading
from replicator.rates import Distribution, DistributionReading

PHASES = (
    "preparing", "copying", "catching_up", "replicating", "cutting_over", "reversing", "rolled_back", "completed",
    "aborted",
)  # fmt: skip
ENDED = ("completed", "aborted")
"""Phases after which nothing runs any more."""
HALTS = ("paused", "stopped", "failed")
DIRECTIONS = ("forward", "reverse")

_FREEZE_BOUNDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
_BEHIND = 10.0
"""Seconds of lag from which on a stream that is slower than its upstream is said to fall behind."""
_LASTING = 60.0
"""Seconds over which the speed is taken."""
_UNKNOWN_AFTER = 10.0
"""Seconds without a proof of how far the stream is, after which the lag is unknown (more where proofs are rarer)."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of the cutover: what is, and what has to be."""

    name: str
    ok: bool
    value: str
    limit: str
    fix: str = ""
    """What to do where it is not."""


@dataclass(frozen=True, slots=True)
class StreamReading:
    """One direction. None is unknown."""

    connected: bool
    lag_seconds: float | None
    lag_bytes: int | None
    proved_as_of: float | None
    checkpointed_at: float | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the metrics show, at one moment. Keys of the counters are their labels' values."""

    phase: str
    streams: Mapping[str, StreamReading]
    counters: Mapping[str, Mapping[tuple[str, ...], float]]
    apply_durations: Mapping[str, DistributionReading]
    freezes: DistributionReading
    tables: Mapping[str, TableReading]
    retention_remaining: float | None
    frozen: bool


def rounded(seconds: float | None) -> float | None:
    """To the millisecond."""
    return None if seconds is None else round(seconds, 3)


@dataclass(slots=True)
class StreamProgress:
    """One direction. `as_of` and `checkpointed_at` are Unix times, `proved` and `upstream_seen` monotonic ones."""

    connected: bool = False
    position: Position | None = None
    upstream: Position | None = None
    upstream_seen: float = 0.0
    bytes_behind: int | None = None
    as_of: float | None = None
    applied_up_to: float | None = None
    """`as_of` of the last proof, also while nothing is known of what came since: what is needed of the binlog begins there."""
    lag_then: float = 0.0
    proved: float = 0.0
    checkpointed_at: float | None = None
    proofs: deque[tuple[float, float, int]] = field(default_factory=deque)
    """Those of the last minute: monotonic time, `as_of`, rows applied until then."""

    def prove(self, now: float, clock: float, as_of: float, rows: int) -> None:
        """All that the upstream had committed at `as_of` is applied."""
        self.as_of, self.lag_then, self.proved = as_of, max(0.0, now - as_of), clock
        self.applied_up_to = as_of
        self.proofs.append((clock, as_of, rows))
        while len(self.proofs) > 2 and clock - self.proofs[1][0] >= _LASTING:
            self.proofs.popleft()

    def applying(self, clock: float, interval: float) -> dict[str, Any]:
        """As in `status --json`: how fast it goes, and where that leads."""
        lag = self.lag_seconds(clock, interval)
        if lag is None or len(self.proofs) < 2 or self.proofs[-1][0] - self.proofs[0][0] < _BEHIND:
            return {"speed": None, "rows_per_second": None, "falls_behind": False, "eta_seconds": None}
        (first, began, rows), (last, as_of, applied) = self.proofs[0], self.proofs[-1]
        seconds = (clock if clock - last > 2 * interval else last) - first
        speed = (as_of - began) / seconds
        return {
            "speed": rounded(speed),
            "rows_per_second": round((applied - rows) / seconds),
            "falls_behind": lag > _BEHIND and speed < 1,
            "eta_seconds": round(lag / (speed - 1)) if lag > _BEHIND and speed > 1 else None,
        }

    def lag_seconds(self, clock: float, interval: float) -> float | None:
        """Seconds, or None when unknown.

        Between proofs, which are due every `interval` seconds, it is what the last one showed; once the next is overdue
        it grows with every second of that, and when none comes for long it is unknown.
        """
        silent = clock - self.proved
        if not self.connected or self.as_of is None or silent > max(_UNKNOWN_AFTER, 3 * interval):
            return None
        return max(self.lag_then, self.lag_then + silent - interval)

    def lag_bytes(self, clock: float, interval: float) -> int | None:
        """Bytes of binlog not applied yet, or None when unknown."""
        if not self.connected or self.upstream is None or self.position is None:
            return None
        if clock - self.upstream_seen > max(_UNKNOWN_AFTER, 3 * interval):
            return None
        if self.upstream.file == self.position.file:
            return max(0, self.upstream.pos - self.position.pos)
        return self.bytes_behind

    def reading(self, clock: float, interval: float) -> StreamReading:
        """As the metrics show it."""
        return StreamReading(
            self.connected, self.lag_seconds(clock, interval), self.lag_bytes(clock, interval),
            self.as_of, self.checkpointed_at,
        )  # fmt: skip


@dataclass(slots=True)
class CutoverProgress:
    """What stands before a cutover, and how long writes were held. Monotonic times, in seconds."""

    gates: tuple[Gate, ...] = ()
    frozen_since: float | None = None
    last_freeze: float | None = None
    freezes: Distribution = field(default_factory=lambda: Distribution(_FREEZE_BOUNDS))

    def unfreeze(self, clock: float) -> None:
        """Writes go on."""
        if self.frozen_since is not None:
            self.last_freeze = clock - self.frozen_since
            self.freezes.add(self.last_freeze)
            self.frozen_since = None

    def status(self) -> dict[str, Any]:
        """As in `status --json`."""
        return {
            "ready": bool(self.gates) and all(gate.ok for gate in self.gates),
            "gates": [
                {"name": gate.name, "ok": gate.ok, "value": gate.value, "limit": gate.limit} for gate in self.gates
            ],
            "last_freeze_seconds": rounded(self.last_freeze),
        }
