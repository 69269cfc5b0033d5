"""What each command does. Heavy parts are imported by the command that needs them: `status` loads no engine."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from importlib import import_module, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from replicator import views
from replicator.config import Config, load
from replicator.errors import ConfigError, CutoverInDoubt, Interrupted, WrongState
from replicator.observe.control import DaemonGone, Message, NoDaemon, request
from replicator.progress import Progress
from replicator.progress_parts import ENDED

_REFRESH = 1.0


def init(args: argparse.Namespace) -> int:
    """Write the template; never over something that is there."""
    target: Path = args.directory
    files = dict(_files(resources.files("replicator").joinpath("init_template"), Path()))
    if there := [str(target / name) for name in files if (target / name).exists()]:
        raise ConfigError(f"{target}: {', '.join(there)} exist already: name a folder without them")
    try:
        for name, content in files.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(content)
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}: name a folder that can be written") from None
    print(f"{target}: {len(files)} files written. Read README.md there, adapt replicator.toml, then run\n"
          f"  replicator --config {target / 'replicator.toml'} check")  # fmt: skip
    return 0


def check(args: argparse.Namespace) -> int:
    """All preflight checks; 3 when one failed, 5 or 6 when a server was not reached or refuses."""
    from replicator.preflight import failure, run_checks

    results = run_checks(_config(args))
    failed = failure(results)
    if args.json:
        views.print_json({"ok": failed is None, "checks": [asdict(result) for result in results]})
    else:
        views.console().print(views.checks_view(results, full=sys.stdout.isatty()))
    return 0 if failed is None else failed.exit_code


def plan(args: argparse.Namespace) -> int:
    """What will happen."""
    from replicator.plan import make_plan_report, render

    return _shown(make_plan_report(_config(args)), render, args)


def sample(args: argparse.Namespace) -> int:
    """One row on its way."""
    from replicator.sample import render
    from replicator.sample import sample as one_row

    return _shown(one_row(_config(args), args.table, args.key), render, args)


def run(args: argparse.Namespace) -> int:
    """The daemon, and the process around it."""
    from replicator.process import run_process

    return run_process(_config(args), once=args.once, reread=lambda: _config(args))


def copy_worker(args: argparse.Namespace) -> int:
    """Help a daemon to copy, from this host."""
    from replicator.copy.worker import help_copying

    help_copying(_config(args))
    return 0


def status(args: argparse.Namespace) -> int:
    """The state once, or until interrupted."""
    config = _config(args)
    if not args.watch:
        if args.json:
            views.print_json(current_status(config))
        else:
            views.console().print(views.status_view(current_status(config)))
        return 0
    if args.json or not sys.stdout.isatty():
        while True:
            now = current_status(config)
            print(views.compact_json(now) if args.json else views.status_line(now), flush=True)
            time.sleep(_REFRESH)
    with Live(views.status_view(current_status(config)), console=views.console(), auto_refresh=False) as live:
        while True:
            time.sleep(_REFRESH)
            live.update(views.status_view(current_status(config)), refresh=True)


def current_status(config: Config) -> dict[str, Any]:
    """What the daemon says, or what the last one stored. Raises WrongState where there never was one."""
    try:
        *_, last = request(config.control.socket, "status", config=config.path)
        if "error" in last:
            raise WrongState(str(last["message"]))
        found: dict[str, Any] = last["status"]
        return found
    except NoDaemon:
        from replicator.state import read_status

        stored = read_status(config)
    if stored is None:
        raise WrongState(f"{config.migration.name} has not begun: `replicator run` begins it")
    return as_stopped({**Progress(config.migration.name).snapshot(), **stored})


def as_stopped(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A stored status without what only a running daemon knows."""
    return {
        **stored,
        "phase": stored["phase"] if stored["phase"] in (*ENDED, "failed") else "stopped",
        "connected": False,
        "lag_seconds": None,
        "lag_bytes": None,
        "apply": {"speed": None, "rows_per_second": None, "falls_behind": False, "eta_seconds": None},
        "throttle": None,
        "copy": {**stored["copy"], "rows_per_second": 0, "eta_seconds": None},
        "cutover": {**stored["cutover"], "ready": False},
    }


def pause(args: argparse.Namespace) -> int:
    """Stop applying."""
    return _ask(args, "pause", {})


def resume(args: argparse.Namespace) -> int:
    """Go on applying."""
    return _ask(args, "resume", {})


def verify(args: argparse.Namespace) -> int:
    """Compare, by the daemon or by ourselves."""
    return _ask(args, "verify", {"tables": args.table or [], "repair": args.repair}, offline="verify_offline")


def cutover(args: argparse.Namespace) -> int:
    """Switch."""
    arguments = {"dry_run": args.dry_run, "max_freeze": args.max_freeze, "kill_blockers": args.kill_blockers}
    return _ask(args, "cutover", arguments)


def rollback(args: argparse.Namespace) -> int:
    """Switch back."""
    arguments = {"dry_run": args.dry_run, "max_freeze": args.max_freeze, "kill_blockers": args.kill_blockers}
    return _ask(args, "rollback", arguments)


def complete(args: argparse.Namespace) -> int:
    """End it for good."""
    return _ask(args, "complete", {})


def abort(args: argparse.Namespace) -> int:
    """Take it back, by the daemon or by ourselves."""
    return _ask(args, "abort", {"drop_target": args.drop_target}, offline="abort_offline")


def demo(args: argparse.Namespace) -> int:
    """The whole story."""
    from replicator.demo.story import main

    chosen = {"--server": args.server, "--scale": args.scale}
    arguments = [word for flag, value in chosen.items() if value is not None for word in (flag, value)]
    return main([*arguments, *(["--keep"] if args.keep else [])])


def _config(args: argparse.Namespace) -> Config:
    overrides = {}
    for assignment in [*(args.set or ()), *(args.set_after or ())]:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise ConfigError(f"command line: --set {name}: write it as SECTION.KEY=VALUE")
        overrides[name] = value
    return load(args.config_after or args.config or Path("replicator.toml"), os.environ, overrides)


def _ask(args: argparse.Namespace, command: str, arguments: Message, offline: str | None = None) -> int:
    """Have the daemon do it and show how it goes; where none runs, do it here if `offline` names who can."""
    config = _config(args)
    messages = request(config.control.socket, command, arguments, config=config.path)
    if offline is not None:
        messages = _or_here(messages, lambda: getattr(import_module("replicator.daemon"), offline)(config, arguments))
    console = views.console()
    last: Message = {}
    try:
        for last in messages:
            if "done" not in last and "error" not in last and not args.json:
                console.print(views.step_line(last))
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted, but {command} has begun and runs to its end: `replicator status` shows it") from None
    except DaemonGone as error:
        if command in ("cutover", "rollback") and not arguments["dry_run"]:
            raise CutoverInDoubt(
                f"the daemon ended during the {command}: start `replicator run` again, which finishes the attempt or "
                "undoes it; until then nobody knows which side takes writes"
            ) from error
        raise
    if args.json:
        views.print_json(last)
    elif "error" not in last:
        console.print(views.outcome_view(last))
    if "error" in last:
        print(f"replicator: {last['message']}", file=sys.stderr)
    return int(last["exit_code"])


def _or_here(messages: Iterator[Message], here: Callable[[], Iterator[Message]]) -> Iterator[Message]:
    try:
        first = next(messages)
    except NoDaemon:
        yield from here()
        return
    yield first
    yield from messages


def _shown(report: Message, render: Callable[[Message, Console], None], args: argparse.Namespace) -> int:
    if args.json:
        views.print_json(report)
    else:
        render(report, views.console())
    return 0


def _files(folder: Traversable, below: Path) -> Iterator[tuple[Path, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _files(entry, below / entry.name)
        elif entry.is_file():
            yield below / entry.name, entry.read_bytes()
