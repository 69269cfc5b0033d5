"""Copying, and where it begins and ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

from replicator import beginning, migration
from replicator.binlog import safe_position
from replicator.copy import chunks, session
from replicator.migration import Migration
from replicator.mysql.connection import connected, execute
from replicator.mysql.position import Position
from replicator.mysql.sql import until_condition
from replicator.state import State
from tests.model.mutants.mutant import Patch, mutant


@mutant("LOW is the end of the binlog, of which not all is visible yet")
def _() -> list[Patch]:
    return [(beginning, "safe_position", lambda source: (safe_position.current_position(source), "end"))]


@mutant("HIGH is taken before the copy, not behind it")
def _() -> list[Patch]:
    original = Migration.copy

    def early(self: Migration) -> None:
        with connected(self.config.source) as source:
            high = safe_position.current_position(source)
        with patch.object(migration, "current_position", lambda _: high):
            original(self)

    return [(Migration, "copy", early)]


@mutant("the stream begins at HIGH")
def _() -> list[Patch]:
    original = Migration.catch_up

    def from_high(self: Migration) -> None:
        with self.home.target() as target:
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
