"""What a verification found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from replicator.mysql.position import Position
from replicator.transform.produce import Values

DIFFERENCES_SHOWN = 1_000
"""Differences that are printed at most; all are counted."""
DIFFERENCES_KEPT = 100_000
"""Differences that a report holds at most, for the repair."""
_REPAIR = "Run `replicator verify --repair` to write these rows anew"
_CORRECT = "Correct the inverse, or the rows that have no way back, then verify again"

Kind = Literal["missing", "extra", "different"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One row of the target that is not what the transform makes of the source."""

    table: str
    key: str
    """Primary key of the row, as `id=5`."""
    kind: Kind
    columns: tuple[str, ...] = ()
    """Which columns differ; () for rows that are missing or extra."""
    transform: int | None = None
    """Index in the plan; None for a row that belongs to no transform of the table."""
    unit: Values = ()
    """Key of the unit, as values of the transform's key columns; of a row that belongs to none, its primary key."""
    also: Values | None = None
    """Key of the unit that the row claims to belong to in the target, where that is another one."""
    reason: str = ""
    """Why the row cannot be there, where the transform or the target refuses it."""

    def __str__(self) -> str:
        columns = f" in {', '.join(self.columns)}" if self.columns else ""
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.table}, {self.key}: {self.kind}{columns}{reason}"

    @property
    def units(self) -> tuple[Values, ...]:
        """Keys of the units that have to do with it."""
        return (self.unit,) if self.also is None else (self.unit, self.also)

    def to_json(self) -> dict[str, Any]:
        """As in `verify --json`."""
        found: dict[str, Any] = {"table": self.table, "key": self.key, "kind": self.kind}
        return found | {"columns": list(self.columns), "reason": self.reason or None}


@dataclass(frozen=True, slots=True)
class TableReport:
    """One target table. All three count rows."""

    rows: int
    mismatched: int
    pending: int
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a verification. Times are UTC.

    `pending` rows differed each time they were looked at, and were written by the stream each time in between: nothing
    is known of them yet. They are no failure.
    """

    tables: Mapping[str, TableReport]
    differences: tuple[Difference, ...] = field(repr=False)
    """The first DIFFERENCES_KEPT of those that are certain."""
    position: Position
    """Checkpoint of the target at the last look."""
    started: datetime
    finished: datetime
    moving: tuple[Difference, ...] = field(default=(), repr=False)
    """The pending ones."""
    aside: tuple[Difference, ...] = field(default=(), repr=False)
    """Rows that are missing because their units are in quarantine: neither equal nor a difference."""

    @property
    def rows_compared(self) -> int:
        """Target rows, over all tables."""
        return sum(table.rows for table in self.tables.values())

    @property
    def mismatched(self) -> int:
        """Rows that differ for certain."""
        return sum(table.mismatched for table in self.tables.values())

    @property
    def pending(self) -> int:
        """Rows that are still in motion."""
        return sum(table.pending for table in self.tables.values())

    @property
    def quarantined(self) -> int:
        """Units in quarantine, over all tables."""
        return sum(table.quarantined for table in self.tables.values())

    @property
    def ok(self) -> bool:
        """Whether no row differs for certain."""
        return self.mismatched == 0

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.finished - self.started).total_seconds()

    def summary(self, *, repairable: bool = True, advice: bool = True) -> str:
        """For an operator: one line, a line for each of the first differences, and with `advice` what to do about them."""
        head = f"{self.rows_compared} rows of {len(self.tables)} tables compared at {self.position}"
        moving = f", {self.pending} in motion" if self.pending else ""
        moving += f", {self.quarantined} in quarantine" if self.quarantined else ""
        if self.ok:
            return f"{head}: no difference{moving}"
        lines = [str(difference) for difference in self.differences[:20]]
        if self.mismatched > len(lines):
            lines.append(f"… and {self.mismatched - len(lines)} more")
        if advice:
            lines.append(_REPAIR if repairable else _CORRECT)
        return "\n".join([f"{head}: {self.mismatched} rows differ{moving}", *lines])

    def to_json(self) -> dict[str, Any]:
        """As in `verify --json`."""
        return {
            "ok": self.ok,
            "rows_compared": self.rows_compared,
            "mismatched_rows": self.mismatched,
            "pending_rows": self.pending,
            "quarantined_rows": self.quarantined,
            "position": self.position.to_json(),
            "started": self.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "finished": self.finished.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tables": [
                {"table": name, "rows": one.rows, "mismatched_rows": one.mismatched, "pending_rows": one.pending,
                 "quarantined_rows": one.quarantined}
                for name, one in self.tables.items()
            ],
            "differences": [one.to_json() for one in self.differences[:DIFFERENCES_SHOWN]],
        }
