"""Tables whose changes are transactions."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed


def check(context: Context) -> Iterator[Finding]:
    """Every table that is read or written is an InnoDB table."""
    tables = [("source", source.table) for source in context.plan.sources.values()]
    tables += [("target", table) for table in context.plan.targets.values()]
    for role, table in tables:
        if table.engine != "InnoDB":
            yield failed(
                f"{role} table {table.schema}.{table.name} is a {table.engine or 'view'} table: its rows change "
                "outside of transactions, so that no state of it belongs to a binlog position",
                f"ALTER TABLE {table.sql} ENGINE=InnoDB",
            )
