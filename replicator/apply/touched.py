"""Which units and staged rows were written since a mark: what a verification must look at again."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import count

from replicator.transform.produce import Values

REMEMBERED = 2_000_000
"""Keys kept for one mark at most."""


@dataclass(frozen=True, slots=True)
class Touched:
    """What one or more batches wrote."""

    units: dict[int, set[Values]] = field(default_factory=dict)
    """Transform (index in the plan) → unit keys."""
    staged: dict[str, set[Values]] = field(default_factory=dict)
    """Source table → row keys."""
    untold: bool = False
    """More was written than is named here."""

    def add(self, other: Touched) -> None:
        """Take in what another batch wrote."""
        for index, keys in other.units.items():
            self.units.setdefault(index, set()).update(keys)
        for table, keys in other.staged.items():
            self.staged.setdefault(table, set()).update(keys)

    def __len__(self) -> int:
        return sum(map(len, self.units.values())) + sum(map(len, self.staged.values()))


class TouchedLog:
    """Marks, and what was touched by the batches committed after each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._marks: dict[int, Touched | None] = {}

    def begin(self) -> int:
        """A mark: batches that commit after this call are remembered for it."""
        with self._lock:
            mark = next(self._numbers)
            self._marks[mark] = Touched()
            return mark

    def since(self, mark: int) -> dict[int, set[Values]] | None:
        """Units written after the mark; None when they were too many to remember."""
        with self._lock:
            found = self._marks.get(mark)
            return None if found is None else {index: set(keys) for index, keys in found.units.items()}

    def staged_since(self, mark: int) -> dict[str, set[Values]] | None:
        """Staged rows written after the mark; None as above."""
        with self._lock:
            found = self._marks.get(mark)
            return None if found is None else {table: set(keys) for table, keys in found.staged.items()}

    def forget(self, mark: int) -> None:
        """The mark is no longer needed."""
        with self._lock:
            self._marks.pop(mark, None)

    def lose(self) -> None:
        """A batch was committed of which nothing is known: no mark can be answered any more."""
        with self._lock:
            self._marks = dict.fromkeys(self._marks)

    def add(self, touched: Touched) -> None:
        """A batch has been committed."""
        if touched.untold:
            self.lose()
        with self._lock:
            for mark, known in self._marks.items():
                if known is not None:
                    known.add(touched)
                    if len(known) > REMEMBERED:
                        self._marks[mark] = None
