"""Counting over time: how fast something goes, and how values are distributed."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_PRESENT = 10.0
_LASTING = 60.0


class Pace:
    """How fast work goes, and how long it had to wait.

    Two speeds: that of the last seconds, and that of the last minute of work, which waiting does not change, so that
    the time left does not run away while throttled.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._samples: deque[tuple[float, float, int]] = deque()
        self._total = 0
        self._wait: tuple[str, float] | None = None
        self._waits: dict[str, float] = {}
        self.waiting: dict[str, str] | None = None
        """Reason, detail and since when; None while nothing waits."""

    def add(self, amount: int) -> None:
        """`amount` more is done."""
        clock, working = self._clock(), self._working()
        if not self._samples or clock - self._samples[-1][0] >= 0.5:
            self._samples.append((clock, working, self._total))
        self._total += amount
        while len(self._samples) > 2 and working - self._samples[1][1] >= _LASTING:
            self._samples.popleft()

    def present(self) -> float:
        """Amounts per second of the last ten seconds."""
        clock = self._clock()
        recent = next((sample for sample in self._samples if clock - sample[0] <= _PRESENT), None)
        return (self._total - recent[2]) / max(clock - recent[0], 0.5) if recent is not None else 0.0

    def lasting(self) -> float | None:
        """Amounts per second of the last minute of work; None until there is enough to tell."""
        if not self._samples or self._working() - self._samples[0][1] < 1.0:
            return None
        return (self._total - self._samples[0][2]) / (self._working() - self._samples[0][1]) or None

    def wait(self, reason: str, detail: str, at: str) -> None:
        """Work stops for `reason` at the time `at`, or goes on waiting for it with another detail."""
        if self._wait is None or self._wait[0] != reason or self.waiting is None:
            self.go_on()
            self._wait = (reason, self._clock())
            self.waiting = {"reason": reason, "detail": detail, "since": at}
        else:
            self.waiting = {**self.waiting, "detail": detail}

    def go_on(self) -> None:
        """Work goes on."""
        self._waits, self._wait, self.waiting = self.waits(), None, None

    def waits(self) -> dict[str, float]:
        """Seconds waited so far, by reason."""
        waits = dict(self._waits)
        if self._wait is not None:
            reason, since = self._wait
            waits[reason] = waits.get(reason, 0.0) + self._clock() - since
        return waits

    def _working(self) -> float:
        """A clock that stands still while work waits."""
        return self._clock() - sum(self.waits().values())


@dataclass(frozen=True, slots=True)
class DistributionReading:
    """A histogram: `counts[i]` values lie above `bounds[i - 1]` and at most at `bounds[i]`; the last is the rest."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


class Distribution:
    """How often a value fell between which bounds."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        """One more value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def reading(self) -> DistributionReading:
        """As it stands."""
        return DistributionReading(self._bounds, tuple(self._counts), self._total)
