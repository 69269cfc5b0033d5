"""The two databases."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.mysql.connection import value
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, ok


def check(context: Context) -> Iterator[Finding]:
    """Both databases exist, or can be created."""
    for end in context.ends:
        there = value(
            end.connection, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = %s", (end.database,)
        )
        if end.role == "source" and not (there and end.tables):
            what = f"database {end.database} has no table" if there else f"there is no database {end.database}"
            yield failed(
                f"{end}: {what} that {end.endpoint.user} may see",
                "correct the database in [source] url, or grant the account SELECT on it",
            )
        elif end.role == "target" and not end.tables and context.config.migration.schema is None:
            yield failed(
                f"{end}: database {end.database} has no table, and no schema file says how to create them",
                "put the DDL of the target tables into schema/target, or name its folder with schema = below [migration]",
            )
        elif not there:
            yield ok(f"{end}: database {end.database} will be created")
    yield from _spelled_otherwise(context)


def _spelled_otherwise(context: Context) -> Iterator[Finding]:
    """The binary log calls a database as the server does, and rows of a name that nobody asked for concern nobody."""
    config, source, target = context.config, context.source, context.target
    named = [
        (source, "[source] url", config.source.database),
        (target, "[target] url", config.target.database),
        (target, "[migration] state_database", config.migration.state_database),
        (source, "[migration] state_database", config.migration.state_database),
        (source if config.cutover.mode == "hooks" else target, "[cutover] archive_database", config.cutover.archive_database),
    ]
    for end, setting, name in named:
        spelled = value(end.connection, "SELECT schema_name FROM information_schema.schemata WHERE schema_name = %s", (name,))
        if spelled is None:
            spelled = name.lower() if end.variables.get("lower_case_table_names") == "1" else name
        if spelled != name:
            yield failed(f"{end} calls the database {name} {spelled}, also in its binary log", f"write {spelled} in {setting}")
