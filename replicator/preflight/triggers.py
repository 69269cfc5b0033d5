"""Triggers on either side."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.mysql.sql import quote
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed


def check(context: Context) -> Iterator[Finding]:
    """No trigger writes to the target, and none hinders the rename."""
    target = context.target
    for table in context.plan.targets.values():
        for name in table.triggers:
            yield failed(
                f"target table {table.schema}.{table.name} has the trigger {name}, which would write what no transform made",
                f"DROP TRIGGER {quote(target.database, name)}; create it again after the cutover if it is wanted",
            )
    moved = context.moved()
    for table in context.source.tables.values():
        for name in table.triggers if table.name in moved else ():
            yield failed(
                f"source table {table.name} has the trigger {name}: a table with triggers cannot be renamed into "
                "another database, so the cutover would fail",
                f"SHOW CREATE TRIGGER {quote(table.schema, name)}, let the application do what it does, and "
                f"DROP TRIGGER {quote(table.schema, name)}",
            )
