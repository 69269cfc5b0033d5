"""Prepared XA transactions."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.mysql.xa import prepared
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, warning


def check(context: Context) -> Iterator[Finding]:
    """XA transactions that are prepared and undecided: the copy begins when they are decided."""
    for xid in prepared(context.source.connection):
        yield warning(
            f"{context.source}: the XA transaction {xid} is prepared: its rows stand in the binary log, and the copy waits "
            "until it is known whether they are in the tables",
            f"where nobody is going to decide about it: XA COMMIT {xid}; or XA ROLLBACK {xid}",
        )
