"""How long the copy will take and how much room it needs, from the sizes that the server keeps."""

from __future__ import annotations

from replicator.mysql.catalog import Table
from replicator.transform.plan import MigrationPlan, PlannedTransform

ROWS_PER_SECOND = 8_000
"""A modest share of what two cores were measured to copy through a transform: 20 columns, an index or two."""
BYTES_PER_SECOND = 8_000_000
LEAST_SECONDS = 0.1
"""Of a table, however small."""


def copy_seconds(table: Table) -> float:
    """Copying a source table once."""
    return max(table.row_estimate / ROWS_PER_SECOND, table.data_bytes / BYTES_PER_SECOND, LEAST_SECONDS)


def staging_seconds(plan: MigrationPlan) -> float:
    """Copying what cross-row transforms need to the target server."""
    return sum(copy_seconds(source.table) for source in plan.sources.values() if source.staged is not None)


def transform_seconds(transform: PlannedTransform) -> float:
    """Filling the target table from one transform's source, or from staging."""
    return copy_seconds(transform.source)


def plan_seconds(plan: MigrationPlan) -> float:
    """The whole copy, with one table after the other."""
    return staging_seconds(plan) + sum(transform_seconds(transform) for transform in plan.transforms)


def room_bytes(plan: MigrationPlan) -> int:
    """What the target server will need at most: the new tables, staging, and the binlog of writing them.

    Every transform is taken to keep all of its source's bytes, so this is more than it will be.
    """
    tables = sum(transform.source.data_bytes + transform.source.index_bytes for transform in plan.transforms)
    staging = sum(source.table.data_bytes for source in plan.sources.values() if source.staged is not None)
    binlog = sum(transform.source.data_bytes for transform in plan.transforms) + staging
    return tables + staging + binlog


def format_bytes(number: float) -> str:
    """As `1.5 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" or number >= 10 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def format_seconds(seconds: float) -> str:
    """As `2 h 5 min`."""
    if seconds < 60:
        return f"{max(seconds, 1):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days {hours % 24} h" if hours % 24 else f"{hours // 24} days"
