"""What inverses say, made comparable: pieces of old rows before and after a change, and the difference between the two.

Only the difference is written. So a column of which the new table knows less than the old one — a role that became `staff`,
the service behind an appointment that shows none — keeps its old value until somebody changes what the new table shows.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from replicator.errors import BadRow
from replicator.mysql.catalog import Column, Table
from replicator.mysql.encoding import HALF_A_CHARACTER, half_character
from replicator.mysql.literals import compact_json, encoder
from replicator.reverse.plan import PlannedInverse, ReversePlan
from replicator.transform.plan import PlannedTransform
from replicator.transform.produce import Literals, Values
from replicator.transform.row import row_class

Element = tuple[tuple[str, ...], Literals]
"""Column names and their literals: something that stands in an old table as long as a new row says so."""
Pairs = list[tuple[str, dict[str, Any]]]


@dataclass(slots=True)
class Said:
    """What an inverse says of one new row, in literals of the old columns."""

    rows: dict[tuple[str, Literals], dict[str, str]] = field(default_factory=dict)
    """(old table, its primary key) → column → literal."""
    elements: dict[str, set[Element]] = field(default_factory=dict)
    """Old table → elements."""


@dataclass(slots=True)
class Edits:
    """What a batch changes in one old table."""

    changed: dict[Literals, dict[str, str]] = field(default_factory=dict)
    """Primary key → columns that are said to be something else than before."""
    wanted: dict[Literals, dict[str, str]] = field(default_factory=dict)
    """Primary key → all columns that are named, for a row that does not stand there."""
    removed: set[Literals] = field(default_factory=set)
    cleared: dict[Literals, set[str]] = field(default_factory=dict)
    """Primary key → columns that lost the new row that filled them, where the row itself is another's."""
    added: set[Element] = field(default_factory=set)
    taken: set[Element] = field(default_factory=set)


class Inversion:
    """One inverse, ready to be asked: raw rows of the new table in the order of `columns`."""

    def __init__(self, inverse: PlannedInverse, columns: Sequence[str], old: Mapping[str, Table]) -> None:
        self.inverse = inverse
        self._old = old
        self._own = row_class(inverse.name, columns)
        related = inverse.transform.related
        self._related = [(item.name, row_class(item.table.name, item.columns), item.many) for item in related]
        self._key = [list(columns).index(name) for name in inverse.transform.source.row_key]
        self._encoders: dict[str, dict[str, Callable[[Any], str]]] = {}

    def pairs(self, raw: Values, *others: Any) -> Pairs:
        """(old table, column → value) as the function says them. Raises BadRow."""
        arguments = {
            name: [kind(row) for row in found] if many else (None if found is None else kind(found))
            for (name, kind, many), found in zip(self._related, others, strict=True)
        }
        try:
            result = self.inverse.function(self._own(raw), **arguments)
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            raise self._bad(raw, f"the inverse raised {type(error).__name__} at {frame.filename}:{frame.lineno}") from None
        if result is None:
            return []
        if isinstance(result, dict):
            if self.inverse.table is None:
                raise self._bad(raw, "several source tables feed this one: the inverse has to return (table, dict) pairs")
            return [(self.inverse.table, result)]
        if not isinstance(result, list):
            raise self._bad(raw, f"the inverse returned a {type(result).__name__}: return a dict, a list of pairs or None")
        found: Pairs = []
        for pair in result:
            match pair:
                case (str(), dict()):
                    found.append(pair)
                case _:
                    raise self._bad(raw, "the inverse returned a list of something else than (table, dict) pairs")
        return found

    def said(self, raw: Values | None, *others: Any) -> Said:
        """The same in literals; of no row nothing is said. Raises BadRow for what the old table cannot hold."""
        said = Said()
        for name, values in self.pairs(raw, *others) if raw is not None else ():
            table = self._old.get(name)
            if table is None:
                raise self._bad(raw or (), f'the inverse names the source table "{name}", which does not exist')
            if not table.row_key:
                raise self._bad(raw or (), f'the inverse names the source table "{name}", whose rows no key tells apart')
            if not values:
                raise self._bad(raw or (), f"the inverse returned an empty dict for {name}: return None where nothing is said")
            literals = self._literals(raw or (), table, values)
            if set(table.row_key) <= literals.keys():
                key = tuple([literals[column] for column in table.row_key])
                if said.rows.setdefault((name, key), literals) is not literals:
                    raise self._bad(raw or (), f"the inverse names one row of {name} twice")
            else:
                said.elements.setdefault(name, set()).add((tuple(literals), tuple(literals.values())))
        return said

    def _literals(self, raw: Values, table: Table, values: Mapping[Any, Any]) -> dict[str, str]:
        encoders = self._encoders.get(table.name)
        if encoders is None:
            encoders = {column.name: encoder(column) for column in table.columns if not column.generated}
            self._encoders[table.name] = encoders
        for column in values:
            if column not in encoders:
                named = column if isinstance(column, str) else type(column).__name__
                raise self._bad(raw, f'the inverse names "{table.name}.{named}", which the source does not have or generates')
        literals: dict[str, str] = {}
        for column in sorted(values):
            try:
                literals[column] = encoders[column](values[column])
            except ValueError as error:
                raise self._bad(raw, f"{error}, for {table.name}.{column} of the source") from None
        if (place := half_character(tuple(literals.values()))) is not None:
            raise self._bad(raw, f"{HALF_A_CHARACTER}, for {table.name}.{tuple(literals)[place]} of the source")
        return literals

    def _bad(self, raw: Values, reason: str) -> BadRow:
        names = self.inverse.transform.source.row_key
        key = ", ".join(f"{name}={raw[place]!r}" for name, place in zip(names, self._key, strict=True)) if raw else "?"
        return BadRow(self.inverse.name, key, reason)


def gather(edits: dict[str, Edits], before: Said, after: Said, part_of: Iterable[str]) -> None:
    """Add the difference between what was said of a new row before a batch and after it."""
    shared = frozenset(part_of)
    for (table, key), literals in after.rows.items():
        known = before.rows.get((table, key))
        entry = edits.setdefault(table, Edits())
        if known is None:
            changed = literals
        else:
            changed = {column: literal for column, literal in literals.items() if known.get(column) != literal}
        if changed:
            entry.changed.setdefault(key, {}).update(changed)
            entry.wanted.setdefault(key, {}).update(literals)
    for (table, key), literals in before.rows.items():
        if (table, key) not in after.rows:
            entry = edits.setdefault(table, Edits())
            if table in shared:
                entry.cleared.setdefault(key, set()).update(literals)
            else:
                entry.removed.add(key)
    for table in before.elements.keys() | after.elements.keys():
        was, becomes = before.elements.get(table, set()), after.elements.get(table, set())
        if was != becomes:
            entry = edits.setdefault(table, Edits())
            entry.taken |= was - becomes
            entry.added |= becomes - was


def as_selected(column: Column, value: Any) -> Any:
    """A value that a transform returned, as a SELECT of the target column would give it."""
    if isinstance(value, dict | list):
        return compact_json(value)
    if isinstance(value, bool):
        value = int(value)
    if column.type == "decimal" and isinstance(value, int):
        return Decimal(value)
    return value


def selected(transform: PlannedTransform, columns: Sequence[str]) -> Callable[[Values], Values]:
    """Makes of a row of the transform those columns of the target, as a SELECT would give them."""
    names, by_name = transform.target_columns, transform.target.by_name
    chosen = [(names.index(name) if name in names else None, by_name[name]) for name in columns]
    return lambda row: tuple([None if place is None else as_selected(column, row[place]) for place, column in chosen])


Alike = Callable[[Values | None, Values], bool]
"""Takes a row as a transform makes it (None: it makes none) and one that stands in the new table."""


def seen_from_behind(reverse: ReversePlan) -> dict[int, Alike]:
    """Transform (index in the forward plan) → whether two target rows are the same to the inverse.

    What the application writes into a new table may be more than comes back: a column that the old table does not have,
    half a second where it counts whole ones. Then the transform makes another row of the old tables than the one that stands
    there; but as long as the inverse says the same of both, the old tables hold all that can be said.
    """
    return {
        index: _alike(transform, inverse, reverse)
        for inverse in reverse.inverses
        for index, transform in inverse.feeding
    }


def _alike(transform: PlannedTransform, inverse: PlannedInverse, reverse: ReversePlan) -> Alike:
    names, by_name = transform.target_columns, transform.target.by_name
    if inverse.transform.related:  # it would have to be asked with the rows of that moment
        places = [place for place, name in enumerate(names) if name in inverse.reads or name in transform.target.primary_key]

        def same_columns(right: Values | None, there: Values) -> bool:
            return right is not None and all(
                right[place] == there[place] or as_selected(by_name[names[place]], right[place]) == there[place]
                for place in places
            )

        return same_columns
    columns = inverse.transform.columns
    inversion, select = Inversion(inverse, columns, reverse.old), selected(transform, columns)

    def said(row: Values) -> Said:
        return inversion.said(select(row))

    def same_to_the_inverse(right: Values | None, there: Values) -> bool:
        try:
            return said(there) == (Said() if right is None else said(right))
        except BadRow:
            return False

    return same_to_the_inverse
