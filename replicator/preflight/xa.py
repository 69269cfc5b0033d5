"""Prepared XA transactions."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.mysql.connection import rows
from replicator.preflight.context import Context, End
from replicator.preflight.result import Finding, failed


def check(context: Context) -> Iterator[Finding]:
    """No XA transaction is prepared and undecided."""
    for name in prepared(context.source):
        yield failed(
            f"{context.source}: the XA transaction {name} is prepared: its rows are in the binary log, and nobody knows "
            "yet whether they will ever be in the tables",
            f"XA COMMIT {name}; or XA ROLLBACK {name}",
        )


def prepared(end: End) -> Iterator[str]:
    """The ids of prepared XA transactions, as XA COMMIT takes them."""
    if end.server.flavour == "mariadb":
        yield from (str(found[3]) for found in rows(end.connection, "XA RECOVER FORMAT='SQL'"))
        return
    for format_id, length, _, data in rows(end.connection, "XA RECOVER CONVERT XID"):
        digits = str(data).removeprefix("0x")
        parts = [f"x'{part}'" for part in (digits[: 2 * length], digits[2 * length :])]
        yield f"{', '.join(parts)}, {format_id}"
