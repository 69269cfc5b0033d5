"""The binary log."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, warning

_FIX = "set log_bin=binlog below [mysqld] in the server's configuration and restart it"


def check(context: Context) -> Iterator[Finding]:
    """Both servers write a binary log."""
    if not context.source.is_on("log_bin"):
        yield failed(f"{context.source} writes no binary log, so its changes cannot be followed", _FIX)
    if not context.target.is_on("log_bin") and not context.same_server:
        yield warning(f"{context.target} writes no binary log, so there would be no way back after the cutover", _FIX)
