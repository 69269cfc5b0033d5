"""AUTO_INCREMENT: the new tables go on at least where the old ones were, so that no number is given out twice.

Rows that were inserted and are gone, or never were because of a rollback, have used up numbers that the target has not
seen. The old table's next number is final once writes are held: so it is compared then, after the drain, and a table is
altered where it is lower. What is altered just before the freeze is seldom lower again in it.
"""

from __future__ import annotations

from replicator.cutover.moves import Moves
from replicator.mysql.connection import Connection, execute, rows
from replicator.mysql.sql import quote
from replicator.transform.plan import MigrationPlan


def sources_of_numbers(plan: MigrationPlan, moves: Moves) -> dict[str, set[str]]:
    """Target table → the source tables whose numbers it goes on with: that of its name, and those whose numbers its key is."""
    found: dict[str, set[str]] = {}
    for table in plan.targets.values():
        column = next((column.name for column in table.columns if column.auto_increment), None)
        if column is None:
            continue
        found[table.name] = {table.name} & set(moves.old)
        for transform in plan.transforms:
            keys = dict(zip(transform.key_columns, transform.unit_columns, strict=True))
            origin = transform.source.column(keys.get(column, ""))
            if transform.target.name == table.name and origin is not None and origin.auto_increment:
                found[table.name].add(transform.source.name)
    return found


def lower(connection: Connection, moves: Moves, numbers: dict[str, set[str]]) -> list[str]:
    """The ALTER TABLE statements for the new tables whose next number is lower than an old one's."""
    if rows(connection, "SHOW VARIABLES LIKE 'information_schema_stats_expiry'"):
        execute(connection, "SET SESSION information_schema_stats_expiry = 0")  # MySQL's answer may be a day old otherwise
    following = {
        (schema, table): int(number)
        for schema, table, number in rows(
            connection,
            "SELECT table_schema, table_name, auto_increment FROM information_schema.tables"
            " WHERE table_schema IN (%s, %s) AND auto_increment IS NOT NULL",
            (moves.source, moves.target),
        )
    }
    statements = []
    for table, origins in sorted(numbers.items()):
        wanted = max((following.get((moves.source, origin), 0) for origin in origins), default=0)
        if wanted > following.get((moves.target, table), 0):
            statements.append(f"ALTER TABLE {quote(moves.target, table)} AUTO_INCREMENT = {wanted}")
    return statements
