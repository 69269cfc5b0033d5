"""A strict session, whatever the server's own mode is."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.mysql.connection import WRITE_SQL_MODE, value
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed


def check(context: Context) -> Iterator[Finding]:
    """Our writing session is strict and checks no foreign keys."""
    target = context.target
    mode = set(str(value(target.connection, "SELECT @@session.sql_mode")).split(","))
    wrong = sorted(set(WRITE_SQL_MODE.split(",")) ^ mode)
    if wrong:
        yield failed(
            f"{target}: our session did not get the sql_mode that it asked for: {', '.join(wrong)} differs",
            f"look for what sets sql_mode again, such as init_connect or a proxy, for {target.endpoint.user}",
        )
    if value(target.connection, "SELECT @@session.foreign_key_checks"):
        yield failed(
            f"{target}: our session has foreign_key_checks on, so cascades would write what no transform made",
            f"look for what sets foreign_key_checks again, such as init_connect or a proxy, for {target.endpoint.user}",
        )
