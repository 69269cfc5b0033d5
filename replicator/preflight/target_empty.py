"""Nothing but our own rows in the target tables."""

from __future__ import annotations

from collections.abc import Iterator

from replicator import state
from replicator.mysql.connection import row
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed


def check(context: Context) -> Iterator[Finding]:
    """The target tables are empty, or filled by an earlier run of this migration."""
    target = context.target
    if state.of(context.config).exists(target.connection):
        return
    for table in context.plan.targets.values():
        if table.name in target.tables and row(target.connection, f"SELECT 1 FROM {table.sql} LIMIT 1"):
            yield failed(
                f"target table {table.schema}.{table.name} holds rows, and no earlier run of migration "
                f"{context.config.migration.name} put them there",
                # Of a table that foreign keys refer to, the servers truncate nothing else.
                f"SET foreign_key_checks = 0; TRUNCATE TABLE {table.sql}, or correct the database in [target] url",
            )
