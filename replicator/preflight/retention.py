"""How long the source keeps its binary log."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.preflight.context import Context, End
from replicator.preflight.estimate import format_seconds, plan_seconds
from replicator.preflight.result import Finding, failed, ok, warning

_DAY = 86400


def check(context: Context) -> Iterator[Finding]:
    """The source keeps its binary log for longer than the copy takes."""
    source = context.source
    kept = retention(source)
    if kept is None:
        yield ok(f"{source} keeps its binary log for ever")
        return
    needed = plan_seconds(context.plan)
    seen = f"{source} keeps its binary log for {format_seconds(kept)}, the copy may take {format_seconds(needed)}"
    wanted = max(_DAY, round(3 * needed))
    fix = f"SET GLOBAL binlog_expire_logs_seconds = {wanted}; also in the configuration file"
    if kept < 2 * needed:
        yield failed(f"{seen}: the log may be gone before it is read", fix)
    elif kept < wanted:
        yield warning(f"{seen}: a longer pause than that could not be made good", fix)
    else:
        yield ok(seen)


def retention(end: End) -> float | None:
    """Seconds that binlog files are kept, None when they are never removed."""
    if end.variables.get("binlog_expire_logs_auto_purge", "ON").upper() in ("OFF", "0"):
        return None
    seconds = float(end.variables.get("binlog_expire_logs_seconds", 0))
    days = float(end.variables.get("expire_logs_days", 0))
    return seconds or days * _DAY or None
