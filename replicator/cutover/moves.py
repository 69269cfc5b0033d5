"""Which table goes where at the switch, and which world the server is in: before it or after it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from replicator.config import Config
from replicator.mysql.connection import Connection, rows
from replicator.mysql.position import Position
from replicator.mysql.sql import quote
from replicator.state import Direction
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
    """Source tables that go to the archive: transforms read them, or new tables need their names."""
    new: tuple[str, ...]
    """Target tables that take their place."""
    read: tuple[str, ...]
    """`old`, and what transforms read of tables that stay: nothing may be written to one of them any more."""
    dropped: tuple[str, ...]
    """The other source tables that leave. They follow into the archive one by one after the switch: MySQL needs some
    10 ms for each foreign key of a table that is renamed, and nobody should have to wait for that of these."""
    token: Name
    sentry: Name
    direction: Direction = "forward"
    """In reverse — a rollback — the new tables go back to the target database, the archived ones come: `source` is where
    the application's tables are, in either direction."""
    since: Position | None = None
    """A place in the binlog in front of the rename, known once an attempt has begun."""

    views: tuple[tuple[str, str], ...] = ()
    """Legacy views — name and query — that are made beside the new tables right behind the rename."""
    outdated: tuple[str, ...] = ()
    """Legacy views that leave: in the same statement their names become free for the old tables."""
    returning: tuple[str, ...] = ()
    """Dropped tables that come back out of the archive one by one before the switch: nobody should have to wait for them."""

    @property
    def phase(self) -> str:
        """That of the migration as long as nothing is renamed."""
        return "replicating" if self.direction == "forward" else "reversing"

    @property
    def next_phase(self) -> str:
        """That behind the rename."""
        return "reversing" if self.direction == "forward" else "rolled_back"

    @property
    def next_direction(self) -> Direction:
        """That of the stream that begins at the rename."""
        return "reverse" if self.direction == "forward" else "forward"

    @property
    def leaving(self) -> tuple[str, ...]:
        """All source tables that go to the archive."""
        return tuple(sorted((*self.old, *self.dropped)))

    @property
    def arriving(self) -> tuple[str, ...]:
        """All tables that come to the source's database."""
        return (*self.new, *self.returning)

    @property
    def pairs(self) -> tuple[tuple[Name, Name], ...]:
        """Old name and new name of each table."""
        return (
            (self.token, self.sentry),
            *zip(((self.source, view) for view in self.outdated), self.leftovers, strict=True),
            *(((self.source, table), (self.archive, table)) for table in self.old),
            *(((self.target, table), (self.source, table)) for table in self.new),
        )

    @property
    def leftovers(self) -> tuple[Name, ...]:
        """Where outdated views go, to be dropped at leisure: a view cannot be renamed into another database."""
        return tuple((self.source, f"~legacy view {number}") for number in range(len(self.outdated)))

    @property
    def statement(self) -> str:
        """The RENAME TABLE. It fails before it has moved anything when the sentry stands."""
        return "RENAME TABLE " + ", ".join(f"{quote(*old)} TO {quote(*new)}" for old, new in self.pairs)

    @property
    def way_back(self) -> str:
        """The RENAME TABLE that takes it back; the sentry holds for it too."""
        first, *others = self.pairs
        turned = [first, *((new, old) for old, new in others)]
        return "RENAME TABLE " + ", ".join(f"{quote(*old)} TO {quote(*new)}" for old, new in turned)

    @property
    def marker(self) -> str:
        """How both statements begin, and no other."""
        return f"RENAME TABLE {quote(*self.token)} TO {quote(*self.sentry)}, "

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
            "direction": self.direction,
            "views": [list(view) for view in self.views],
            "outdated": list(self.outdated),
            "returning": list(self.returning),
            "since": None if self.since is None else self.since.to_json(),
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
        stored["direction"],
        None if stored["since"] is None else Position(**stored["since"]),
        tuple((name, query) for name, query in stored.get("views", ())),
        tuple(stored.get("outdated", ())),
        tuple(stored.get("returning", ())),
    )


def make_moves(config: Config, plan: MigrationPlan) -> Moves:
    """What a transform reads or `drop_table` names goes, what `keep_table` names stays."""
    source, target = config.source.database, config.target.database
    archive = config.cutover.archive_database
    kept = {unmapped.table for unmapped in plan.kept}
    dropped = {unmapped.table for unmapped in plan.dropped}
    read = set(plan.sources) | (dropped & set(plan.new_tables))
    token, sentry = _guards(config, _databases(config), (*read, *plan.new_tables))
    return Moves(
        source=source,
        target=target,
        archive=archive,
        old=tuple(sorted(read - kept)),
        new=plan.new_tables,
        read=tuple(sorted(read)),
        dropped=tuple(sorted(dropped - read)),
        token=token,
        sentry=sentry,
        views=tuple((view.name, view.query) for view in plan.views),
    )


def make_moves_back(config: Config, forward: Moves, connection: Connection) -> Moves:
    """The way back of a switch that is done: its new tables go where they came from, and what is in the archive returns."""
    archived = tables_in(connection, forward.archive)
    outdated = {name for name, _ in forward.views} & views_in(connection, forward.source)
    returning = (archived & set(forward.dropped)) - outdated  # whose name is not free yet comes with the rename
    token, sentry = _guards(config, _databases(config), (*forward.new, *forward.leaving))
    return Moves(
        source=forward.source,
        target=forward.archive,
        archive=forward.target,
        old=forward.new,
        new=tuple(table for table in forward.leaving if table in archived - returning),
        read=forward.new,
        dropped=(),
        token=token,
        sentry=sentry,
        direction="reverse",
        outdated=tuple(sorted(outdated)),
        returning=tuple(sorted(returning)),
    )


def tables_in(connection: Connection, schema: str) -> set[str]:
    """The tables and views of a database."""
    found = rows(connection, "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (schema,))
    return {name for (name,) in found}


def views_in(connection: Connection, schema: str) -> set[str]:
    """The views of a database."""
    found = rows(connection, "SELECT table_name FROM information_schema.views WHERE table_schema = %s", (schema,))
    return {name for (name,) in found}


def closing(config: Config, plan: MigrationPlan) -> tuple[Moves, Moves]:
    """In mode hooks: what closes the source, and what closes the target. A table that is aside is there for us alone.

    Of the source it is the tables that transforms read, of the target all new ones. They come back by the same way.
    """
    forward = make_moves(config, plan)
    source, target = config.source.database, config.target.database
    aside = closed_database(config)
    token, sentry = _guards(config, (source, forward.archive), forward.read)
    closes_source = replace(forward, target=source, new=(), token=token, sentry=sentry)
    token, sentry = _guards(config, (target, aside), forward.new)
    closes_target = Moves(
        source=target,
        target=target,
        archive=aside,
        old=forward.new,
        new=(),
        read=forward.new,
        dropped=(),
        token=token,
        sentry=sentry,
        direction="reverse",
    )
    return closes_source, closes_target


def closed_database(config: Config) -> str:
    """Where the new tables stand, on the target server, while a rollback in mode hooks moves the traffic."""
    return f"{config.target.database[:57]}_closed"


def _databases(config: Config) -> tuple[str, ...]:
    return (
        config.source.database, config.target.database, config.cutover.archive_database, config.migration.state_database,
    )  # fmt: skip


def _guards(config: Config, databases: Collection[str], tables: Collection[str]) -> tuple[Name, Name]:
    """Token and sentry."""
    # Both servers lock names in the order of their bytes, schema first.
    last = max(databases, key=str.encode)
    behind = "~" if all(table < "~" for table in tables) else "\uffee"
    name = f"{behind}replicator {config.migration.name}"
    return (last, name + " token"), (last, f"{name} {behind}sentry")


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
