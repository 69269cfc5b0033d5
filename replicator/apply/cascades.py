"""Changes that foreign keys make to children without a word in the binlog.

MariaDB, and MySQL before 9.6, log the parent's change only. What the server did to the children follows from the children
as they stood then: those in staging, overlaid with what the batch has changed so far. Where a server logs the children too,
nothing is left to derive, so doing it twice changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from replicator.apply.changes import Pending
from replicator.binlog.events import RowsEvent
from replicator.mysql.catalog import CASCADING, ForeignKey
from replicator.mysql.connection import Connection
from replicator.mysql.literals import encoder, exact_expression
from replicator.mysql.reading import read_rows
from replicator.mysql.sql import key_condition, quote
from replicator.transform.plan import MigrationPlan, SourceTable
from replicator.transform.produce import Values, getter
from replicator.transform.units import Relation

Stage = Callable[[Connection, str, dict[Values, Pending]], None]
"""Writes images of a source table's rows to staging."""


class Cascades:
    """Derives children's changes, in event order, recursively."""

    def __init__(self, plan: MigrationPlan, relation: Relation, stage: Stage) -> None:
        self._plan = plan
        self._by_parent: dict[str, list[_Action]] = defaultdict(list)
        self._children: dict[str, _Child] = {}
        for key in plan.cascades:
            if key.parent_schema != plan.source_schema or key.schema != plan.source_schema:
                continue
            child = self._children.setdefault(key.table, _Child(plan.sources[key.table], relation, stage))
            child.indexed(key.columns)
            self._by_parent[key.parent].append(_Action(key, plan.sources[key.parent], child))

    def derive(self, connection: Connection, events: Sequence[RowsEvent]) -> Sequence[RowsEvent]:
        """The events with the derived ones among them, each right behind its cause."""
        if not any(event.kind != "insert" and event.table in self._by_parent for event in events):
            return events
        for child in self._children.values():
            child.clear()
        result: list[RowsEvent] = []
        for event in events:
            if event.kind == "insert" or event.table not in self._by_parent or not event.foreign_keys:
                self._note(event)
                result.append(event)
                continue
            for pair in event.rows:
                single = RowsEvent(event.schema, event.table, event.kind, [pair], event.foreign_keys, event.settled)
                result += self._with_consequences(connection, single)
        return result

    def _with_consequences(self, connection: Connection, event: RowsEvent) -> Iterator[RowsEvent]:
        self._note(event)
        yield event
        for action in self._by_parent.get(event.table, ()):
            if action.key.table in event.settled:
                continue
            for derived in action.consequences(connection, event):
                yield from self._with_consequences(connection, derived)

    def _note(self, event: RowsEvent) -> None:
        child = self._children.get(event.table)
        if child is not None:
            for before, after in event.rows:
                child.note(before, after)


class _Child:
    """A child table as it stands at this point of the batch."""

    def __init__(self, source: SourceTable, relation: Relation, stage: Stage) -> None:
        assert source.staged is not None
        self.source = source
        self._stage = stage
        place = {name: index for index, name in enumerate(source.columns)}
        before = {name: index for index, name in enumerate(source.before)}
        self.to_before = getter([place[name] for name in source.before])
        self._key_after = getter([place[name] for name in source.table.row_key])
        self._key_before = getter([before[name] for name in source.table.row_key])
        self._staged = getter([place[name] for name in source.staged.columns])
        self._place = place
        by_name = source.table.by_name
        self._columns = [by_name[name] for name in source.columns]
        columns = ", ".join(exact_expression(column, quote(column.name)) for column in self._columns)
        self._select = f"SELECT {columns} FROM {relation(source.table.name)} WHERE "
        self._overlay: dict[Values, Values | None] = {}
        self._index: dict[tuple[str, ...], tuple[Callable[[Sequence[Any]], Values], dict[Values, set[Values]]]] = {}

    def indexed(self, columns: tuple[str, ...]) -> None:
        """Children will be looked up by these columns."""
        self._index.setdefault(columns, (getter([self._place[name] for name in columns]), defaultdict(set)))

    def clear(self) -> None:
        self._overlay.clear()
        for _, index in self._index.values():
            index.clear()

    def note(self, before: Values | None, after: Values | None) -> None:
        if before is not None:
            self._overlay[self._key_before(before)] = None
        if after is not None:
            key = self._key_after(after)
            self._overlay[key] = after
            for value_of, index in self._index.values():
                index[value_of(after)].add(key)

    def of_parent(self, connection: Connection, columns: tuple[str, ...], value: Values) -> list[Values]:
        """Whole child rows that refer to the parent now."""
        if any(self.source.table.by_name[name].is_text for name in columns):
            self._write_overlay(connection)  # only the server knows which texts are equal
        names = [quote(name) for name in columns]
        literals = [encoder(self.source.table.by_name[name])(part) for name, part in zip(columns, value, strict=True)]
        statement = self._select + key_condition(names, [literals])
        standing = list(read_rows(connection, statement, self._columns, exact={}))
        found = [row for row in standing if self._key_after(row) not in self._overlay]
        value_of, index = self._index[columns]
        for key in sorted(index.get(value, ()), key=repr):
            row = self._overlay.get(key)
            if row is not None and value_of(row) == value:
                found.append(row)
        return found

    def _write_overlay(self, connection: Connection) -> None:
        """Bring staging to this point of the batch: its end comes later and is written the same way."""
        if self._overlay:
            self._stage(
                connection,
                self.source.table.name,
                {key: Pending(True, None if row is None else self._staged(row)) for key, row in self._overlay.items()},
            )
        self.clear()


class _Action:
    """What one foreign key does when its parent changes."""

    def __init__(self, key: ForeignKey, parent: SourceTable, child: _Child) -> None:
        self.key = key
        self.child = child
        self._before = getter([parent.before.index(name) for name in key.parent_columns])
        self._after = getter([parent.columns.index(name) for name in key.parent_columns])
        self._places = [child.source.columns.index(name) for name in key.columns]

    def consequences(self, connection: Connection, event: RowsEvent) -> Iterator[RowsEvent]:
        ((before, after),) = event.rows
        assert before is not None
        old = self._before(before)
        new = self._after(after) if after is not None else None
        rule = self.key.on_delete if after is None else self.key.on_update
        if None in old or new == old or rule not in CASCADING:
            return
        changes: dict[int, Any] | None = None
        if rule == "SET NULL":
            changes = dict.fromkeys(self._places)
        elif new is not None:  # only what changed in the parent: a child may spell the others otherwise
            changes = {place: value for place, was, value in zip(self._places, old, new, strict=True) if value != was}
        kind: Literal["update", "delete"] = "delete" if changes is None else "update"
        for row in self.child.of_parent(connection, self.key.columns, old):
            image = None if changes is None else tuple([changes.get(place, value) for place, value in enumerate(row)])
            pair = (self.child.to_before(row), image)
            yield RowsEvent(event.schema, self.key.table, kind, [pair], foreign_keys=True, settled=event.settled)
