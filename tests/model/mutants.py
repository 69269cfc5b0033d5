"""Engines with one fault each: what the model is worth is that it tells every one of them from the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from replicator import migration
from replicator.apply import applier, cascades, changes, feed, writes
from replicator.apply.applier import Applier
from replicator.apply.changes import Changes, Pending
from replicator.apply.stream import Stream
from replicator.binlog import safe_position
from replicator.copy import chunks, session
from replicator.migration import Migration
from replicator.mysql.connection import execute
from replicator.mysql.position import Position
from replicator.mysql.sql import until_condition
from replicator.state import State
from replicator.transform.units import Units
from replicator.verify.compare import Comparer
from tests.model.shop import COLUMNS, plan
from tests.model.simulation import servers
from tests.model.source import position, version_at

Patch = tuple[object, str, object]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault. `silent`: it only shows where foreign keys act without a word in the binlog."""

    name: str
    silent: bool
    patches: Callable[[], Sequence[Patch]]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The engine has the fault inside."""
        with ExitStack() as stack:
            for place, name, value in self.patches():
                stack.enter_context(patch.object(place, name, value))
            yield


MUTANTS: list[Mutant] = []


def mutant(name: str, *, silent: bool = False) -> Callable[[Callable[[], Sequence[Patch]]], None]:
    """Enter a fault into the table."""

    def enter(patches: Callable[[], Sequence[Patch]]) -> None:
        MUTANTS.append(Mutant(name, silent, patches))

    return enter


# From a changed row to its units ----------------------------------------------------------------------------


def _images(keep: Callable[[Any, Any], tuple[Any, Any]]) -> list[Patch]:
    images = changes._images
    return [(changes, "_images", lambda keys, rows, columns: images(keys, [keep(*pair) for pair in rows], columns))]


@mutant("the keys of before-images are left out")
def _() -> list[Patch]:
    return _images(lambda before, after: (None, after))


@mutant("the keys of after-images are left out")
def _() -> list[Patch]:
    return _images(lambda before, after: (before, None))


@mutant("the keys of after-images are left out where there is a before-image")
def _() -> list[Patch]:
    return _images(lambda before, after: (before, None if before is not None else after))


@mutant("null keys are no keys")
def _() -> list[Patch]:
    images = changes._images

    def without_null(keys: set[Any], rows: Any, columns: Any) -> None:
        found: set[Any] = set()
        images(found, rows, columns)
        keys.update(key for key in found if None not in key)

    return [(changes, "_images", without_null)]


@mutant("of the units that are reached, only those are computed that have rows in the target")
def _() -> list[Patch]:
    original = applier._StagedTransform.writes

    def standing(self: Any, connection: Any, keys: Any) -> Any:
        places = [self.transform.target_columns.index(name) for name in self.transform.key_columns]
        there = {tuple([row[place] for place in places]) for row in self._target.of_keys(connection, list(keys))}
        return original(self, connection, [key for key in keys if key in there])

    return [(applier._StagedTransform, "writes", standing)]


@mutant("of the units that are reached, only those are computed that make rows now")
def _() -> list[Patch]:
    original = applier._StagedTransform.writes

    def made(self: Any, connection: Any, keys: Any) -> Any:
        return original(self, connection, [key for key in keys if list(self.units.of_keys(connection, [key]))])

    return [(applier._StagedTransform, "writes", made)]


@mutant("related rows reach no units")
def _() -> list[Patch]:
    return [(Units, "reached", lambda *_: ())]


@mutant("only the first step of a path of joins is gone back")
def _() -> list[Patch]:
    original = Units.reached

    def direct(self: Units, connection: Any, item: Any, images: Any) -> Any:
        return original(self, connection, item, images) if len(item.path) == 1 else ()

    return [(Units, "reached", direct)]


@mutant("units are reached and computed on staging before the batch")
def _() -> list[Patch]:
    def write(self: Applier, events: Any, *, whole: bool, last: bool) -> None:
        made = self._open
        if self._cascades is not None:
            events = self._cascades.derive(self._connection, events)
        self._gatherer.gather(made, events)
        self._write_rows(made, whole=whole, last=last)
        for name, images in made.staged.items():
            self._staging[name].write(self._connection, images)
        self._open = Changes() if last else Changes(units=made.units, related=made.related)

    return [(Applier, "_write", write)]


@mutant("units that earlier pieces of a long transaction reached are forgotten")
def _() -> list[Patch]:
    original = Applier._write

    def write(self: Applier, events: Any, *, whole: bool, last: bool) -> None:
        original(self, events, whole=whole, last=last)
        self._open = Changes()

    return [(Applier, "_write", write)]


@mutant("rows of a unit that are there no more stay")
def _() -> list[Patch]:
    original = applier._StagedTransform.writes

    def without_deletes(self: Any, connection: Any, keys: Any) -> Any:
        made = original(self, connection, keys)
        made.deletes = []
        return made

    return [(applier._StagedTransform, "writes", without_deletes)]


# From a row image to staging and to rows --------------------------------------------------------------------


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


# Copying ----------------------------------------------------------------------------------------------------


@mutant("LOW is the end of the binlog, of which not all is visible yet")
def _() -> list[Patch]:
    return [(migration, "safe_position", lambda source: (safe_position.current_position(source), "end"))]


@mutant("HIGH is taken before the copy, not behind it")
def _() -> list[Patch]:
    original = Migration.copy

    def early(self: Migration) -> None:
        with self._source() as source:
            high = safe_position.current_position(source)
        with patch.object(migration, "current_position", lambda _: high):
            original(self)

    return [(Migration, "copy", early)]


@mutant("the stream begins at HIGH")
def _() -> list[Patch]:
    original = Migration.catch_up

    def from_high(self: Migration) -> None:
        with self._target() as target:
            known = self.state.checkpoint(target, "forward")
            high = Position(**self.state.facts(target)["high"])
            assert known is not None
            if not known.position.reached(high):
                self.state.begin_stream(target, "forward", replace(known, position=high))
        original(self)

    return [(Migration, "catch_up", from_high)]


@mutant("the mark of a chunk is committed before its rows")
def _() -> list[Patch]:
    original = chunks.take

    def marked(state: Any, connection: Any, jobs: Any) -> Any:
        found = original(state, connection, jobs)
        if found is not None:
            chunks.finish(state, connection, found, 0, None)
        return found

    return [(session, "take", marked)]


@mutant("the mark of a chunk is committed behind its rows")
def _() -> list[Patch]:
    original = chunks.finish

    def late(state: Any, connection: Any, *arguments: Any) -> None:
        connection.commit()
        original(state, connection, *arguments)

    return [(session, "finish", late)]


@mutant("a chunk ends in front of its last key")
def _() -> list[Patch]:
    return [(chunks, "until_condition", lambda columns, high: until_condition(columns, high).replace("<=", "<"))]


@mutant("the last chunk of a table is cut and never handed out")
def _() -> list[Patch]:
    original = chunks.cut

    def short(state: Any, connection: Any, job: Any, find: Any) -> bool:
        found = original(state, connection, job, find)
        execute(connection, f"DELETE FROM {state.table('chunk')} WHERE low IS NOT NULL AND high IS NULL")
        connection.commit()
        return found

    return [(session, "cut", short)]


@mutant("units are built while the stream goes on")
def _() -> list[Patch]:
    original = State.facts

    def forgetful(self: State, connection: Any) -> dict[str, Any]:
        return {name: value for name, value in original(self, connection).items() if name != "building"}

    return [(State, "facts", forgetful)]


@mutant("units are built as soon as all is copied")
def _() -> list[Patch]:
    build, catch_up = Migration.build, Migration.catch_up

    def early(self: Migration) -> None:
        build(self)
        catch_up(self)

    return [(Migration, "catch_up", early), (Migration, "build", lambda self: None)]


# Checkpoints ------------------------------------------------------------------------------------------------


@mutant("the checkpoint is committed behind the rows")
def _() -> list[Patch]:
    original = State.move_checkpoint

    def late(self: State, connection: Any, *arguments: Any) -> None:
        connection.commit()
        original(self, connection, *arguments)

    return [(State, "move_checkpoint", late)]


@mutant("the checkpoint is committed before the rows")
def _() -> list[Patch]:
    original = Applier.apply

    def early(self: Applier, pieces: Any) -> Any:
        end = pieces[-1].end
        if end is not None and not self._inside:
            self.pass_over(end)
        return original(self, pieces)

    return [(Applier, "apply", early)]


@mutant("a piece of a long transaction is committed")
def _() -> list[Patch]:
    original = Applier.apply

    def commit(self: Applier, pieces: Any) -> Any:
        applied = original(self, pieces)
        if applied is None:
            self._connection.commit()
            self._inside = False
        return applied

    return [(Applier, "apply", commit)]


@mutant("the checkpoint stands inside a transaction")
def _() -> list[Patch]:
    original = feed.Feed._put

    def inside(self: Any, piece: Any) -> None:
        if piece.end is not None:
            place = piece.end.position
            piece.end = replace(piece.end, position=replace(place, pos=place.pos - 1))
        original(self, piece)

    return [(feed.Feed, "_put", inside)]


@mutant("a new session begins behind the transaction that comes next")
def _() -> list[Patch]:
    original = Stream._feed

    def skip(self: Any, checkpoint: Any, *arguments: Any) -> Any:
        place = position(version_at(checkpoint.position) + 1)
        return original(self, replace(checkpoint, position=place), *arguments)

    return [(Stream, "_feed", skip)]


@mutant("a stream that goes on after an error begins where it thinks it is")
def _() -> list[Patch]:
    original = Stream._checkpoint

    def remembered(self: Any, connection: Any) -> Any:
        found = original(self, connection)
        return found if self._position is None else replace(found, position=self._position)

    return [(Stream, "_checkpoint", remembered)]


@mutant("transactions of no concern are passed over as if nothing waited in front of them")
def _() -> list[Patch]:
    original = feed.Feed._put

    def merged(self: Any, piece: Any) -> None:
        if piece.idle and self._pieces and self._pieces[-1].end is not None:
            self._pieces[-1].events.clear()
        original(self, piece)

    return [(feed.Feed, "_put", merged)]


# Verification -----------------------------------------------------------------------------------------------


@mutant("the verification compares nothing")
def _() -> list[Patch]:
    return [(Comparer, "_mismatches", lambda *_: iter(()))]


@mutant("the verification of a table that is copied as it is compares the numbers of rows")
def _() -> list[Patch]:
    return [(Comparer, "_alike", lambda *_: 1)]
