"""Seeing who holds a table."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.cutover.locks import problem_seeing_locks
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed


def check(context: Context) -> Iterator[Finding]:
    """The cutover can see who holds the tables that it has to freeze."""
    for end in context.ends if context.config.cutover.mode == "hooks" else (context.target,):
        problem = problem_seeing_locks(end.connection, end.server.flavour)
        if problem is not None:
            reason, fix = problem
            yield failed(f"{end}: sessions that hold a table cannot be seen, so the cutover would wait blindly: {reason}", fix)
