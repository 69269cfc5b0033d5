"""The way back after the cutover."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, listed, warning


def check(context: Context) -> Iterator[Finding]:
    """Every target table has an inverse, so that a rollback loses no new writes."""
    declared = {inverse.target for inverse in context.declarations.inverses}
    missing = sorted({transform.target for transform in context.declarations.transforms} - declared)
    if missing:
        yield warning(
            f"no @inverse brings these target tables back to the source, so they could not be rolled back to after new "
            f"writes: {listed(missing, 100)}",
            f'write @inverse("{missing[0]}") beside its transform, or do without a rollback for them',
        )
