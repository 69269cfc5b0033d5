"""Room for the new tables."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from replicator.preflight.context import Context
from replicator.preflight.estimate import format_bytes, room_bytes
from replicator.preflight.result import Finding, failed, ok


def check(context: Context) -> Iterator[Finding]:
    """The target server has room for the new tables, staging and their binary log."""
    target = context.target
    needed = room_bytes(context.plan)
    folder = Path(target.variables.get("datadir", ""))
    # A server cannot be asked for its free space; on this host its folder can be looked at.
    if target.endpoint.unix_socket is None or not folder.is_dir():
        yield ok(f"{target} will need up to {format_bytes(needed)}: see that {folder} has them")
        return
    free = shutil.disk_usage(folder).free
    if free < needed:
        yield failed(
            f"{target} will need up to {format_bytes(needed)} and has {format_bytes(free)} left in {folder}",
            f"make {format_bytes(needed - free)} of room, or choose another target server",
        )
    else:
        yield ok(f"{target} will need up to {format_bytes(needed)} of the {format_bytes(free)} left in {folder}")
