"""How far each table is: what Progress counts of them, and the frozen shape that the metrics get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from replicator.rates import Pace


@dataclass(frozen=True, slots=True)
class TableReading:
    """One target table, over all its sources."""

    rows_copied: int
    rows_estimated: int
    mismatched: int
    quarantined: int
    verified_without_difference_at: float | None


@dataclass(slots=True)
class TableProgress:
    """One source that is copied and replicated into one target table."""

    table: str
    source: str
    rows_estimated: int = 0
    rows_copied: int = 0
    rows_applied: int = 0
    state: str = "waiting"
    verified_at: str | None = None
    succeeded_at: float | None = None
    mismatched: int = 0
    quarantined: int = 0
    compared: int = 0
    """Rows compared so far in the pass that is under way."""

    @property
    def estimate(self) -> int:
        """Never below what is there already, and exactly that once the copy is done."""
        return self.rows_copied if self.state == "done" else max(self.rows_estimated, self.rows_copied)

    def status(self) -> dict[str, Any]:
        """As in `status --json`."""
        return {
            "table": self.table,
            "source": self.source,
            "state": self.state,
            "rows_copied": self.rows_copied,
            "rows_estimated": self.estimate,
            "ratio": _ratio(self.rows_copied, self.estimate, self.state == "done"),
            "rows_applied": self.rows_applied,
            "verified_at": self.verified_at,
            "mismatched_rows": self.mismatched,
            "quarantined_rows": self.quarantined,
        }

    def restore(self, status: Mapping[str, Any]) -> None:
        """Go on from what `status` gave in an earlier run."""
        self.state = status["state"]
        self.rows_copied, self.rows_estimated = status["rows_copied"], status["rows_estimated"]
        self.rows_applied = status["rows_applied"]
        self.verified_at = status["verified_at"]
        self.mismatched = status["mismatched_rows"]
        if self.verified_at is not None and self.mismatched == 0:
            with suppress(ValueError):
                self.succeeded_at = datetime.fromisoformat(self.verified_at).timestamp()


class Tables:
    """All that are copied and replicated, in the order in which they were first named; whoever calls holds the lock."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], TableProgress] = {}

    def entry(self, table: str, source: str | None = None) -> TableProgress:
        """The table's entry for `source`, made where there is none; without a source its first, as most have one only."""
        if source is None:
            for entry in self._entries.values():
                if entry.table == table:
                    return entry
        return self._entries.setdefault((table, source or table), TableProgress(table, source or table))

    def of(self, table: str) -> list[TableProgress]:
        """The table's entries for all its sources."""
        return [entry for entry in self._entries.values() if entry.table == table]

    def unverified(self) -> None:
        """What a verification has found says nothing any more."""
        for entry in self._entries.values():
            entry.verified_at, entry.mismatched, entry.succeeded_at = None, 0, None

    def set_aside(self, counts: Mapping[str, int]) -> None:
        """How many units of each table are in quarantine: which source they come from is not known."""
        for table in self._names():
            first, *others = self.of(table)
            first.quarantined = counts.get(table, 0)
            for entry in others:
                entry.quarantined = 0

    @property
    def quarantined(self) -> int:
        """Units of all tables that are in quarantine."""
        return sum(entry.quarantined for entry in self._entries.values())

    def status(self) -> list[dict[str, Any]]:
        """As in `status --json`."""
        return [entry.status() for entry in self._entries.values()]

    def copy(self, pace: Pace) -> dict[str, Any]:
        """The copy of all of them as in `status --json`; `pace` is how fast it goes."""
        entries = self._entries.values()
        rows, estimate = sum(entry.rows_copied for entry in entries), sum(entry.estimate for entry in entries)
        done = bool(entries) and all(entry.state == "done" for entry in entries)
        speed = 0.0 if done else pace.present()
        copying = any(entry.state in ("waiting", "copying") for entry in entries)  # else units are built: nobody counts them
        working = pace.lasting()
        return {
            "rows": rows,
            "rows_estimated": estimate,
            "ratio": _ratio(rows, estimate, done),
            "rows_per_second": round(speed),
            "eta_seconds": round((estimate - rows) / working) if working and rows < estimate and copying else None,
        }

    def readings(self) -> dict[str, TableReading]:
        """Target table → as the metrics show it."""
        return {table: _reading(self.of(table)) for table in self._names()}

    def _names(self) -> list[str]:
        return list(dict.fromkeys(entry.table for entry in self._entries.values()))


def _reading(entries: Sequence[TableProgress]) -> TableReading:
    return TableReading(
        rows_copied=sum(entry.rows_copied for entry in entries),
        rows_estimated=sum(entry.estimate for entry in entries),
        mismatched=max(entry.mismatched for entry in entries),
        quarantined=sum(entry.quarantined for entry in entries),
        verified_without_difference_at=entries[0].succeeded_at,
    )


def _ratio(rows: int, estimate: int, done: bool) -> float:
    """From 0 to 1; 1 only when it is done, since the estimate may be too low."""
    return 1.0 if done else min(0.999, round(rows / estimate, 3)) if estimate else 0.0
