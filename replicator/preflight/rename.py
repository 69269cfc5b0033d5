"""What the one RENAME TABLE of the cutover will need."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.mysql.catalog import read_tables
from replicator.mysql.sql import quote
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, listed, ok

_OWN_LOCKS = (8, 0, 13)
"""From here on MySQL renames tables that the session itself has locked."""


def check(context: Context) -> Iterator[Finding]:
    """The tables can change their names in one statement."""
    config, source = context.config, context.source
    if config.cutover.mode != "rename":
        yield ok("the application is pointed at the target by hooks; old tables are only taken aside")
        yield from _archive(context)
        return
    if not context.same_server:
        yield failed(
            f"mode rename needs both databases on one server, and {source} and {context.target} are two",
            'set mode = "hooks" below [cutover], or create the target database on the source server',
        )
    if source.server.flavour == "mysql" and source.server.version < _OWN_LOCKS:
        yield failed(
            f"{source} is {source.server}, which cannot rename tables that it holds locked",
            'upgrade it to 8.0.13 or newer, or set mode = "hooks" below [cutover]',
        )
    staying = source.tables.keys() - context.moved()
    for name in sorted(staying & set(context.plan.new_tables)):
        yield failed(
            f"source table {name} is kept, and the target has a table of that name, which could not take its place",
            f'drop_table("{name}", …) instead of keep_table, or give the target table another name',
        )
    yield from _archive(context)


def _archive(context: Context) -> Iterator[Finding]:
    archive = context.config.cutover.archive_database
    end = context.source if context.config.cutover.mode == "hooks" else context.target
    occupied = sorted(read_tables(end.connection, archive).keys() & context.moved())
    if occupied:
        yield failed(
            f"the archive {archive} has tables already whose names the old ones will need: {listed(occupied)}",
            f"set another archive_database below [cutover], or DROP TABLE {quote(archive, occupied[0])} …",
        )
