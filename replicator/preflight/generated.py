"""Generated columns."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.mysql.catalog import CASCADING
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed
from replicator.transform.plan import SourceTable

_LEFT_OUT = (11, 8, 0)
"""From here on MariaDB leaves generated columns out of the images of updates and deletes."""


def check(context: Context) -> Iterator[Finding]:
    """Every column that a transform reads is in the binary log."""
    server = context.source.server
    if server.flavour == "mariadb" and server.version >= _LEFT_OUT:
        for source in context.plan.sources.values():
            for name in _generated(source):
                yield failed(
                    f"source column {source.table.name}.{name} is generated, and {server} does not log it",
                    "compute it in the transform from the columns that it is made of",
                )
    yield from _set_by_foreign_keys(context)


def _generated(source: SourceTable) -> list[str]:
    return [name for name in dict.fromkeys((*source.columns, *source.before)) if source.table.by_name[name].generated]


def _set_by_foreign_keys(context: Context) -> Iterator[Finding]:
    """What a foreign key does to a row is derived; what the server then makes of the row's columns is not."""
    for key in context.plan.cascades:
        source = context.plan.sources.get(key.table)
        if source is None or (key.on_delete != "SET NULL" and key.on_update not in CASCADING):
            continue
        set_by_key = {column.lower() for column in key.columns}
        for name in _generated(source):
            if made_of := sorted(set_by_key & source.table.made_of(name)):
                yield failed(
                    f"source column {key.table}.{name} is generated from {made_of[0]}, which the foreign key {key.name} changes"
                    f" when rows of {key.parent} go or change, and {context.source.server} does not log that",
                    "compute it in the transform from the columns that it is made of",
                )
