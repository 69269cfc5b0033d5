"""Which table goes where at the switch, and which world the server is in: before it or after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from replicator.config import Config
from replicator.mysql.connection import Connection, rows
from replicator.mysql.sql import quote
from replicator.transform.plan import MigrationPlan

World = Literal["before", "after", "between"]

Name = tuple[str, str]
"""Schema and table."""


@dataclass(frozen=True, slots=True)
class Moves:
    """The one RENAME TABLE.

    Its first pair renames `token` to `sentry`: while a table of that name stands, the whole statement fails, whoever is
    still there to see it. `sentry` sorts behind every other name, so that its lock is the last one that the rename waits
    for.
    """

    source: str
    target: str
    archive: str
    old: tuple[str, ...]
    """Source tables that transforms read and that go to the archive."""
    new: tuple[str, ...]
    """Target tables that take their place."""
    read: tuple[str, ...]
    """`old`, and what transforms read of tables that stay: with a write to one, the target is no longer exact."""
    dropped: tuple[str, ...]
    """Source tables that no transform reads. They follow into the archive one by one after the switch: MySQL needs some
    10 ms for each foreign key of a table that is renamed, and nobody should have to wait for that of these."""
    token: Name
    sentry: Name

    @property
    def leaving(self) -> tuple[str, ...]:
        """All source tables that go to the archive."""
        return tuple(sorted((*self.old, *self.dropped)))

    @property
    def pairs(self) -> tuple[tuple[Name, Name], ...]:
        """Old name and new name of each table."""
        return (
            (self.token, self.sentry),
            *(((self.source, table), (self.archive, table)) for table in self.old),
            *(((self.target, table), (self.source, table)) for table in self.new),
        )

    @property
    def statement(self) -> str:
        """The RENAME TABLE. It fails before it has moved anything when the sentry stands."""
        return "RENAME TABLE " + ", ".join(f"{quote(*old)} TO {quote(*new)}" for old, new in self.pairs)

    @property
    def locked(self) -> frozenset[Name]:
        """Every name on which the rename holds an exclusive lock when it waits for the sentry alone."""
        return frozenset(name for pair in self.pairs for name in pair) - {self.sentry}

    def to_json(self) -> dict[str, Any]:
        """For the intent."""
        return {
            "source": self.source,
            "target": self.target,
            "archive": self.archive,
            "old": list(self.old),
            "new": list(self.new),
            "read": list(self.read),
            "dropped": list(self.dropped),
            "token": list(self.token),
            "sentry": list(self.sentry),
        }


def moves_from_json(stored: Mapping[str, Any]) -> Moves:
    """What `to_json` gave."""
    return Moves(
        stored["source"],
        stored["target"],
        stored["archive"],
        tuple(stored["old"]),
        tuple(stored["new"]),
        tuple(stored["read"]),
        tuple(stored["dropped"]),
        (stored["token"][0], stored["token"][1]),
        (stored["sentry"][0], stored["sentry"][1]),
    )


def make_moves(config: Config, plan: MigrationPlan) -> Moves:
    """What a transform reads or `drop_table` names goes, what `keep_table` names stays."""
    source, target = config.source.database, config.target.database
    archive, state = config.cutover.archive_database, config.migration.state_database
    kept = {unmapped.table for unmapped in plan.kept}
    read = set(plan.sources)
    # Both servers lock names in the order of their bytes, schema first.
    last = max(source, target, archive, state, key=str.encode)
    behind = "~" if all(table < "~" for table in (*read, *plan.new_tables)) else "\uffee"
    name = f"{behind}replicator {config.migration.name}"
    return Moves(
        source=source,
        target=target,
        archive=archive,
        old=tuple(sorted(read - kept)),
        new=plan.new_tables,
        read=tuple(sorted(read)),
        dropped=tuple(sorted({unmapped.table for unmapped in plan.dropped} - read)),
        token=(last, name + " token"),
        sentry=(last, f"{name} {behind}sentry"),
    )


def look(connection: Connection, moves: Moves) -> tuple[World, Sequence[str]]:
    """Which world this is, by the tables that exist; for `between`, a line for every table that is not where it was before."""
    there = set(
        rows(
            connection,
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN (%s, %s, %s)",
            (moves.source, moves.target, moves.archive),
        )
    )
    before = [(moves.source, table) in there and (moves.archive, table) not in there for table in moves.old]
    before += [(moves.target, table) in there for table in moves.new]
    after = [(moves.archive, table) in there for table in moves.old]
    after += [(moves.source, table) in there and (moves.target, table) not in there for table in moves.new]
    if all(before):
        return "before", ()
    if all(after):
        return "after", ()
    names = [(moves.source, table) for table in moves.old] + [(moves.target, table) for table in moves.new]
    return "between", [
        f"{'.'.join(name)} is {'moved' if moved else 'missing'}"
        for name, stays, moved in zip(names, before, after, strict=True)
        if not stays
    ]
