"""A replica as the source."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.mysql.connection import row
from replicator.preflight.context import Context, End
from replicator.preflight.result import Finding, failed


def check(context: Context) -> Iterator[Finding]:
    """The source logs what it gets from a server of its own, if it is a replica."""
    source = context.source
    variable = "log_replica_updates" if "log_replica_updates" in source.variables else "log_slave_updates"
    if _is_replica(source) and not source.is_on(variable):
        yield failed(
            f"{source} is a replica and does not log the changes that it gets from its own source",
            f"set {variable}=ON below [mysqld] in its configuration and restart it, or replicate from its source",
        )


def _is_replica(end: End) -> bool:
    if end.server.flavour == "mariadb":
        if end.variables.get("gtid_slave_pos"):
            return True
        running = row(end.connection, "SHOW GLOBAL STATUS LIKE 'Slaves_running'")
        return running is not None and running[1] != "0"
    statement = "SHOW REPLICA STATUS" if end.server.version >= (8, 0, 22) else "SHOW SLAVE STATUS"
    return row(end.connection, statement) is not None
