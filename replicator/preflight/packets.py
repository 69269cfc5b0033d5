"""The longest statement."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.estimate import format_bytes
from replicator.preflight.result import Finding, warning


def check(context: Context) -> Iterator[Finding]:
    """The target takes statements as long as the longest row of the source."""
    ours, theirs = (int(end.variables["max_allowed_packet"]) for end in (context.source, context.target))
    if theirs < ours:
        yield warning(
            f"{context.target} takes packets of {format_bytes(theirs)}, {context.source} of {format_bytes(ours)}: a row in "
            "between could not be written",
            f"SET GLOBAL max_allowed_packet = {ours} at the target; also in the configuration file",
        )
