"""Servers that the engine was made for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, ok

_OLDEST: Final = {"mysql": (8, 0, 0), "mariadb": (10, 6, 0)}


def check(context: Context) -> Iterator[Finding]:
    """Both servers are new enough."""
    for end in context.ends:
        major, minor, _ = oldest = _OLDEST[end.server.flavour]
        if end.server.version < oldest:
            yield failed(
                f"{end} is {end.server}, which is too old",
                f"upgrade it, or replicate from a replica that runs {major}.{minor} or newer",
            )
        else:
            yield ok(f"{end} is {end.server}")
