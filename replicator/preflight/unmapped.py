"""Every source table has a fate."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.mysql.connection import rows
from replicator.mysql.sql import quote
from replicator.preflight.context import Context, End
from replicator.preflight.result import Finding, failed, listed, ok


def check(context: Context) -> Iterator[Finding]:
    """Every source table is read by a transform, dropped or kept."""
    yield from _unseen(context.source)
    declarations, tables = context.declarations, context.source.tables
    read = {transform.source for transform in declarations.transforms}
    read |= {related.table for transform in declarations.transforms for related in transform.related.values()}
    dropped = {dropped.table for dropped in declarations.dropped}
    kept = {kept.table for kept in declarations.kept}
    forgotten = tuple(sorted(tables.keys() - read - dropped - kept))
    if forgotten:
        example = forgotten[0]
        yield failed(
            f"{len(forgotten)} source table{'s' if len(forgotten) > 1 else ''} that no transform reads, "
            "and nothing says what becomes of: "
            + listed(forgotten, 100),
            f'read them in a transform, or write drop_table("{example}", reason="…") (it moves to the archive) or '
            f'keep_table("{example}", reason="…") (it stays)',
        )
    else:
        yield ok(
            f"{len(tables)} source tables = {len(tables.keys() & read)} read + {len(tables.keys() & kept - read)} kept"
            f" + {len(tables.keys() & dropped - read)} dropped"
        )


def _unseen(source: End) -> Iterator[Finding]:
    """MariaDB's system-versioned tables and sequences are neither plain tables nor views: nothing here moves them."""
    for name, kind in rows(
        source.connection,
        "SELECT table_name, LOWER(table_type) FROM information_schema.tables WHERE table_schema = %s"
        " AND table_type NOT IN ('BASE TABLE', 'VIEW')",
        (source.database,),
    ):
        table = quote(source.database, name)
        yield failed(
            f"{source.database}.{name} is of type {kind}, which can be neither read nor renamed here",
            f"ALTER TABLE {table} DROP SYSTEM VERSIONING" if "versioned" in kind else "move it to another database",
        )
