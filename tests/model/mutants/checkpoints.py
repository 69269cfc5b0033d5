"""Checkpoints, and the verification."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

from replicator.apply import feed, session
from replicator.apply.applier import Applier
from replicator.apply.stream import Stream
from replicator.state import State
from replicator.verify.compare import Comparer
from tests.model.mutants.mutant import Patch, mutant
from tests.model.source import position, version_at


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
    original = session._feed

    def skip(course: Any, checkpoint: Any, *arguments: Any) -> Any:
        place = position(version_at(checkpoint.position) + 1)
        return original(course, replace(checkpoint, position=place), *arguments)

    return [(session, "_feed", skip)]


@mutant("a stream that goes on after an error begins where it thinks it is")
def _() -> list[Patch]:
    original, stored = Stream._session, session._checkpoint

    def remembering(self: Stream) -> None:
        def remembered(course: Any, connection: Any) -> Any:
            found = stored(course, connection)
            return found if self._position is None else replace(found, position=self._position)

        with patch.object(session, "_checkpoint", remembered):
            original(self)

    return [(Stream, "_session", remembering)]


@mutant("transactions of no concern are passed over as if nothing waited in front of them")
def _() -> list[Patch]:
    original = feed.Feed._put

    def merged(self: Any, piece: Any) -> None:
        if piece.idle and self._pieces and self._pieces[-1].end is not None:
            self._pieces[-1].events.clear()
        original(self, piece)

    return [(feed.Feed, "_put", merged)]


@mutant("the verification compares nothing")
def _() -> list[Patch]:
    return [(Comparer, "_mismatches", lambda *_: iter(()))]


@mutant("the verification of a table that is copied as it is compares the numbers of rows")
def _() -> list[Patch]:
    return [(Comparer, "_alike", lambda *_: 1)]
