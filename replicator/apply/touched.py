"""Which units were written since a mark: what a verification must look at again."""

from __future__ import annotations

import threading
from itertools import count

from replicator.apply.applier import Touched
from replicator.transform.produce import Values

UNITS_REMEMBERED = 2_000_000


class TouchedUnits:
    """Marks and the units touched by batches committed after them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._marks: dict[int, dict[int, set[Values]] | None] = {}

    def begin(self) -> int:
        """From now on touched units are remembered for this mark."""
        with self._lock:
            mark = next(self._numbers)
            self._marks[mark] = {}
            return mark

    def since(self, mark: int) -> Touched | None:
        """Units touched after the mark; None when they were too many to remember."""
        with self._lock:
            found = self._marks.get(mark)
            return None if found is None else {index: set(keys) for index, keys in found.items()}

    def forget(self, mark: int) -> None:
        """The mark is no longer needed."""
        with self._lock:
            self._marks.pop(mark, None)

    def add(self, touched: Touched) -> None:
        """A batch has been committed."""
        with self._lock:
            for mark, known in self._marks.items():
                if known is None:
                    continue
                for index, keys in touched.items():
                    known.setdefault(index, set()).update(keys)
                if sum(map(len, known.values())) > UNITS_REMEMBERED:
                    self._marks[mark] = None
