"""Applies the stream back: what inverses say of changed rows, before and after a batch, becomes edits of old tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import pymysql

from replicator.apply.applier import Applier
from replicator.apply.changes import Changes
from replicator.mysql.connection import Connection, close, connect, execute
from replicator.reverse.edits import Edits, Inversion, Said, gather, selected
from replicator.reverse.follow import Followers
from replicator.reverse.plan import PlannedInverse, ReversePlan
from replicator.reverse.rows import OldTable
from replicator.reverse.stage import rows_made
from replicator.staging import staging_relation
from replicator.transform.produce import Values, getter
from replicator.transform.units import Relation, Units


class ReverseApplier(Applier):
    """See the module. `reverse` has to be that of the plan."""

    def __init__(self, *arguments: Any, reverse: ReversePlan, **more: Any) -> None:
        self._reverse = reverse
        self._before: Connection | None = None
        """Sees staging as it was before the batch: nothing of ours is committed yet."""
        super().__init__(*arguments, **more)

    def _compile(self, relation: Relation, *, alias: bool) -> None:
        reverse, state = self._reverse, self._state
        self._direct = {}
        self._inversions: dict[int, _Inversion] = {}
        self._related: dict[int, _Related] = {}
        for index, inverse in enumerate(reverse.inverses):
            columns = reverse.stream.sources[inverse.name].columns
            if inverse.transform.staged:
                self._related[index] = _Related(inverse, reverse, relation)
            else:
                self._inversions[index] = _Inversion(inverse, columns, reverse)
        forward = staging_relation(state.database, state.migration)
        followers = Followers(reverse, forward)
        self._old: dict[str, OldTable] = {}
        for name, table in reverse.old.items():
            source = reverse.forward.sources.get(name)
            if table.row_key:
                self._old[name] = OldTable(
                    table,
                    self._endpoint,
                    alias=alias,
                    staged=None if source is None else source.staged,
                    staging=forward(name),
                    follow=followers.of(name),
                )

    def close(self) -> None:
        """End the session that looks at staging."""
        if self._before is not None:
            close(self._before)
            self._before = None

    def empty(self, tables: Sequence[str]) -> None:
        """See Applier. The binlog does not tell which rows there were: they are those that the transforms make of the old
        tables, which still are what they were before it."""
        try:
            execute(self._connection, "BEGIN")
            self._inside = True
            for index, inversion in self._inversions.items():
                name = self._reverse.inverses[index].name
                if name in tables and name not in self._staging:
                    self._empty(inversion)
        except pymysql.MySQLError as error:
            raise self._endpoint.failure(error, "emptying") from None
        super().empty(tables)

    def _empty(self, inversion: _Inversion) -> None:
        inverse = inversion.inverse
        for _, transform in inverse.feeding:
            select = selected(transform, inversion.columns)
            for rows in rows_made(self._earlier(), self._reverse, transform):
                edits: dict[str, Edits] = {}
                for values in rows:
                    gather(edits, inversion.said(select(values)), Said(), inversion.part_of)
                for name, edited in edits.items():
                    self._old[name].write(self._connection, edited)

    def _write_rows(self, changes: Changes, *, whole: bool, last: bool) -> None:  # noqa: ARG002 (old rows change in place)
        started = monotonic()
        edits: dict[str, Edits] = {}
        for index, pending in changes.direct.items():
            inversion = self._inversions[index]
            for entry in pending.values():
                gather(edits, inversion.said(entry.before), inversion.said(entry.image), inversion.part_of)
                for unit, key in (*inversion.units(entry.before), *inversion.units(entry.image)):
                    self._touched.units.setdefault(unit, set()).add(key)
        if last:
            self._of_related(changes, edits)
        for name, edited in edits.items():
            counts = self._old[name].write(self._connection, edited)
            known = self._written.get(name, (0, 0, 0))
            self._written[name] = (known[0] + counts[0], known[1] + counts[1], known[2] + counts[2])
        self._took("rows", monotonic() - started)

    def _of_related(self, changes: Changes, edits: dict[str, Edits]) -> None:
        for index, related in self._related.items():
            keys = set(changes.units.get(index, ()))
            for number, item in enumerate(related.units.transform.related):
                images = changes.related.get((index, number))
                if images:
                    keys.update(related.units.reached(self._connection, item, images))
            if not keys:
                continue
            before, after = related.said(self._earlier(), keys), related.said(self._connection, keys)
            for key in before.keys() | after.keys():
                was, becomes = before.get(key, _NOTHING), after.get(key, _NOTHING)
                gather(edits, was[0], becomes[0], related.part_of)
                for unit, touched in (*was[1], *becomes[1]):
                    self._touched.units.setdefault(unit, set()).add(touched)

    def _earlier(self) -> Connection:
        if self._before is None:
            self._before = connect(self._endpoint, write=True)
            execute(self._before, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        return self._before


TouchedUnit = tuple[int, Values]
"""Index in the forward plan, and the key of a unit."""
_NOTHING: tuple[Said, Sequence[TouchedUnit]] = (Said(), ())


class _Inversion(Inversion):
    """An inverse that sees its own row only."""

    def __init__(self, inverse: PlannedInverse, columns: Sequence[str], reverse: ReversePlan) -> None:
        super().__init__(inverse, columns, reverse.old)
        self.columns = columns
        self.part_of = inverse.part_of
        self._units = _unit_keys(inverse, columns)

    def units(self, raw: Values | None) -> Sequence[TouchedUnit]:
        """The units of the forward plan that the row belongs to."""
        return () if raw is None else self._units(raw)


class _Related:
    """An inverse that sees other rows of the new tables too: it is asked on staging."""

    def __init__(self, inverse: PlannedInverse, reverse: ReversePlan, relation: Relation) -> None:
        columns = inverse.transform.columns
        inversion = Inversion(inverse, columns, reverse.old)
        key = getter([columns.index(name) for name in inverse.transform.unit_columns])
        units = _unit_keys(inverse, columns)

        def produce(raw: Values, *others: Any) -> list[Values]:
            return [(key(raw), inversion.said(raw, *others), units(raw))]

        self.part_of = inverse.part_of
        self.units = Units(inverse.transform, relation, produce)

    def said(self, connection: Connection, keys: set[Values]) -> dict[Values, tuple[Said, Sequence[TouchedUnit]]]:
        """What it says of these rows as the session sees them; rows that are not there are left out."""
        return {key: (said, units) for key, said, units in self.units.of_keys(connection, keys)}


def _unit_keys(inverse: PlannedInverse, columns: Sequence[str]) -> Callable[[Values], Sequence[TouchedUnit]]:
    places = {name: place for place, name in enumerate(columns)}
    found = [
        (
            index,
            getter([places[name] for name in transform.key_columns]),
            [(places[name], value) for name, value in transform.constants],
        )
        for index, transform in inverse.feeding
    ]

    def units(raw: Values) -> Sequence[TouchedUnit]:
        return [(index, key(raw)) for index, key, constants in found if all(raw[place] == value for place, value in constants)]

    return units
