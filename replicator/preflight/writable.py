"""Servers that let themselves be written to."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed


def check(context: Context) -> Iterator[Finding]:
    """The target can be written to, and the source as far as the heartbeat needs it."""
    if context.target.is_on("read_only"):
        yield failed(f"{context.target} is read-only", "SET GLOBAL read_only = OFF, or correct [target] url")
    if context.config.stream.heartbeat is not None and context.source.is_on("read_only"):
        yield failed(
            f"{context.source} is read-only, so no heartbeat can be written there",
            'set heartbeat = "off" below [stream], or SET GLOBAL read_only = OFF',
        )
