"""Whole rows in the binary log."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed


def check(context: Context) -> Iterator[Finding]:
    """The source's binlog_row_image is FULL."""
    value = context.source.variables.get("binlog_row_image", "FULL")
    if value != "FULL":  # MariaDB's FULL_NODUP leaves unchanged columns out of after-images
        yield failed(
            f"{context.source}: binlog_row_image is {value}: columns that did not change are not in the log",
            "SET GLOBAL binlog_row_image = 'FULL'; also in the configuration file, and let the application reconnect: "
            "open sessions keep the old value",
        )
