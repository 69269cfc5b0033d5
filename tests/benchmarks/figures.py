"""What was measured, its limit, and whether it is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

HEADINGS = ("", "server", "measured", "replicator", "compared with", "ratio", "limit", "met")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    repetitions: int
    decode_transactions: int
    library_rows: int
    """Row changes that mysql-replication decodes of them."""
    copy_rows: int
    base_rows: int
    """Rows in the table before changes begin."""
    transactions: int
    """Of ten row changes each."""
    lag_seconds: float
    lag_rate: int
    wide_rows: int
    long_transaction: int
    """Rows that one transaction changes."""
    switches: int
    """Cutovers, each with its rollback."""
    switch_rate: int
    """Write transactions a second meanwhile."""
    switch_scale: float


FULL = Sizes(3, 6_000, 12_000, 500_000, 100_000, 30_000, 20.0, 500, 2_000, 200_000, 20, 500, 0.1)
QUICK = Sizes(1, 60, 200, 3_000, 2_000, 100, 1.5, 100, 40, 1_000, 1, 60, 0.02)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `met` is None where there is no limit."""

    letter: str
    server: str
    measured: str
    ours: str
    peer: str = ""
    ratio: float | None = None
    limit: str = ""
    met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """As HEADINGS names them."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f} ×"
        met = {None: "", True: "yes", False: "NO"}[self.met]
        return (f"({self.letter})", self.server, self.measured, self.ours, self.peer, ratio, self.limit, met)


def faster(
    letter: str,
    server: str,
    measured: str,
    ours: Sequence[float],
    peer: str,
    theirs: Sequence[float],
    at_least: float | None = None,
) -> Figure:
    """Rows/s of several runs of ours against those of a peer, by their medians."""
    ratio = median(ours) / median(theirs)
    return Figure(
        letter,
        server,
        measured,
        _rates(ours),
        f"{peer}: {_rates(theirs)}",
        ratio,
        "" if at_least is None else f"≥ {at_least:g} ×",
        None if at_least is None else ratio >= at_least,
    )


def below(letter: str, server: str, measured: str, value: float, unit: str, at_most: float | None = None) -> Figure:
    """One value that must not be larger than its limit."""
    limit = "" if at_most is None else f"≤ {at_most:g} {unit}"
    return Figure(
        letter, server, measured, f"{value:.0f} {unit}", limit=limit, met=None if at_most is None else value <= at_most
    )


def failed(letter: str, server: str, measured: str, error: BaseException) -> Figure:
    """What could not be measured counts as not met."""
    return Figure(letter, server, measured, f"failed: {type(error).__name__}", met=False)


def _rates(rates: Sequence[float]) -> str:
    spread = f" ({min(rates):,.0f}–{max(rates):,.0f})" if len(rates) > 1 else ""
    return f"{median(rates):,.0f} rows/s{spread}"
