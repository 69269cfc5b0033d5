"""The law of the way back, tried on rows: an inverse that writes what it says over the source must not change what the
transform makes of it.

Nothing is written. The pieces that an inverse says of the transform's own output are held against the source row by row.
Where a column would come back as something else, the transform is run on the changed row; unless it is one of a group, or a
column changes by which related rows are found: that is for the verification after the switch to see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from replicator.errors import BadRow
from replicator.mysql.catalog import Column, Table
from replicator.mysql.connection import Connection
from replicator.mysql.literals import encoder, exact_expression
from replicator.mysql.reading import read_rows
from replicator.mysql.sql import key_condition, quote
from replicator.reverse.edits import Inversion, Said, as_selected, selected
from replicator.reverse.plan import PlannedInverse
from replicator.transform.plan import PlannedTransform
from replicator.transform.produce import Literals, RowEncoder, Values, producer
from replicator.transform.units import Relation, Units, batches

_UNITS_AT_ONCE = 20


@dataclass(slots=True)
class Trial:
    """What came of it."""

    rows: int = 0
    """Target rows that were brought back."""
    otherwise: Counter[str] = field(default_factory=Counter)
    """`table.column` of the source → rows in which it would come back as something else that means the same."""
    broken: list[str] = field(default_factory=list)
    """Rows that the transform would make something else of: what differs, for an operator."""
    named: dict[str, set[str]] = field(default_factory=dict)
    """Source table → columns that are named of each of its rows."""


def try_out(
    connection: Connection,
    transform: PlannedTransform,
    inverse: PlannedInverse,
    old: Mapping[str, Table],
    keys: Sequence[Values],
    fit: Callable[[Sequence[Values]], None],
) -> Trial:
    """Make target rows of the units with these keys and bring them back. Raises BadRow where an inverse cannot do that.

    `fit` raises BadRow for target rows that the target refuses. A unit of which the transform makes no rows that fit is
    passed over: no inverse will ever see it.
    """
    relation: Relation = lambda table: old[table].sql  # noqa: E731
    units = Units(transform, relation)
    inversion, select = Inversion(inverse, inverse.transform.columns, old), selected(transform, inverse.transform.columns)
    trial = Trial()
    for part in batches(keys, _UNITS_AT_ONCE):
        for values in _made(connection, units, part, fit):
            trial.rows += 1
            raw = select(values)
            said = inversion.said(raw)
            for (table, _), literals in said.rows.items():
                trial.named[table] = trial.named.get(table, set(literals)) & literals.keys()
            for table, elements in said.elements.items():
                for names, _ in elements:
                    trial.named[table] = trial.named.get(table, set(names)) & set(names)
            _compare(connection, units, inversion, old, raw, said, values, trial)
    return trial


def _made(
    connection: Connection, units: Units, keys: Sequence[Values], fit: Callable[[Sequence[Values]], None]
) -> list[Values]:
    """Target rows of those units that can be made."""
    try:
        made = list(units.of_keys(connection, keys))
        fit(made)
    except BadRow:
        middle = len(keys) // 2
        parts = (keys[:middle], keys[middle:]) if middle else ()
        return [values for part in parts for values in _made(connection, units, part, fit)]
    return made


def _compare(
    connection: Connection,
    units: Units,
    inversion: Inversion,
    old: Mapping[str, Table],
    raw: Values,
    said: Said,
    values: Values,
    trial: Trial,
) -> None:
    transform = units.transform
    joined = {column for item in transform.related for join in item.path for _, owner, column in join.on if owner == ""}
    key = ", ".join(
        f"{name}={raw[place]!r}"
        for place, name in enumerate(inversion.inverse.transform.columns)
        if name in inversion.inverse.transform.source.row_key
    )
    for (name, literals), named in said.rows.items():
        table = old[name]
        stands = _standing(connection, table, list(named), table.row_key, literals)
        if stands is None:
            trial.broken.append(f"{inversion.inverse.name}, {key}: comes back as a row of {name} that it is not made of")
            continue
        different = [column for column, literal in named.items() if stands[column] != literal]
        for column in different:
            trial.otherwise[f"{name}.{column}"] += 1
        if different and name == transform.source.name and not transform.grouped and joined.isdisjoint(different):
            trial.broken += _again(connection, units, inversion, raw, literals, values, key)
    for name, elements in said.elements.items():
        for names, literals in elements:
            if _standing(connection, old[name], names, names, literals) is None:
                trial.broken.append(f"{inversion.inverse.name}, {key}: comes back with a row of {name} that it is not made of")


def _standing(
    connection: Connection, table: Table, columns: Sequence[str], by: Sequence[str], literals: Sequence[str]
) -> dict[str, str] | None:
    """The columns of the row whose columns `by` have these values, as literals."""
    read = [table.by_name[name] for name in columns]
    select = ", ".join(exact_expression(column, quote(column.name)) for column in read)
    condition = key_condition([quote(name) for name in by], [literals])
    found = list(read_rows(connection, f"SELECT {select} FROM {table.sql} WHERE {condition} LIMIT 1", read, exact={}))
    if not found:
        return None
    return {name: _literal(table.by_name[name], value) for name, value in zip(columns, found[0], strict=True)}


def _literal(column: Column, value: Any) -> str:
    """Of a value that stands in the source; "", which no literal is, for one that cannot be written."""
    try:
        return encoder(column)(value)
    except ValueError:
        return ""


def _again(
    connection: Connection,
    units: Units,
    inversion: Inversion,
    raw: Values,
    key: Sequence[str],
    values: Values,
    text: str,
) -> Iterator[str]:
    """Run the transform on the source row as it would come back."""
    transform, table = units.transform, units.transform.source
    read = [table.by_name[name] for name in transform.columns]
    select = ", ".join(exact_expression(column, "t0." + quote(column.name)) for column in read)
    condition = key_condition(["t0." + quote(name) for name in table.row_key], [key])
    (stands,) = read_rows(connection, f"SELECT {select} FROM {table.sql} AS t0 WHERE {condition}", read, exact={})
    related = [[row for _, row in units.related_rows(connection, item, condition)] for item in transform.related]
    arguments = [
        found if item.many else next(iter(found), None) for item, found in zip(transform.related, related, strict=True)
    ]
    target = RowEncoder(transform.target, transform.target_columns)
    try:
        named = next((values for name, values in inversion.pairs(raw) if name == table.name), {})
        source = tuple(
            [
                as_selected(table.by_name[name], named[name]) if name in named else value
                for name, value in zip(transform.columns, stands, strict=True)
            ]
        )
        again = [_compared(target, row) for row in producer(transform, transform.columns)(source, *arguments)]
    except BadRow as error:
        reason = f"{error.reason}, for {error.table}.{error.column}" if error.column else error.reason
        yield f"{inversion.inverse.name}, {text}: brought back, the transform refuses it: {reason}"
        return
    except ValueError as error:  # an inverse that says something else when it is asked again
        yield f"{inversion.inverse.name}, {text}: cannot be brought back: {error}"
        return
    before = target.compare(values)
    if again != [before]:
        names = transform.target_columns if len(again) == 1 else ()
        pairs = zip(names, before, *again, strict=True) if names else ()
        different = [name for name, one, other in pairs if one != other] or ["number of rows"]
        yield f"{inversion.inverse.name}, {text}: brought back, the transform makes another {', '.join(different)} of it"


def _compared(target: RowEncoder, values: Values) -> Literals:
    """To compare by; raises BadRow for what the target's columns refuse."""
    target.encode(values)
    return target.compare(values)
