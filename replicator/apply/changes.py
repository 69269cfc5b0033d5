"""What a batch of row events comes to: the last image of each key, and the units that must be looked at.

Within a batch only the end counts, so 100 updates of a row are one write and superseded images are never transformed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from replicator.binlog.events import RowsEvent
from replicator.transform.plan import MigrationPlan, PlannedTransform, SourceTable
from replicator.transform.produce import Values, getter

Getter = Callable[[Sequence[Any]], Values]


@dataclass(slots=True)
class Pending:
    """The fate of one key: whether it stood there before the batch, and its last image (None: gone)."""

    stood: bool
    image: Values | None
    before: Values | None = None
    """Its image before the batch, where it stood there."""


@dataclass(slots=True)
class Changes:
    """The outcome of a batch so far."""

    staged: dict[str, dict[Values, Pending]] = field(default_factory=dict)
    """Source table → row key → image in the order of the staged columns."""
    direct: dict[int, dict[Values, Pending]] = field(default_factory=dict)
    """Transform (index in the plan) → unit key → image in the order of the source table's columns."""
    units: dict[int, set[Values]] = field(default_factory=dict)
    """Staged transform → keys of units whose own rows changed."""
    related: dict[tuple[int, int], set[Values]] = field(default_factory=dict)
    """(staged transform, related parameter) → join values in the images of related rows that changed."""
    operations: dict[tuple[str, str], int] = field(default_factory=dict)
    """(source table, operation) → rows, for the metrics."""


class Gatherer:
    """Turns row events into Changes; compiled once per plan."""

    def __init__(self, plan: MigrationPlan) -> None:
        numbers = {id(transform): index for index, transform in enumerate(plan.transforms)}
        self._tables = {name: _TableGatherer(source, plan.transforms, numbers) for name, source in plan.sources.items()}

    def gather(self, changes: Changes, events: Sequence[RowsEvent]) -> None:
        """Add events, in order."""
        for event in events:
            self._tables[event.table].gather(changes, event)


class _TableGatherer:
    def __init__(self, source: SourceTable, transforms: Sequence[PlannedTransform], numbers: dict[int, int]) -> None:
        self._name = source.table.name
        before = {name: index for index, name in enumerate(source.before)}
        after = {name: index for index, name in enumerate(source.columns)}

        def both(names: Sequence[str]) -> _Getters:
            return _Getters(getter([before[name] for name in names]), getter([after[name] for name in names]))

        self._direct = [(numbers[id(transform)], both(transform.unit_columns)) for transform in source.direct]
        self._row_key = both(source.table.row_key)
        self._image = None if source.staged is None else getter([after[name] for name in source.staged.columns])
        self._units = [
            (index, both(transform.unit_columns))
            for index, transform in enumerate(transforms)
            if transform.staged and transform.source.name == self._name
        ]
        self._related = [
            ((index, number), both([column for column, _, _ in item.path[-1].on]))
            for index, transform in enumerate(transforms)
            for number, item in enumerate(transform.related)
            if item.table.name == self._name
        ]

    def gather(self, changes: Changes, event: RowsEvent) -> None:
        count = (self._name, event.kind)
        changes.operations[count] = changes.operations.get(count, 0) + len(event.rows)
        rows = event.rows
        if self._image is not None:
            image_of = self._image
            _last(changes.staged.setdefault(self._name, {}), rows, self._row_key, image_of)
        for index, unit in self._direct:
            _last(changes.direct.setdefault(index, {}), rows, unit, None)
        for index, unit in self._units:
            _images(changes.units.setdefault(index, set()), rows, unit)
        for place, on in self._related:
            _images(changes.related.setdefault(place, set()), rows, on)


@dataclass(frozen=True, slots=True)
class _Getters:
    """The same columns out of a before-image and out of an after-image."""

    before: Getter
    after: Getter


def _last(
    pending: dict[Values, Pending],
    rows: Sequence[tuple[Values | None, Values | None]],
    key: _Getters,
    image_of: Getter | None,
) -> None:
    key_before, key_after = key.before, key.after
    for before, after in rows:
        old = key_before(before) if before is not None else None
        if after is None:
            assert old is not None
            entry = pending.get(old)
            if entry is None:
                pending[old] = Pending(True, None, before)
            else:
                entry.image = None
            continue
        new = key_after(after)
        image = after if image_of is None else image_of(after)
        if old is not None and old != new:
            entry = pending.get(old)
            if entry is None:
                pending[old] = Pending(True, None, before)
            else:
                entry.image = None
            old = None
        entry = pending.get(new)
        if entry is None:
            pending[new] = Pending(old is not None, image, None if old is None else before)
        else:
            entry.image = image


def _images(keys: set[Values], rows: Sequence[tuple[Values | None, Values | None]], columns: _Getters) -> None:
    of_before, of_after = columns.before, columns.after
    for before, after in rows:
        if before is not None:
            keys.add(of_before(before))
        if after is not None:
            keys.add(of_after(after))
