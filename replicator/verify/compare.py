"""Compares units of one transform: what it makes of the source's rows with what stands in the target."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from math import copysign
from typing import Any

from replicator.config import Config
from replicator.errors import BadRow
from replicator.mysql.catalog import Column
from replicator.mysql.connection import Connection, connected
from replicator.mysql.equality import equal_keys
from replicator.mysql.literals import comparable, select_expression
from replicator.mysql.reading import read_batches, read_rows
from replicator.mysql.sql import quote
from replicator.transform.plan import PlannedTransform
from replicator.transform.produce import Literals, Values, getter
from replicator.transform.units import Relation, TargetRows, Units
from replicator.verify.key_values import KeyFilter
from replicator.verify.report import Difference, Kind
from replicator.verify.snapshots import Snapshots, failing

UNITS_AT_ONCE = 500
"""Units that are named one by one in a statement."""

# What most documents are compared by; where these texts differ, the column's own encoder decides.
_SORTED_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_COMPACT_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))

Identity = tuple[Any, ...]
"""A unit key, whichever side its values come from."""

Alike = Callable[[Values | None, Values], bool]
"""Whether the row as it should be (None: no row) and the row as it is come to the same."""

Refused = list[tuple[Values, str]]
"""Units that the transform refuses to make rows of, and why."""


@dataclass(slots=True)
class Found:
    """What one step of a verification saw."""

    rows: int = 0
    """Target rows that were looked for or found."""
    present: int = 0
    """Rows read from the target."""
    differences: list[Difference] = field(default_factory=list)

    def add(self, other: Found) -> None:
        """Take in what another step saw."""
        self.rows += other.rows
        self.present += other.present
        self.differences += other.differences


class Comparer:
    """Compares units of one transform. `index` is its place in the plan."""

    def __init__(
        self,
        config: Config,
        index: int,
        transform: PlannedTransform,
        relation: Relation,
        alike: Alike | None = None,
    ) -> None:
        """`alike`: what else counts as no difference, where it is the application that writes the target."""
        self.index = index
        self.transform = transform
        self.table = transform.target.name
        self._config = config
        self._units = Units(transform, relation)
        self._relation = relation
        self._target = TargetRows(transform)
        source, by_name = transform.source.by_name, transform.target.by_name
        self._source_keys = KeyFilter([source[name] for name in transform.unit_columns])
        self._target_keys = KeyFilter([by_name[name] for name in transform.key_columns])
        self._by_collation = any(source[name].is_text for name in transform.unit_columns)
        names = transform.target_columns
        self._excused = alike
        self._columns = columns = [by_name[name] for name in names]
        self._comparers = [comparable(column) for column in columns]
        pairs = [(source[name], column) for name, column in zip(transform.copied or (), columns, strict=False)]
        self._pairs = pairs if all(one.type == other.type for one, other in pairs) else []
        """Source and target columns of a copy by names."""
        self._float_places = [place for place, column in enumerate(columns) if column.type in ("float", "double")]
        self._select = ", ".join(select_expression(by_name[name], quote(name)) for name in names)
        self._is_json = [column.type == "json" or alike is not None for column in columns]
        self._key_names = transform.target.primary_key
        self._key_places = [names.index(name) for name in self._key_names]
        self._key = getter(self._key_places)
        self._unit = getter([names.index(name) for name in transform.key_columns])

    @property
    def constant_condition(self) -> str:
        """` AND …` for the target rows of this transform, where several feed the table."""
        return self._target.constant_condition

    # Three ways to name what is compared ------------------------------------------------------------------

    def between(self, on: Snapshots, source_condition: str, target_condition: str) -> Found:
        """Units of the source and rows of the target that two conditions of the same meaning name."""
        if self._pairs and (alike := self._alike(on, source_condition, target_condition)) is not None:
            return Found(alike, alike)
        actual = on.aside.submit(self._actual, on.target, target_condition)
        expected, refused = self._expected(on, source_condition)
        return self._compared(expected, refused, actual.result(), self._floats(on))

    def units(self, on: Snapshots, keys: Sequence[Values]) -> Found:
        """Units with these keys, whether they are in the source, in the target, or in both."""
        found = Found()
        for start in range(0, len(keys), UNITS_AT_ONCE):
            condition, part = self._named(on, keys[start : start + UNITS_AT_ONCE])
            found.add(self.ranged(on, condition, part))
        return found

    def ranged(self, on: Snapshots, source_condition: str, keys: Sequence[Values]) -> Found:
        """Units that a condition on the source names, whose keys, in each spelling that the source has, are `keys`."""
        expected, refused, actual = self._sides(on, source_condition, keys)
        return self._compared(expected, refused, actual, self._floats(on))

    def unexpected(self, on: Snapshots, keys: Sequence[Values]) -> Found:
        """Of the units with these keys, read from the target: only the rows that should not be there."""
        found = self.units(on, keys)
        found.differences = [one for one in found.differences if one.kind == "extra" or one.also is not None]
        return found

    def unknown(self, on: Snapshots, keys: Sequence[Values]) -> list[Values]:
        """Those of the keys that the source does not have in exactly this spelling."""
        known = {self.identity(key) for key in self._spellings(on, self._source_condition(on, keys))}
        return [key for key in keys if self.identity(key) not in known]

    def corrections(self, on: Snapshots, keys: Sequence[Values]) -> list[tuple[Values | None, Values | None]]:
        """Of the units with these keys: (the row that should be there or None, the row that is there or None)."""
        condition, spelled = self._named(on, keys)
        expected, _, actual = self._sides(on, condition, spelled)
        return [(right, there) for right, there, _ in self._mismatches(expected, actual, self._floats(on))]

    def refused(self, on: Snapshots, keys: Sequence[Values]) -> Refused:
        """Of the units with these keys: those that the transform refuses to make rows of, with the error."""
        return self._expected(on, self._source_condition(on, keys))[1]

    # Keys -------------------------------------------------------------------------------------------------

    def held(self, on: Snapshots, keys: Collection[Values]) -> list[Values]:
        """Those of the keys that the source's columns can hold."""
        with failing(self._config.source):
            return self._source_keys.held(on.source, keys)

    def _source_condition(self, on: Snapshots, keys: Collection[Values]) -> str:
        return self._units.condition(self.held(on, keys))

    def _target_condition(self, on: Snapshots, keys: Collection[Values]) -> str:
        with failing(self._config.target):
            held = self._target_keys.held(on.target, keys)
        return self._target.condition(held)

    def _named(self, on: Snapshots, keys: Sequence[Values]) -> tuple[str, Sequence[Values]]:
        """Condition on the source, and the keys with every spelling of them that the source has."""
        condition = self._source_condition(on, keys)
        return condition, [*keys, *self._spellings(on, condition)] if self._by_collation else keys

    def identity(self, key: Values) -> Identity:
        """Equal for the key of a unit as the source has it and as the target has it."""
        try:
            return self._target.literals(key)
        except BadRow:
            return ("refused", *map(repr, key))

    def touched_among(self, keys: Sequence[Values], touched: Collection[Values]) -> set[int]:
        """Places of the keys whose units are among those touched."""
        if not touched:
            return set()
        identities = {self.identity(key) for key in touched}
        found = {place for place, key in enumerate(keys) if self.identity(key) in identities}
        left = [place for place in range(len(keys)) if place not in found]
        if left and self.transform.spelled:
            # A group with the members 'a' and 'A' is known by either.
            columns = [self.transform.source.by_name[name] for name in self.transform.unit_columns]
            with connected(self._config.source) as source:
                literals = self._units.literals
                same = equal_keys(source, columns, [literals(keys[place]) for place in left], [*map(literals, touched)])
            found |= {left[place] for place in same}
        return found

    def _spellings(self, on: Snapshots, condition: str) -> list[Values]:
        with failing(self._config.source):
            return self._units.spellings(on.source, condition)

    # Reading ----------------------------------------------------------------------------------------------

    def _sides(
        self, on: Snapshots, source_condition: str, keys: Sequence[Values]
    ) -> tuple[list[Values], Refused, list[Values]]:
        """Target rows as they should be, the units that have none because they are refused, target rows as they are."""
        pending = on.aside.submit(self._actual, on.target, self._target_condition(on, keys))
        expected, refused = self._expected(on, source_condition)
        actual = pending.result()
        if self._by_collation:
            # Where the target takes two of the source's keys for one, it also gives the rows of the other.
            wanted = {self.identity(key) for key in keys}
            actual = [values for values in actual if self.identity(self._unit(values)) in wanted]
        return expected, refused, actual

    def _expected(self, on: Snapshots, condition: str) -> tuple[list[Values], Refused]:
        """Target rows, and the units whose rows the transform refuses to make, with the reason."""
        try:
            with failing(self._config.source):
                return self._units.where(on.source, condition), []
        except BadRow:
            return self._one_by_one(on, self._spellings(on, condition))

    def _one_by_one(self, on: Snapshots, keys: Sequence[Values]) -> tuple[list[Values], Refused]:
        """As `_expected`, halving until the bad ones stand alone."""
        try:
            with failing(self._config.source):
                return self._units.where(on.source, self._units.condition(keys)), []
        except BadRow as error:
            if len(keys) == 1:
                return [], [(keys[0], error.reason)]
        middle = len(keys) // 2
        left, right = self._one_by_one(on, keys[:middle]), self._one_by_one(on, keys[middle:])
        return left[0] + right[0], left[1] + right[1]

    def _alike(self, on: Snapshots, source_condition: str, target_condition: str) -> int | None:
        """For a copy: how many rows there are on both sides, if both servers send the same bytes for all of them."""
        source_columns = [source for source, _ in self._pairs]
        transform = self.transform
        there = on.aside.submit(self._bytes, on.target, transform.target.sql, "", self._columns, target_condition)
        table = f"{self._relation(transform.source.name)} AS t0"
        with failing(self._config.source):
            here = self._bytes(on.source, table, "t0.", source_columns, source_condition)
        with failing(self._config.target):
            return len(here) if len(here) == len(there.result()) and set(here) == set(there.result()) else None

    @staticmethod
    def _bytes(connection: Connection, table: str, prefix: str, columns: Sequence[Column], condition: str) -> list[Values]:
        select = ", ".join(select_expression(column, prefix + quote(column.name)) for column in columns)
        statement = f"SELECT {select} FROM {table} WHERE {condition}"
        return [row for batch in read_batches(connection, statement, columns, fields=True) for row in batch]

    def _actual(self, target: Connection, condition: str) -> list[Values]:
        with failing(self._config.target):
            statement = f"SELECT {self._select} FROM {self.transform.target.sql} WHERE {condition}"
            return list(read_rows(target, statement, self._columns))

    # Comparing --------------------------------------------------------------------------------------------

    def _compared(
        self,
        expected: Sequence[Values],
        refused: Refused,
        actual: Sequence[Values],
        floats: Sequence[int],
    ) -> Found:
        found = Found(max(len(expected), len(actual)) + len(refused), len(actual))
        for right, there, columns in self._mismatches(expected, actual, floats):
            if self._excused is not None and there is not None and self._excused(right, there):
                continue
            if right is None or there is None:
                kind: Kind = "extra" if right is None else "missing"
                found.differences.append(self._difference(kind, right or there or ()))
                continue
            unit, claimed = self._unit(right), self._unit(there)
            also = claimed if self.identity(unit) != self.identity(claimed) else None
            found.differences.append(self._difference("different", right, columns, also))
        for unit, reason in refused:
            text = ", ".join(f"{name}={value!r}" for name, value in zip(self.transform.unit_columns, unit, strict=True))
            found.differences.append(Difference(self.table, text, "missing", (), self.index, unit, None, reason))
        return found

    def _mismatches(
        self, expected: Sequence[Values], actual: Sequence[Values], floats: Sequence[int]
    ) -> Iterator[tuple[Values | None, Values | None, tuple[str, ...]]]:
        """(expected row, actual row, columns that differ); one of the rows may be None."""
        key = self._key
        present = {key(values): values for values in actual}
        missing: list[Values] = []
        for values in expected:
            there = present.pop(key(values), None)
            if there is None:
                missing.append(values)
            elif (there != values or floats) and (columns := self._differing(values, there, floats)):
                yield values, there, columns
        # Keys that are equal in the column need not be equal in Python: a date and the datetime of its midnight.
        left = {self._key_literals(values): values for values in present.values()}
        for values in missing:
            there = left.pop(self._key_literals(values), None)
            if there is None:
                yield values, None, ()
            elif columns := self._differing(values, there, floats):
                yield values, there, columns
        for values in left.values():
            yield None, values, ()

    def _differing(self, expected: Values, actual: Values, floats: Sequence[int]) -> tuple[str, ...]:
        names = self.transform.target_columns
        different = [
            place
            for place, (one, other) in enumerate(zip(expected, actual, strict=True))
            if one != other and not self._same(place, one, other)
        ]
        different += [
            place
            for place in floats
            if expected[place] == 0 == actual[place] and copysign(1, expected[place]) != copysign(1, actual[place])
        ]
        return tuple(names[place] for place in sorted(different))

    def _same(self, place: int, expected: Any, actual: Any) -> bool:
        """Whether the column would hold the same value, for two that are not equal in Python."""
        if isinstance(expected, dict | list) and isinstance(actual, str):
            try:
                if self._is_json[place]:
                    if _SORTED_JSON.encode(expected) == _SORTED_JSON.encode(json.loads(actual)):
                        return True
                elif _COMPACT_JSON.encode(expected) == actual:
                    return True
            except (TypeError, ValueError, RecursionError):
                pass
        return self._literal(place, expected) == self._literal(place, actual)

    def _floats(self, on: Snapshots) -> Sequence[int]:
        """Places whose zeros are compared with their sign: equal in Python, two values for MySQL, one for MariaDB."""
        return self._float_places if on.target_flavour == "mysql" else ()

    def _literal(self, place: int, value: Any) -> str:
        try:
            return self._comparers[place](value)
        except ValueError:
            return f"refused: {value!r}"

    def _key_literals(self, values: Values) -> Literals:
        return tuple([self._literal(place, values[place]) for place in self._key_places])

    def _difference(self, kind: Kind, values: Values, columns: tuple[str, ...] = (), also: Values | None = None) -> Difference:
        key = ", ".join(f"{name}={value!r}" for name, value in zip(self._key_names, self._key(values), strict=True))
        return Difference(self.table, key, kind, columns, self.index, self._unit(values), also)
