"""What people see: plain data in, something to print out. On a terminal tables and bars, elsewhere one line a thing."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from replicator.preflight.result import CheckResult

Status = Mapping[str, Any]

_STYLES = {"replicating": "green", "reversing": "green", "completed": "green", "failed": "red", "paused": "yellow",
           "stopped": "yellow", "aborted": "yellow", "rolled_back": "yellow"}  # fmt: skip
_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red")}
_NAMED = 10
"""Units in quarantine that a person is shown."""
_WIDE = 100_000
"""Columns where nobody watches: a line is never broken there."""
_NARROW = 100
"""Columns below which a terminal is shown no more of a table than fits in 80."""


def console() -> Console:
    """Standard output; rich itself honours NO_COLOR."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)


def print_json(value: object) -> None:
    """One JSON document."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def compact_json(value: object) -> str:
    """JSON in one line."""
    return json.dumps(value, ensure_ascii=False, default=str)


def seconds(value: float | None) -> str:
    """A time span for people: `40 ms`, `1.5 s`, `3 min 20 s`, `2 h 5 min`."""
    if value is None:
        return "unknown"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 172800:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def size(value: float | None) -> str:
    """Bytes for people: `512 B`, `1.5 GiB`."""
    if value is None:
        return "unknown"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def number(value: float | None) -> str:
    """A count for people: `1 234 567`."""
    return "–" if value is None else f"{value:,.0f}".replace(",", "\u202f")


def position(value: Mapping[str, Any] | None) -> str:
    """File and offset, and the GTID where there is one."""
    return f"{value['file']}:{value['pos']} {value['gtid']}".rstrip() if value else "unknown"


def table(rows: Sequence[Mapping[str, Any]], right: Sequence[str] = ()) -> Table:
    """Dictionaries of equal keys as a table; the keys are the headings."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for name in rows[0] if rows else ():
        made.add_column(name.replace("_", " "), justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(value if isinstance(value, ProgressBar | Text) else Text(_text(value)) for value in row.values()))
    return made


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_text(entry) for entry in value) or "–"
    return str(value)


def status_view(status: Status) -> RenderableType:
    """The whole state."""
    parts: list[RenderableType] = [_headline(status), _facts(status)]
    if status["last_error"]:
        error = status["last_error"]
        parts += [Text(f"\n{error['error']} at {error['at']}", "red"), Text(error["message"])]
    if status["tables"]:
        narrow = console().width < _NARROW
        parts += [Text(), table(_shortened([_table_row(entry, narrow) for entry in status["tables"]], narrow),
                                right=("rows", "applied", "differences", "quarantined"))]  # fmt: skip
    if status.get("quarantine"):
        parts += [Text("\nin quarantine", "red"), table(status["quarantine"][:_NAMED])]
    if gates := status["cutover"]["gates"]:
        closed = [gate for gate in gates if not gate["ok"]]
        parts.append(Text(f"\ngates of the last cutover: {len(gates) - len(closed)} open, {len(closed)} closed", "dim"))
        parts += [gates_view(closed)] if closed else []
    return Group(*parts)


def _headline(status: Status) -> Text:
    phase = status["phase"]
    line = Text.assemble((status["migration"], "bold"), "  ", (phase.replace("_", " "), _STYLES.get(phase, "blue")))
    if phase != status["stage"]:
        line.append(f" (was {status['stage'].replace('_', ' ')})")
    line.append(f"  {status['direction']}, since {status['since']}", "dim")
    return line.append(f"  {status['activity']}") if status["activity"] else line


def _facts(status: Status) -> Table:
    copy = status["copy"]
    facts = {
        "lag": _lag(status) + _behind(status),
        "position": position(status["position"]),
        "upstream": position(status["source_position"]),
        "applied": f"{number(status['rows_applied'])} rows",
        "copied": f"{copy['ratio']:.1%}, {number(copy['rows'])} of {number(copy['rows_estimated'])} rows",
    }
    if copy["eta_seconds"] is not None:
        facts["time left"] = f"{seconds(copy['eta_seconds'])}, {number(copy['rows_per_second'])} rows/s"
    if status["throttle"]:
        facts["throttled"] = f"{status['throttle']['detail']} (since {status['throttle']['since']})"
    if status["quarantined_rows"]:
        facts["quarantined"] = f"{number(status['quarantined_rows'])} rows"
    if status["cutover"]["last_freeze_seconds"] is not None:
        facts["last freeze"] = seconds(status["cutover"]["last_freeze_seconds"])
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="dim")
    made.add_column(overflow="fold")
    for name, fact in facts.items():
        made.add_row(name, Text(fact))
    return made


def _lag(status: Status) -> str:
    if status["lag_seconds"] is None and status["lag_bytes"] is None:
        return seconds(None)
    return f"{seconds(status['lag_seconds'])}, {size(status['lag_bytes'])} of binlog"


def _shortened(rows: list[dict[str, Any]], narrow: bool) -> list[dict[str, Any]]:
    """On a narrow terminal without what says the least: names that are broken up say nothing."""
    if not narrow:
        return rows
    told = {name for row in rows for name in ("differences", "quarantined") if str(row[name]) != "0"}
    return [{name: row[name] for name in ("table", "state", "copied", "rows", "applied", *sorted(told))} for row in rows]


def _table_row(entry: Mapping[str, Any], narrow: bool) -> dict[str, Any]:
    done = entry["state"] == "done"
    bar = ProgressBar(
        1.0, entry["ratio"], width=10 if narrow else 20, complete_style="green" if done else "blue", finished_style="green"
    )
    other = entry["source"] != entry["table"]
    return {
        "table": f"{entry['table']} ← {entry['source']}" if other and narrow else entry["table"],
        "source": entry["source"] if other else "",
        "state": entry["state"],
        "copied": bar if sys.stdout.isatty() else f"{entry['ratio']:.1%}",
        "rows": number(entry["rows_copied"]),
        "applied": number(entry["rows_applied"]),
        "verified": entry["verified_at"],
        "differences": Text(number(entry["mismatched_rows"]), "red" if entry["mismatched_rows"] else ""),
        "quarantined": Text(number(entry["quarantined_rows"]), "red" if entry["quarantined_rows"] else ""),
    }


def gates_view(gates: Sequence[Mapping[str, Any]]) -> Table:
    """What stands between now and a cutover."""
    return table([
        {"": Text("✓", "green") if gate["ok"] else Text("✗", "red"), "gate": gate["name"], "is": gate["value"],
         "limit": gate["limit"]}
        for gate in gates
    ])  # fmt: skip


def status_line(status: Status) -> str:
    """The state in one line, for a watcher that is no terminal."""
    copy = status["copy"]
    line = f"{status['migration']} {status['phase']} lag={seconds(status['lag_seconds'])} copied={copy['ratio']:.1%}"
    if copy["eta_seconds"] is not None:
        line += f" left={seconds(copy['eta_seconds'])}"
    return line + _behind(status) + (f" throttled: {status['throttle']['detail']}" if status["throttle"] else "")


def _behind(status: Status) -> str:
    """What to say of a stream that does not catch up."""
    apply = status["apply"]
    if not apply["falls_behind"]:
        return ""
    return f", falls behind: {number(apply['rows_per_second'])} rows/s are {apply['speed']:.0%} of what comes"


def checks_view(results: Sequence[CheckResult], full: bool) -> Group:
    """The findings, each failure with its fix; `full` breaks lines for people."""
    lines = []
    for result in results:
        mark, style = _MARKS[result.status]
        line = Text.assemble((mark, style), f" {result.name}: {result.message}")
        if result.fix and result.status != "ok":
            line.append(f"\n  → {result.fix}" if full else f" → {result.fix}", "bold" if full else "")
        lines.append(line)
    count = {status: sum(result.status == status for result in results) for status in _MARKS}
    warnings = f"{count['warning']} warning{'' if count['warning'] == 1 else 's'}"
    lines.append(Text(f"{count['ok']} ok, {warnings}, {count['failed']} failed", "dim"))
    return Group(*lines)


def step_line(message: Mapping[str, Any]) -> Text:
    """One step of a command that is under way."""
    line = Text.assemble((f"{message.get('step', '')}", "bold"), f"  {message.get('message', '')}")
    return line.append(f"  {seconds(message['seconds'])}", "dim") if message.get("seconds") is not None else line


def outcome_view(message: Mapping[str, Any]) -> Group:
    """How a command ended: its lists as tables, its message last."""
    parts: list[RenderableType] = []
    for name, value in message.items():
        if isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
            parts += [Text(name.replace("_", " "), "bold"),
                      gates_view(value) if name == "gates" else table(value, right=_numbers(value))]  # fmt: skip
    if message.get("message"):
        parts.append(Text(str(message["message"])))
    return Group(*parts)


def _numbers(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [name for name in rows[0] if all(isinstance(row.get(name), int | float) for row in rows)]
