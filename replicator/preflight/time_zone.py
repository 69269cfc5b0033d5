"""UTC on every connection."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.mysql.connection import row
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed


def check(context: Context) -> Iterator[Finding]:
    """Our sessions on both servers are in UTC."""
    for end in context.ends:
        found = row(end.connection, "SELECT @@session.time_zone, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())")
        assert found is not None
        zone, offset = found
        if zone != "+00:00" or offset != 0:
            yield failed(
                f"{end}: our session is in time zone {zone} although it asked for +00:00",
                "look for what sets it again, such as init_connect or a proxy, and take it out for "
                f"{end.endpoint.user}",
            )
