"""LOAD DATA LOCAL, the fastest way in."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, warning


def check(context: Context) -> Iterator[Finding]:
    """The target takes LOAD DATA LOCAL, by which the copy is fastest."""
    if not context.target.is_on("local_infile"):
        yield warning(
            f"{context.target}: local_infile is OFF: the copy inserts rows by statements, which takes longer",
            "SET GLOBAL local_infile = ON until the copy is done",
        )
