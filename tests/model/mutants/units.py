"""From a changed row to its units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from replicator.apply import changes
from replicator.apply.applier import Applier
from replicator.apply.changes import Changes
from replicator.apply.transforms import StagedTransform
from replicator.transform.units import Units
from tests.model.mutants.mutant import Patch, mutant


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
    original = StagedTransform.writes

    def standing(self: Any, connection: Any, keys: Any) -> Any:
        places = [self.transform.target_columns.index(name) for name in self.transform.key_columns]
        there = {tuple([row[place] for place in places]) for row in self._target.of_keys(connection, list(keys))}
        return original(self, connection, [key for key in keys if key in there])

    return [(StagedTransform, "writes", standing)]


@mutant("of the units that are reached, only those are computed that make rows now")
def _() -> list[Patch]:
    original = StagedTransform.writes

    def made(self: Any, connection: Any, keys: Any) -> Any:
        return original(self, connection, [key for key in keys if list(self.units.of_keys(connection, [key]))])

    return [(StagedTransform, "writes", made)]


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
    original = StagedTransform.writes

    def without_deletes(self: Any, connection: Any, keys: Any) -> Any:
        made = original(self, connection, keys)
        made.deletes = []
        return made

    return [(StagedTransform, "writes", without_deletes)]
