"""The two databases are there."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.mysql.connection import value
from replicator.mysql.sql import quote
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed


def check(context: Context) -> Iterator[Finding]:
    """Both databases exist and can be seen."""
    for end in context.ends:
        if not value(
            end.connection, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = %s", (end.database,)
        ):
            yield failed(
                f"{end} has no database {end.database} that {end.endpoint.user} may see",
                f"CREATE DATABASE {quote(end.database)} CHARACTER SET utf8mb4; or grant the account what it needs "
                "(docs/reference/grants.md)"
                if end.role == "target"
                else "correct the database in [source] url, or grant the account SELECT on it",
            )
        elif end.role == "source" and not end.tables:
            yield failed(f"{end}: database {end.database} has no table", "correct the database in [source] url")
