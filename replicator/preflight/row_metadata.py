"""Names, signs and members in the binary log."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed


def check(context: Context) -> Iterator[Finding]:
    """The source's binlog_row_metadata is FULL."""
    value = context.source.variables.get("binlog_row_metadata", "missing")
    if value != "FULL":
        yield failed(
            f"{context.source}: binlog_row_metadata is {value}: the log names neither columns nor enum members",
            "SET GLOBAL binlog_row_metadata = 'FULL'; also in the configuration file",
        )
