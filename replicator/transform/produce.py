"""Runs a transform: source rows in, target rows out, each checked to be a whole row of its unit.

A produced row is a tuple of Python values in the order of `PlannedTransform.target_columns`; `RowEncoder` makes literals of it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from replicator.errors import BadRow
from replicator.mysql.catalog import Column, Table
from replicator.mysql.encoding import row_encoder
from replicator.mysql.literals import comparable, encoder
from replicator.transform.plan import PlannedTransform
from replicator.transform.row import row_class

Values = tuple[Any, ...]
Literals = tuple[str, ...]
Producer = Callable[..., list[Values]]
"""Takes the raw source row (grouped: the list of them) and the raw related rows in declaration order."""


def getter(indexes: Sequence[int]) -> Callable[[Sequence[Any]], Values]:
    """`itemgetter` that always gives a tuple."""
    if len(indexes) == 1:
        only = indexes[0]
        return lambda row: (row[only],)
    if not indexes:
        return lambda row: ()
    return itemgetter(*indexes)


def producer(transform: PlannedTransform, columns: Sequence[str]) -> Producer:
    """Compile the transform for raw rows whose values stand in the order of `columns`.

    The producer raises BadRow for an exception in the function and for a result that is not rows of the target table.
    """
    place = {name: index for index, name in enumerate(columns)}
    if transform.copied is not None:
        pick = getter([place[name] for name in transform.copied])
        return lambda raw: [pick(raw)]
    function = transform.declaration.function
    assert function is not None
    own = row_class(transform.source.name, columns)
    related = [(row_class(item.table.name, item.columns), item.many) for item in transform.related]
    names = [item.name for item in transform.related]
    pick_columns = _dict_getter(transform.target_columns)
    width = len(transform.target_columns)
    check = _unit_check(transform, place)
    target = transform.target.name

    key_names = ", ".join((*transform.key_columns, *(name for name, _ in transform.constants)))

    def fail(raw: Any, reason: str, column: str | None = None) -> BadRow:
        first = raw[0] if transform.grouped else raw
        return BadRow(target, _key_text(transform.unit_columns, place, first), reason, column)

    def rows_of(result: Any, raw: Any) -> list[Values]:
        if result is None:
            return []
        produced = []
        for row in result if isinstance(result, list) else (result,):
            try:
                values, found = pick_columns(row), len(row)
            except Exception:  # of an object of any type
                raise _not_a_row(transform, row, lambda why, column: fail(raw, why, column)) from None
            if found != width:
                raise _not_a_row(transform, row, lambda why, column: fail(raw, why, column))
            try:
                belongs = check(values, raw)
            except Exception as error:  # a signalling NaN, or an object of any type
                reason = f"the transform returned a key ({key_names}) that raised"
                raise fail(raw, f"{reason} {type(error).__name__} when it was compared with that of its source row") from None
            if not belongs:
                raise fail(raw, f"the transform returned a row whose key ({key_names}) is not that of its source row:"
                                " return that one, or declare which rows belong to it with key={...}")  # fmt: skip
            produced.append(values)
        return produced

    def call(raw: Any, arguments: dict[str, Any], row: Any) -> list[Values]:
        try:
            result = function(row, **arguments)
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            raise fail(raw, f"the transform raised {type(error).__name__} at {frame.filename}:{frame.lineno}") from None
        return rows_of(result, raw)

    if transform.grouped or related:

        def produce(raw: Any, *others: Any) -> list[Values]:
            arguments = {
                name: [kind(row) for row in found] if many else (None if found is None else kind(found))
                for name, (kind, many), found in zip(names, related, others, strict=True)
            }
            return call(raw, arguments, [own(row) for row in raw] if transform.grouped else own(raw))

        return produce
    return lambda raw: call(raw, {}, own(raw))


def _dict_getter(names: Sequence[str]) -> Callable[[Any], Values]:
    if len(names) == 1:
        only = names[0]
        return lambda row: (row[only],)
    return itemgetter(*names)


def _not_a_row(transform: PlannedTransform, row: Any, fail: Callable[[str, str | None], BadRow]) -> BadRow:
    if not isinstance(row, dict):
        return fail(f"the transform returned a {type(row).__name__}: return a dict, a list of dicts or None", None)
    missing = [name for name in transform.target_columns if name not in row]
    if missing:
        return fail("the transform returned no value for this column: return None for NULL", missing[0])
    extra = next((name for name in row if name not in transform.target_columns), None)
    return fail("the transform returned a column that the target table does not have or generates itself", str(extra))


def _unit_check(transform: PlannedTransform, place: dict[str, int]) -> Callable[[Values, Any], bool]:
    """Whether a produced row carries the key of its unit."""
    target = {name: index for index, name in enumerate(transform.target_columns)}
    pairs = [
        (target[name], place[origin], comparable(transform.target.by_name[name]))
        for name, origin in zip(transform.key_columns, transform.unit_columns, strict=True)
    ]
    constants = [(target[name], value) for name, value in transform.constants]
    grouped = transform.grouped

    def same(value: Any, origin: Any, literal: Callable[[Any], str]) -> bool:
        try:
            return bool(value == origin) or literal(value) == literal(origin)
        except ValueError:
            return False

    def check(values: Values, raw: Any) -> bool:
        for index, value in constants:
            if values[index] != value:
                return False
        for index, origin, literal in pairs:
            value = values[index]
            if grouped:
                if not any(same(value, row[origin], literal) for row in raw):
                    return False
            elif value != raw[origin] and not same(value, raw[origin], literal):
                return False
        return True

    return check


def _key_text(columns: Sequence[str], place: dict[str, int], raw: Sequence[Any]) -> str:
    return ", ".join(f"{name}={raw[place[name]]!r}" for name in columns)


class RowEncoder:
    """Literals of produced rows of one table, for writing and for comparing."""

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        self.table = table
        self.names = tuple(names)
        columns: list[Column] = [table.by_name[name] for name in names]
        self._encode = row_encoder(columns)
        self._encoders = [encoder(column) for column in columns]
        self._comparers = [comparable(column) for column in columns]
        self.plain = not any(column.type == "json" for column in columns)
        """Whether the literals that are written are also those that are compared."""
        self.key_of: Callable[[Sequence[str]], Literals] = getter([self.names.index(name) for name in table.primary_key])

    def encode(self, values: Values) -> Literals:
        """Literals to write; raises BadRow naming the column whose value does not fit."""
        try:
            return self._encode(values)
        except Exception:  # of an object of any type
            raise self._bad_row(values, self._encoders) from None

    def compare(self, values: Values) -> Literals:
        """Literals that are equal exactly when the column would hold the same value; raises BadRow as `encode` does."""
        try:
            return tuple([encode(value) for encode, value in zip(self._comparers, values, strict=True)])
        except ValueError:
            raise self._bad_row(values, self._comparers) from None

    def bad_row(self, values: Values, place: int, reason: str) -> BadRow:
        """Says what is wrong with one of a row's values."""
        key = ", ".join(f"{name}={_shown(values[self.names.index(name)])}" for name in self.table.primary_key)
        return BadRow(self.table.name, key, reason, self.names[place])

    def _bad_row(self, values: Values, encoders: Sequence[Callable[[Any], str]]) -> BadRow:
        for place, (encode, value) in enumerate(zip(encoders, values, strict=True)):
            try:
                encode(value)
            except ValueError as error:
                return self.bad_row(values, place, str(error))
        raise AssertionError("a row that fails to encode has a column that does")


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # an int of too many digits, or an object of any type
        return f"a {type(value).__name__}"
