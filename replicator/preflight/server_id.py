"""The numbers by which servers tell each other apart."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, warning


def check(context: Context) -> Iterator[Finding]:
    """Both servers have a server_id of their own."""
    for end in context.ends:
        if end.variables.get("server_id") == "0":
            yield failed(
                f"{end} has server_id 0 and will not send its binary log to anybody",
                "SET GLOBAL server_id = 1, or another number that no server of yours has; also in the configuration file",
            )
    ours, theirs = context.source.variables.get("server_id"), context.target.variables.get("server_id")
    if ours == theirs and not context.same_server:
        yield warning(
            f"both servers have server_id {ours}, so neither could ever replicate from the other",
            f"SET GLOBAL server_id = {int(ours or 0) + 1} at the target; also in the configuration file",
        )
