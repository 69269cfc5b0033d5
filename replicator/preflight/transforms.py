"""What the migration's files declare, held against both schemas."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, ok


def check(context: Context) -> Iterator[Finding]:
    """The transforms can be loaded and fit both schemas."""
    for problem in context.problems:
        place, _, _ = problem.partition(": ")
        file = place.startswith("/")  # else a server refused
        yield failed(problem, f"edit {place}" if file else "grant the accounts what docs/reference/grants.md lists")
    if not context.problems:
        yield ok(f"{len(context.plan.transforms)} transforms fit both schemas")

