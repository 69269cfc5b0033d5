"""AUTO_INCREMENT: the new tables go on at least where the old ones were, so that no number is given out twice.

Rows that were inserted and are gone, or never were because of a rollback, have used up numbers that the target has not
seen. The old table's next number is final once writes are held: so it is compared then, after the drain, and a table is
altered where it is lower. What is raised just before the freeze is seldom lower again in it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from replicator.cutover.moves import Moves, Name
from replicator.mysql.connection import Connection, execute, rows
from replicator.mysql.sql import quote
from replicator.transform.plan import MigrationPlan

_RESERVE = 4
"""How many times the numbers used up while the cutover was prepared."""


def sources_of_numbers(plan: MigrationPlan, moves: Moves) -> dict[str, set[str]]:
    """Target table → the source tables whose numbers it goes on with: that of its name, and those whose numbers its key is."""
    if moves.direction == "reverse":
        return _numbers_back(plan, moves)
    found: dict[str, set[str]] = {}
    for table in plan.targets.values():
        column = next((column.name for column in table.columns if column.auto_increment), None)
        if column is None:
            continue
        found[table.name] = {table.name} & set(moves.leaving)
        for transform in plan.transforms:
            keys = dict(zip(transform.key_columns, transform.unit_columns, strict=True))
            origin = transform.source.column(keys.get(column, ""))
            if transform.target.name == table.name and origin is not None and origin.auto_increment:
                found[table.name].add(transform.source.name)
    return found


def _numbers_back(plan: MigrationPlan, moves: Moves) -> dict[str, set[str]]:
    """Old table → the new tables that gave out its numbers meanwhile."""
    found: dict[str, set[str]] = {}
    for transform in plan.transforms:
        keys = dict(zip(transform.key_columns, transform.unit_columns, strict=True))
        for column in transform.target.columns:
            origin = transform.source.column(keys.get(column.name, ""))
            if column.auto_increment and origin is not None and origin.auto_increment:
                found.setdefault(transform.source.name, set()).add(transform.target.name)
    return {table: names for table, names in found.items() if table in moves.new}


def next_numbers(connection: Connection, moves: Moves) -> dict[Name, int]:
    """The number that each table of both schemas gives out next."""
    if rows(connection, "SHOW VARIABLES LIKE 'information_schema_stats_expiry'"):
        execute(connection, "SET SESSION information_schema_stats_expiry = 0")  # MySQL's answer may be a day old otherwise
    return {
        (schema, table): int(number)
        for schema, table, number in rows(
            connection,
            "SELECT table_schema, table_name, auto_increment FROM information_schema.tables"
            " WHERE table_schema IN (%s, %s) AND auto_increment IS NOT NULL",
            (moves.source, moves.target),
        )
    }


def raising(
    moves: Moves, origins: Mapping[str, Collection[str]], now: Mapping[Name, int], before: Mapping[Name, int] | None = None
) -> list[str]:
    """The ALTER TABLE statements for new tables whose next number is lower than an old one's.

    With the numbers of some time `before` they are raised beyond what will be used up soon, at the same pace: an ALTER
    TABLE is cheap while traffic runs and is not in the freeze.
    """
    statements = []
    for table, sources in sorted(origins.items()):
        wanted = 1
        for name in ((moves.source, source) for source in sources):
            number = now.get(name, 1)  # MySQL has none before the first row
            soon = _RESERVE * (number - before.get(name, number)) if before is not None else 0
            wanted = max(wanted, number + soon)
        if wanted > now.get((moves.target, table), 1):
            statements.append(f"ALTER TABLE {quote(moves.target, table)} AUTO_INCREMENT = {wanted}")
    return statements


def raising_apart(
    near: Connection, far: Connection, plan: MigrationPlan, shuts: Moves, opens: Moves
) -> list[str]:
    """The same in mode hooks: statements for the server that traffic goes to, from the numbers of the one that it leaves.

    On the way forward the new tables stand in place there, on the way back the old ones are still aside.
    """
    schema = opens.source if shuts.direction == "forward" else opens.archive
    origins = sources_of_numbers(plan, replace(shuts, new=opens.old))
    here = next_numbers(near, replace(shuts, target=shuts.source))
    there = next_numbers(far, replace(opens, source=schema, target=schema))
    # Both databases may have the same name.
    now = {("", table): number for (_, table), number in here.items()} | there
    return raising(replace(shuts, source="", target=schema), origins, now)
