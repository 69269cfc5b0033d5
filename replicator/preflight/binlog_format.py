"""Rows, not statements, in the binary log."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed


def check(context: Context) -> Iterator[Finding]:
    """The source's binlog_format is ROW."""
    # MySQL has said that the variable will go; ROW is then the only format.
    value = context.source.variables.get("binlog_format", "ROW")
    if value != "ROW":
        yield failed(
            f"{context.source}: binlog_format is {value}: statements cannot be replayed exactly",
            "SET GLOBAL binlog_format = 'ROW'; also in the configuration file, and let the application reconnect: "
            "open sessions keep the old value",
        )
