"""Generated columns."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed

_LEFT_OUT = (11, 8, 0)
"""From here on MariaDB leaves generated columns out of the images of updates and deletes."""


def check(context: Context) -> Iterator[Finding]:
    """Every column that a transform reads is in the binary log."""
    server = context.source.server
    if server.flavour != "mariadb" or server.version < _LEFT_OUT:
        return
    for source in context.plan.sources.values():
        for name in dict.fromkeys((*source.columns, *source.before)):
            if source.table.by_name[name].generated:
                yield failed(
                    f"source column {source.table.name}.{name} is generated, and {server} does not log it",
                    "compute it in the transform from the columns that it is made of",
                )
