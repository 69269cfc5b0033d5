"""The order in which a full pass looks at units: every one of the source, and every row of the target.

Where both sides provably sort the unit keys alike, both are walked together, range by range, and rows that should not be
there show up in their range. Elsewhere the source's units are walked in the source's order and looked up in the target by
their keys; then the target's keys are walked and looked up in the source. No order is ever assumed across collations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from replicator.config import Config
from replicator.errors import VerificationFailed
from replicator.mysql.catalog import INTEGER_TYPES, Column
from replicator.mysql.connection import value
from replicator.mysql.literals import encoder
from replicator.transform import ranges
from replicator.transform.plan import PlannedTransform
from replicator.transform.produce import Literals, Values
from replicator.transform.ranges import KeyRanges, chunk_rows
from replicator.transform.units import Relation, TargetRows
from replicator.verify.compare import UNITS_AT_ONCE, Comparer, Found
from replicator.verify.report import Difference
from replicator.verify.snapshots import Snapshots, failing


@dataclass(frozen=True, slots=True)
class Place:
    """How far a walk has come: the last key, as bounds of the source and of the target; None is the open end."""

    low: Literals | None = None
    target_low: Literals | None = None
    finished: bool = False


class Walk(Protocol):
    """A part of a full pass. Its place may be set back, to look again with new snapshots."""

    table: str
    place: Place

    def step(self, on: Snapshots) -> Found:
        """Compare the next chunk and move on."""

    def audit(self, on: Snapshots, since: Place, present: int) -> None:
        """Raise VerificationFailed unless the `present` rows read since that place, under these snapshots, are all."""


def unit_order(transform: PlannedTransform) -> list[int]:
    """Places of the unit columns in the order of an index of the source, so that walking is reading along it."""
    wanted = set(transform.unit_columns)
    for index in transform.source.indexes:
        leading = index.columns[: len(wanted)]
        if set(leading) == wanted:
            return [transform.unit_columns.index(name) for name in leading if name is not None]
    return list(range(len(transform.unit_columns)))


def sorted_alike(source: Column, target: Column, *, same_flavour: bool) -> bool:
    """Whether the target's column holds every value of the source's, both sort them in one order, and neither has NULLs."""
    if source.nullable or target.nullable:
        return False
    kinds = (source.type, target.type)
    if kinds in _TEXTS:
        same_collation = (source.charset, source.collation) == (target.charset, target.collation)
        return same_flavour and same_collation and (target.characters or 0) >= (source.characters or 0)
    if source.type in INTEGER_TYPES and target.type in INTEGER_TYPES:
        low, high = _limits(source)
        target_low, target_high = _limits(target)
        return target_low <= low and high <= target_high
    if kinds in (("binary", "binary"), ("varbinary", "varbinary"), ("binary", "varbinary")):
        return source.octets == target.octets or (kinds[1] == "varbinary" and (target.octets or 0) >= (source.octets or 0))
    if source.type in _TIMES and target.type in ("datetime", source.type):
        return target.fraction >= source.fraction
    return kinds in (("date", "date"), ("year", "year"), ("decimal", "decimal")) and source.full_type == target.full_type


_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_TEXTS = (("char", "char"), ("varchar", "varchar"), ("char", "varchar"))
_TIMES = ("datetime", "timestamp")


def _limits(column: Column) -> tuple[int, int]:
    bits = _BITS[column.type]
    return (0, 2**bits - 1) if column.unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


class RangeWalk:
    """Both sides together, range by range."""

    def __init__(self, config: Config, comparer: Comparer, relation: Relation) -> None:
        transform = comparer.transform
        order = unit_order(transform)
        self.table = comparer.table
        self.place = Place()
        self._config = config
        self._comparer = comparer
        self._size = chunk_rows(transform)
        source = [transform.source.by_name[transform.unit_columns[place]] for place in order]
        target = [transform.target.by_name[transform.key_columns[place]] for place in order]
        self._source = KeyRanges(relation(transform.source.name), source, prefix="t0.")
        self._target = KeyRanges(transform.target.sql, target, comparer.constant_condition)
        self._count = f"SELECT COUNT(*) FROM {transform.target.sql} WHERE "
        self._encoders = [encoder(column) for column in target]

    def step(self, on: Snapshots) -> Found:
        """See Walk."""
        place = self.place
        with failing(self._config.source):
            boundary = self._source.boundary(on.source, place.low, self._size)
        if boundary is None:
            reached = Place(finished=True)
        else:
            high, values = boundary
            reached = Place(high, tuple([encode(one) for encode, one in zip(self._encoders, values, strict=True)]))
        found = self._comparer.between(
            on,
            self._source.condition(place.low, reached.low),
            self._target.condition(place.target_low, reached.target_low),
        )
        self.place = reached
        return found

    def audit(self, on: Snapshots, since: Place, present: int) -> None:
        """See Walk: this proves that the target sorts its keys as assumed."""
        with failing(self._config.target):
            there = value(on.target, self._count + self._target.condition(since.target_low, self.place.target_low))
        if there != present:
            raise VerificationFailed(
                f"{self.table}: {present} rows were compared where the target holds {there}: the two servers sort the key"
                f" ({', '.join(self._comparer.transform.key_columns)}) differently. Give the key columns of source and"
                " target the same collation, and verify again"
            )


class KeyWalk:
    """The source's units, looked up in the target by their keys."""

    def __init__(self, config: Config, comparer: Comparer, relation: Relation) -> None:
        transform = comparer.transform
        self.table = comparer.table
        self.place = Place()
        self._config = config
        self._comparer = comparer
        order = unit_order(transform)
        columns = [transform.source.by_name[transform.unit_columns[place]] for place in order]
        self._order = [order.index(place) for place in range(len(order))]
        self._source = KeyRanges(relation(transform.source.name), columns, prefix="t0.")
        self._size = min(chunk_rows(transform), 2 * UNITS_AT_ONCE)

    def step(self, on: Snapshots) -> Found:
        """See Walk."""
        low = self.place.low
        with failing(self._config.source):
            boundary = self._source.boundary(on.source, low, self._size)
            high = None if boundary is None else boundary[0]
            keys = self._source.keys(on.source, low, high)
            nulls = [] if high is not None else self._source.null_keys(on.source)
        found = self._comparer.ranged(on, self._source.condition(low, high), self._ordered(keys))
        if nulls:
            found.add(self._comparer.units(on, self._ordered(nulls)))
        self.place = Place(high, finished=high is None)
        return found

    def audit(self, on: Snapshots, since: Place, present: int) -> None:
        """See Walk: the target's order plays no part, and TargetWalk looks at all its rows."""

    def _ordered(self, keys: Sequence[Values]) -> list[Values]:
        return [tuple([key[place] for place in self._order]) for key in keys]


class TargetWalk:
    """The target's keys, looked up in the source: rows of units that the source does not have."""

    def __init__(self, config: Config, comparer: Comparer) -> None:
        transform = comparer.transform
        self.table = comparer.table
        self.place = Place()
        self._config = config
        self._comparer = comparer
        columns = [transform.target.by_name[name] for name in transform.key_columns]
        self._target = KeyRanges(transform.target.sql, columns, comparer.constant_condition)

    def step(self, on: Snapshots) -> Found:
        """See Walk."""
        low = self.place.low
        with failing(self._config.target):
            boundary = self._target.boundary(on.target, low, 2 * UNITS_AT_ONCE)
            high = None if boundary is None else boundary[0]
            keys = self._target.keys(on.target, low, high)
            if high is None:
                keys += self._target.null_keys(on.target)
        found = Found()
        for start in range(0, len(keys), UNITS_AT_ONCE):
            part = keys[start : start + UNITS_AT_ONCE]
            unknown = self._comparer.unknown(on, part)
            if unknown:
                found.differences += self._comparer.unexpected(on, unknown).differences
        found.rows = len(found.differences)
        self.place = Place(high, finished=high is None)
        return found

    def audit(self, on: Snapshots, since: Place, present: int) -> None:
        """See Walk: each range is read whole."""


class UnitsLook:
    """Some units, by their keys, in one step."""

    def __init__(self, comparer: Comparer, keys: Sequence[Values]) -> None:
        self.table = comparer.table
        self.place = Place()
        self._comparer = comparer
        self._keys = keys

    def step(self, on: Snapshots) -> Found:
        """See Walk."""
        found = self._comparer.units(on, self._keys)
        self.place = Place(finished=True)
        return found

    def audit(self, on: Snapshots, since: Place, present: int) -> None:
        """See Walk: the keys were given."""


def nobodys(transforms: Iterable[PlannedTransform]) -> str:
    """SQL for the rows of a target table that belong to none of these transforms, which are all that feed it."""
    owned = [TargetRows(transform).constant_condition.removeprefix(" AND ") for transform in transforms]
    # A comparison with NULL is neither true nor false: such a row is nobody's either.
    return " AND ".join(f"({condition}) IS NOT TRUE" for condition in owned)


class StrayWalk:
    """Rows of a target table that belong to none of the transforms that feed it."""

    def __init__(self, config: Config, transforms: Sequence[PlannedTransform]) -> None:
        target = transforms[0].target
        self.table = target.name
        self.place = Place()
        self._config = config
        self._names = target.primary_key
        self._rows = KeyRanges(target.sql, [target.by_name[name] for name in self._names], nobodys(transforms))

    def step(self, on: Snapshots) -> Found:
        """See Walk."""
        low = self.place.low
        with failing(self._config.target):
            boundary = self._rows.boundary(on.target, low, ranges.MOST_ROWS)
            high = None if boundary is None else boundary[0]
            keys = self._rows.keys(on.target, low, high)
        found = Found(rows=len(keys))
        for record in keys:
            key = ", ".join(f"{name}={one!r}" for name, one in zip(self._names, record, strict=True))
            found.differences.append(Difference(self.table, key, "extra", unit=record))
        self.place = Place(high, finished=high is None)
        return found

    def audit(self, on: Snapshots, since: Place, present: int) -> None:
        """See Walk: each range is read whole."""


def full_pass(config: Config, comparers: Iterable[Comparer], relation: Relation, *, same_flavour: bool) -> list[Walk]:
    """The walks that look at every unit of the source and every row of the target."""
    walks: list[Walk] = []
    by_table: dict[str, list[PlannedTransform]] = {}
    for comparer in comparers:
        transform = comparer.transform
        by_table.setdefault(comparer.table, []).append(transform)
        columns = [
            (transform.source.by_name[origin], transform.target.by_name[name])
            for origin, name in zip(transform.unit_columns, transform.key_columns, strict=True)
        ]
        if all(sorted_alike(one, other, same_flavour=same_flavour) for one, other in columns):
            walks.append(RangeWalk(config, comparer, relation))
        else:
            walks += [KeyWalk(config, comparer, relation), TargetWalk(config, comparer)]
    walks += [
        StrayWalk(config, transforms)
        for transforms in by_table.values()
        if all(transform.constants for transform in transforms)
    ]
    return walks
