"""What an earlier run left behind."""

from __future__ import annotations

from collections.abc import Iterator

from replicator import state
from replicator.mysql.connection import rows
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, ok


def check(context: Context) -> Iterator[Finding]:
    """An earlier run of this migration can go on, or there is none."""
    config, source, target = context.config, context.source, context.target
    known = state.of(config)
    if not known.exists(target.connection):
        yield ok(f"migration {config.migration.name} has not begun")
        return
    phase = known.phase(target.connection)
    if phase == "aborted":
        yield failed(f"an abort of migration {config.migration.name} broke off", "type `replicator abort` again, which ends it")
        return
    if phase == "completed":
        yield failed(
            f"migration {config.migration.name} is completed",
            "disable its service; give another migration another [migration] name",
        )
        return
    checkpoint = known.checkpoint(target.connection, "forward")
    if checkpoint is None:
        yield ok(f"migration {config.migration.name} is {phase} and will go on")
    elif checkpoint.server != source.server.identity:
        yield failed(
            f"migration {config.migration.name} stands at {checkpoint.position} in the binary log of another server than "
            f"{source}: it was replaced, or restored from a backup",
            "point [source] at the server that it began with, or type `replicator abort` and begin again",
        )
    elif checkpoint.position.file not in {row[0] for row in rows(source.connection, "SHOW BINARY LOGS")}:
        yield failed(
            f"migration {config.migration.name} stands at {checkpoint.position}, and {source} has removed that file",
            "type `replicator abort` and begin again; keep the binary log for longer (binlog_expire_logs_seconds)",
        )
    else:
        yield ok(f"migration {config.migration.name} is {phase} and will go on at {checkpoint.position}")
