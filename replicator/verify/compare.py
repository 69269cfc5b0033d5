"""Compares units of one transform: what it makes of the source's rows with what stands in the target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import copysign
from typing import Any

from replicator.config import Config
from replicator.errors import BadRow
from replicator.mysql.connection import Connection, rows
from replicator.mysql.literals import comparable, select_expression
from replicator.mysql.sql import key_condition, quote
from replicator.transform.plan import PlannedTransform
from replicator.transform.produce import Literals, Values, getter
from replicator.transform.units import Relation, TargetRows, Units
from replicator.verify.report import Difference, Kind
from replicator.verify.snapshots import Snapshots, failing

UNITS_AT_ONCE = 500
"""Units that are named one by one in a statement."""

Identity = tuple[Any, ...]
"""A unit key, whichever side its values come from."""


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

    def __init__(self, config: Config, index: int, transform: PlannedTransform, relation: Relation) -> None:
        self.index = index
        self.transform = transform
        self.table = transform.target.name
        self._config = config
        self._units = Units(transform, relation)
        self._relation = relation
        self._target = TargetRows(transform)
        by_name = transform.target.by_name
        names = transform.target_columns
        columns = [by_name[name] for name in names]
        self._comparers = [comparable(column) for column in columns]
        self._floats = [place for place, column in enumerate(columns) if column.type in ("float", "double")]
        self._select = ", ".join(select_expression(by_name[name], quote(name)) for name in names)
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
        with failing(self._config.source):
            expected, refused = self._expected(on.source, source_condition)
        return self._compared(expected, refused, self._actual(on.target, target_condition))

    def units(self, on: Snapshots, keys: Sequence[Values]) -> Found:
        """Units with these keys, whether they are in the source, in the target, or in both."""
        found = Found()
        for start in range(0, len(keys), UNITS_AT_ONCE):
            part = keys[start : start + UNITS_AT_ONCE]
            found.add(self.between(on, self.source_condition(part), self._target_condition(part)))
        return found

    def ranged(self, on: Snapshots, source_condition: str, keys: Sequence[Values]) -> Found:
        """Units that a condition on the source names, whose keys are `keys`."""
        return self.between(on, source_condition, self._target_condition(keys))

    def unexpected(self, on: Snapshots, keys: Sequence[Values]) -> Found:
        """Of the units with these keys, read from the target: only the rows that should not be there."""
        found = self.units(on, keys)
        found.differences = [difference for difference in found.differences if difference.kind == "extra"]
        return found

    # Keys -------------------------------------------------------------------------------------------------

    def source_condition(self, keys: Iterable[Values]) -> str:
        """SQL for the source rows of units; a key that the source's columns cannot hold has none."""
        return _condition(self._units.condition, self._units.literals, keys)

    def _target_condition(self, keys: Iterable[Values]) -> str:
        return _condition(self._target.condition, self._target.literals, keys)

    def identity(self, key: Values) -> Identity:
        """Equal for the key of a unit as the source has it and as the target has it."""
        try:
            return self._target.literals(key)
        except BadRow:
            return ("refused", *map(repr, key))

    def identities(self, connection: Connection, keys: Sequence[Values]) -> set[Identity]:
        """Identities of those source units that equal one of the keys as the source compares them."""
        transform = self.transform
        columns = [transform.source.by_name[name] for name in transform.unit_columns]
        select = [select_expression(column, "t0." + quote(column.name)) for column in columns]
        select += [f"CAST(t0.{quote(column.name)} AS BINARY)" for column in columns if column.is_text]
        with failing(self._config.source):
            found = rows(
                connection,
                f"SELECT DISTINCT {', '.join(select)} FROM {self._relation(transform.source.name)} AS t0"
                f" WHERE {self.source_condition(keys)}",
            )
        return {self.identity(record[: len(columns)]) for record in found}

    # Reading ----------------------------------------------------------------------------------------------

    def _expected(self, source: Connection, condition: str) -> tuple[list[Values], list[tuple[Values, str]]]:
        """Target rows, and the units whose rows the transform refuses to make, with the reason."""
        try:
            return self._units.where(source, condition), []
        except BadRow:
            return self._one_by_one(source, self._keys(source, condition))

    def _one_by_one(self, source: Connection, keys: Sequence[Values]) -> tuple[list[Values], list[tuple[Values, str]]]:
        """As `_expected`, halving until the bad ones stand alone."""
        try:
            return self._units.where(source, self._units.condition(keys)), []
        except BadRow as error:
            if len(keys) == 1:
                return [], [(keys[0], error.reason)]
        middle = len(keys) // 2
        left, right = self._one_by_one(source, keys[:middle]), self._one_by_one(source, keys[middle:])
        return left[0] + right[0], left[1] + right[1]

    def _keys(self, source: Connection, condition: str) -> list[Values]:
        transform = self.transform
        by_name = transform.source.by_name
        select = ", ".join(select_expression(by_name[name], "t0." + quote(name)) for name in transform.unit_columns)
        return list(
            rows(source, f"SELECT DISTINCT {select} FROM {self._relation(transform.source.name)} AS t0 WHERE {condition}")
        )

    def _actual(self, target: Connection, condition: str) -> Sequence[Values]:
        with failing(self._config.target):
            return rows(target, f"SELECT {self._select} FROM {self.transform.target.sql} WHERE {condition}")

    # Comparing --------------------------------------------------------------------------------------------

    def _compared(
        self, expected: Sequence[Values], refused: Sequence[tuple[Values, str]], actual: Sequence[Values]
    ) -> Found:
        found = Found(present=len(actual))
        key = self._key
        present = {key(values): values for values in actual}
        missing: list[Values] = []
        for values in expected:
            there = present.pop(key(values), None)
            if there is None:
                missing.append(values)
            elif there != values or self._floats:
                self._note(found, values, there)
        # Keys that are equal in the column need not be equal in Python: a date and the datetime of its midnight.
        left = {self._key_literals(values): values for values in present.values()}
        for values in missing:
            there = left.pop(self._key_literals(values), None)
            if there is not None:
                self._note(found, values, there)
            else:
                found.differences.append(self._difference("missing", values))
        found.differences += [self._difference("extra", values) for values in left.values()]
        for unit, reason in refused:
            text = ", ".join(f"{name}={value!r}" for name, value in zip(self.transform.unit_columns, unit, strict=True))
            found.differences.append(Difference(self.table, text, "missing", (), self.index, unit, reason))
        found.rows = len(expected) + len(refused) + len(left)
        return found

    def _note(self, found: Found, expected: Values, actual: Values) -> None:
        columns = self._differing(expected, actual)
        if columns:
            found.differences.append(self._difference("different", expected, columns))
            if self.identity(self._unit(expected)) != self.identity(self._unit(actual)):
                found.differences.append(self._difference("extra", actual))

    def _differing(self, expected: Values, actual: Values) -> tuple[str, ...]:
        names = self.transform.target_columns
        different = [
            place
            for place, (one, other) in enumerate(zip(expected, actual, strict=True))
            if one != other and self._literal(place, one) != self._literal(place, other)
        ]
        # 0.0 equals -0.0 in Python, in the column they are two values.
        different += [
            place
            for place in self._floats
            if expected[place] == 0 == actual[place] and copysign(1, expected[place]) != copysign(1, actual[place])
        ]
        return tuple(names[place] for place in sorted(different))

    def _literal(self, place: int, value: Any) -> str:
        try:
            return self._comparers[place](value)
        except ValueError:
            return f"refused: {value!r}"

    def _key_literals(self, values: Values) -> Literals:
        return tuple([self._literal(place, values[place]) for place in self._key_places])

    def _difference(self, kind: Kind, values: Values, columns: tuple[str, ...] = ()) -> Difference:
        key = ", ".join(f"{name}={value!r}" for name, value in zip(self._key_names, self._key(values), strict=True))
        return Difference(self.table, key, kind, columns, self.index, self._unit(values))


def _condition(whole: Any, literals: Any, keys: Iterable[Values]) -> str:
    """`whole(keys)`, without those that `literals` refuses."""
    keys = list(keys)
    try:
        return str(whole(keys))
    except (BadRow, ValueError):
        pass
    held = []
    for key in keys:
        try:
            literals(key)
        except (BadRow, ValueError):
            continue
        held.append(key)
    return str(whole(held)) if held else key_condition((), ())
