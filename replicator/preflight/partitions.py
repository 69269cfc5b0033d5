"""Partitioned tables."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, warning


def check(context: Context) -> Iterator[Finding]:
    """Every row finds a partition, and none is dropped behind our back."""
    for source in context.plan.sources.values():
        if source.table.partitioned:
            yield warning(
                f"source table {source.table.name} is partitioned: dropping or truncating a partition is no row change, "
                "so it stops the stream",
                "suspend the job that removes old partitions until the cutover",
            )
    for table in context.plan.targets.values():
        if table.name in context.targets.bounded:
            yield warning(
                f"target table {table.name} has no partition for every value: a row outside stops the stream",
                f"ALTER TABLE {table.sql} ADD PARTITION (PARTITION rest VALUES LESS THAN MAXVALUE), or see that "
                "partitions are added ahead",
            )
