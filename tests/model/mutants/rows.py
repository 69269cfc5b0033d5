"""From a row image to staging and to rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from replicator.apply import cascades, changes, feed, writes
from replicator.apply.changes import Changes, Pending
from tests.model.engine import servers
from tests.model.mutants.mutant import Patch, mutant
from tests.model.shop import COLUMNS, plan


@mutant("the source is read again instead of taking the image")
def _() -> list[Patch]:
    original = changes.Gatherer.gather

    def read_again(self: Any, made: Changes, events: Any) -> None:
        source, _ = servers()
        for event in events:
            now = source.now[event.table]
            columns = [COLUMNS[event.table].index(name) for name in plan("plain").sources[event.table].columns]
            pairs = []
            for before, after in event.rows:
                row = None if after is None else now.get(after[0])
                pairs.append((before, None if row is None else tuple([row[place] for place in columns])))
            event.rows = [pair for pair in pairs if pair != (None, None)]
        original(self, made, events)

    return [(changes.Gatherer, "gather", read_again)]


@mutant("the first image of a key in a batch wins, not the last")
def _() -> list[Patch]:
    original = changes._last

    def first(pending: dict[Any, Pending], rows: Any, key: Any, image_of: Any) -> None:
        for row in rows:
            known = {found: entry.image for found, entry in pending.items()}
            original(pending, [row], key, image_of)
            for found, image in known.items():
                pending[found].image = image

    return [(changes, "_last", first)]


@mutant("a row whose key changes stays under its old key")
def _() -> list[Patch]:
    original = changes._last

    def stays(pending: Any, rows: Any, key: Any, image_of: Any) -> None:
        moved = [(before, after) if after is None else (None, after) for before, after in rows]
        original(pending, moved, key, image_of)

    return [(changes, "_last", stays)]


@mutant("deletes go behind upserts")
def _() -> list[Patch]:
    original = writes.Writer._write

    def late(self: Any, ahead: Any, connection: Any, made: Any, *, exact: bool) -> None:
        deletes, units = made.deletes, made.deleted_units
        original(self, ahead, connection, replace(made, deletes=[], deleted_units=[]), exact=exact)
        original(self, ahead, connection, writes.Writes(deletes=deletes, deleted_units=units), exact=exact)

    return [(writes.Writer, "_write", late)]


def _replaying(head: str) -> list[Patch]:
    original = writes.Writer.__init__

    def create(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        self._replace = self._replace.replace("REPLACE", head)

    return [(writes.Writer, "__init__", create)]


@mutant("while replaying, rows that stand there are left as they are (INSERT IGNORE)")
def _() -> list[Patch]:
    return _replaying("INSERT IGNORE")


@mutant("while replaying, a row that stands there is an error (INSERT)")
def _() -> list[Patch]:
    return _replaying("INSERT")


@mutant("rows that are updated and share a unique value do not all go first")
def _() -> list[Patch]:
    original = writes.Writer.__init__

    def create(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        self._updatable = True

    return [(writes.Writer, "__init__", create)]


@mutant("what foreign keys do silently is not derived", silent=True)
def _() -> list[Patch]:
    return [(cascades.Cascades, "derive", lambda self, connection, events: events)]


@mutant("what foreign keys do silently is derived without their own consequences", silent=True)
def _() -> list[Patch]:
    def once(self: Any, connection: Any, event: Any) -> Iterator[Any]:
        self._note(event)
        yield event
        for action in self._by_parent.get(event.table, ()):
            if action.key.table not in event.settled:
                for derived in action.consequences(connection, event):
                    self._note(derived)
                    yield derived

    return [(cascades.Cascades, "_with_consequences", once)]


@mutant("what foreign keys do silently is derived from staging before the batch", silent=True)
def _() -> list[Patch]:
    return [(cascades._Child, "note", lambda *_: None)]


@mutant("what foreign keys do silently is derived though their checks were off", silent=True)
def _() -> list[Patch]:
    original = cascades.Cascades.derive

    def always(self: Any, connection: Any, events: Any) -> Any:
        return original(self, connection, [replace(event, foreign_keys=True) for event in events])

    return [(cascades.Cascades, "derive", always)]


@mutant("tables that foreign keys change silently are copied like the others", silent=True)
def _() -> list[Patch]:
    from replicator.transform.plan import MigrationPlan

    return [(MigrationPlan, "silent", ())]


@mutant("what stands in front of the position of such a copy is replayed all the same", silent=True)
def _() -> list[Patch]:
    return [(feed.Feed, "_settled_behind", lambda *_: frozenset())]
