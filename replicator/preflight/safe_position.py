"""How the position is found from which the stream will begin."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, ok, warning


def check(context: Context) -> Iterator[Finding]:
    """A position is known before which everything is visible."""
    source = context.source
    if source.server.flavour == "mariadb":
        yield ok(f"{source}: the stream will begin at the binlog position of a consistent snapshot")
    elif source.variables.get("gtid_mode") == "ON":
        yield ok(f"{source}: the stream will begin behind the GTIDs that no transaction in progress owns")
    else:
        yield warning(
            f"{source}: gtid_mode is {source.variables.get('gtid_mode')}: the stream will begin at a new binlog file "
            "(FLUSH BINARY LOGS), and cannot go on at another server if this one fails over",
            "SET GLOBAL gtid_mode = ON, step by step as MySQL's manual says under “Enabling GTID Transactions Online”",
        )
