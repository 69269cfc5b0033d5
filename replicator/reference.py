"""The reference pages in docs/reference, made from the code: `python -m replicator.reference` writes them.

A test compares them, so that they cannot fall behind.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from replicator import errors
from replicator.cli import COMMANDS, COMMON, Argument
from replicator.errors import ReplicatorError
from replicator.observe.metrics import METRICS
from replicator.preflight.registry import CHECKS
from replicator.progress import PHASES
from replicator.settings import SECTIONS, SETTINGS, Setting

FOLDER = Path(__file__).parents[1] / "docs/reference"

_EXIT_CODES = {
    0: "done",
    1: "internal error",
    2: "usage or configuration",
    3: "a check failed",
    4: "wrong state for this command",
    5: "source unreachable or refused",
    6: "target unreachable or refused",
    7: "verification found a difference",
    8: "cutover undone, nothing changed",
    9: "cutover or rollback ended in doubt: a person must look; the message says at what",
    130: "interrupted",
}


def pages() -> Mapping[str, str]:
    """File names and contents."""
    return {
        "checks.md": _checks(),
        "commands.md": _commands(),
        "configuration.md": _configuration(),
        "metrics.md": _metrics(),
        "errors.md": _errors(),
        "status.md": _status(),
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _commands() -> str:
    parts = [
        "# Commands\n",
        ("`replicator [--config FILE] COMMAND`, or `--config FILE` after the command. Output is for people on a terminal and "
        "one line a thing otherwise; `--json` prints one JSON document. `NO_COLOR` is honoured, and `REPLICATOR_DEBUG=1` "
        "adds the traceback to an error.\n"),
        "For every command:\n",
        _arguments(COMMON),
    ]
    for command in COMMANDS:
        parts += [f"## {command.name}\n", f"{command.help[0].upper()}{command.help[1:]}. {command.details}".strip() + "\n"]
        if command.arguments:
            parts.append(_arguments(command.arguments))
        parts.append(f"Example: `{command.example}`\n")
    return "\n".join(parts)


def _checks() -> str:
    return "\n".join([
        "# Checks\n",
        ("What `replicator check` looks at. All of them run; each is ok, a warning or failed, says what it saw and what to "
         "type. `replicator run` looks at them before it begins, and does not begin while one fails.\n"),
        _table(("check", "holds when"), ((f"`{name}`", inspect.getdoc(check) or "") for name, check in CHECKS.items())),
    ])  # fmt: skip


def _arguments(arguments: Sequence[Argument]) -> str:
    return _table(("argument", "meaning"), ((f"`{_usage(argument)}`", argument.help) for argument in arguments))


def _usage(argument: Argument) -> str:
    metavar = argument.options.get("metavar", "")
    return f"{argument.names[0]} {metavar}".strip() if argument.names[0].startswith("-") else metavar


def _configuration() -> str:
    parts = [
        "# replicator.toml\n",
        ("A flag (`--set SECTION.KEY=VALUE`) outranks the environment, the environment outranks the file, the file outranks "
        "the default. An unknown key is an error, and all errors are listed at once. Paths are relative to the file's "
        "folder, `~` is the home folder. Durations are written `500ms`, `1s`, `5m`, `2h` or `7d`. A password stands in none "
        "of them: name the place where it lies.\n"),
    ]
    for section in SECTIONS:
        parts.append(f"## [{section}]\n")
        rows = (
            (f"`{one.key}`", one.takes, _default(one), one.help, f"`{one.variable}`")
            for one in SETTINGS
            if one.section == section
        )
        parts.append(_table(("key", "takes", "default", "meaning", "environment"), rows))
    return "\n".join(parts)


def _default(setting: Setting) -> str:
    if setting.required:
        return "required"
    if setting.default is None:
        return "–"
    return f"`{setting.default}`" if setting.default != () else "none"


def _metrics() -> str:
    rows = ((f"`{one.name}`", one.kind, ", ".join(one.labels) or "–", one.help) for one in METRICS)
    return "\n".join(
        (
            "# Metrics\n",
            ("Served at `/metrics` of `[http] listen`, read at the moment of the scrape. Base units; labels are few and never "
            "hold a key or a position. What is not known is NaN. Those of the process (`process_resident_memory_bytes` and "
            "others) stand beside them.\n"),
            _table(("metric", "kind", "labels", "meaning"), rows),
            "A dashboard is in ops/grafana, alert rules are in ops/prometheus.\n",
        )
    )


def _errors() -> str:
    found = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, ReplicatorError)]
    rows = (
        (f"`{one.__name__}`", str(one.exit_code), "yes" if one.transient else "no", (one.__doc__ or "").splitlines()[0])
        for one in sorted(found, key=lambda one: (one.exit_code, one.__name__))
    )
    return "\n".join(
        (
            "# Errors and exit codes\n",
            _table(("exit code", "meaning"), ((str(code), meaning) for code, meaning in _EXIT_CODES.items())),
            ("The names below stand in the log, in `last_error` and in the label of `replicator_errors_total`. The daemon "
            "tries again by itself what trying again can help.\n"),
            _table(("error", "exit code", "tried again", "meaning"), rows),
        )
    )


def _status() -> str:
    return f"""# Status

`replicator status --json` and `/status.json` print the same document. It is stable: keys are only added. Times are UTC.

| key | meaning |
| --- | --- |
| `migration` | its name |
| `phase` | one of {", ".join(PHASES)}; or paused, stopped or failed where it is not running as it should |
| `stage` | the phase that it is in, also while it is paused, stopped or failed |
| `activity` | what is being done within the phase, for people |
| `direction` | forward: source to target; reverse: target to source |
| `since` | when this phase began |
| `connected` | whether the stream is attached to its upstream |
| `position` | up to where the stream is applied: `file`, `pos`, `gtid` |
| `source_position` | where the upstream's binlog ended when last looked at |
| `lag_seconds` | how far the downstream is behind; null when that is not known, never a stale good value |
| `lag_bytes` | binlog that is not applied yet; null when that is not known |
| `binlog_retention_seconds` | how long the upstream keeps binlogs; null: for ever |
| `binlog_retention_remaining_seconds` | until the binlog that is needed next goes; null when that is not known |
| `rows_applied` | target rows that the stream wrote |
| `apply` | of the last minute: `speed`, how many seconds of the upstream's changes are applied in a second (1 keeps up), and \
`rows_per_second`; null when that is not known. `falls_behind`: whether the lag is more than 10 s and grows. `eta_seconds`: \
until there is no lag any more, null where there is none to speak of or it grows |
| `copy` | `rows`, `rows_estimated`, `ratio` (0 to 1, and 1 only when done), `rows_per_second` of the last ten seconds, \
`eta_seconds` (stays while throttled; null when that cannot be told, as while units are built) |
| `tables` | per target table and source: `table`, `source`, `state` (waiting, copying, building, done), `rows_copied`, \
`rows_estimated`, `ratio`, `rows_applied`, `verified_at`, `mismatched_rows`, `quarantined_rows`. What is \
applied and quarantined is told of the whole target table, with the first of its sources; what a verification found, with \
each of them |
| `throttle` | null, or `reason`, `detail` and `since` of what copying and applying wait for |
| `quarantined_rows` | rows set aside, of all tables |
| `quarantine` | the first hundred of them: `table`, `key`, `column` (or null), `reason`, `since` |
| `last_error` | null, or `error` (its name), `message` and `at` |
| `cutover` | `ready`, the `gates` (`name`, `ok`, `value`, `limit`) and `last_freeze_seconds` |

`/healthz` answers 200 while the daemon's main loop moves, `/readyz` 200 while the phase is replicating or reversing, the
stream is connected and the lag is known and at most 10 s; otherwise both answer 503 with the reason.
"""


def main() -> int:
    """Write the pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
