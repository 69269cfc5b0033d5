"""The command line: one table of commands, from which parser, help and reference page are made."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from replicator import __version__, commands
from replicator.errors import ConfigError, Interrupted, ReplicatorError
from replicator.settings import BY_NAME, SettingError


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command, as argparse takes it."""

    names: tuple[str, ...]
    help: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def after(self) -> str:
        """Where the value goes of one that may stand before and after the command, when it stands after it."""
        return self.names[0].removeprefix("--") + "_after"


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `run` returns the exit code."""

    name: str
    help: str
    example: str
    run: Callable[[argparse.Namespace], int]
    arguments: tuple[Argument, ...] = ()
    details: str = ""


def _flag(name: str, text: str) -> Argument:
    return Argument((name,), text, {"action": "store_true"})


def _seconds(text: str) -> float | None:
    try:
        return cast(float | None, BY_NAME["cutover.max_freeze"].read(text))
    except SettingError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None


_JSON = _flag("--json", "print JSON")
_MAX_FREEZE = Argument(("--max-freeze",), "hold writes no longer than this, instead of [cutover] max_freeze",
                       {"type": _seconds, "metavar": "DURATION"})  # fmt: skip
_KILL_BLOCKERS = _flag("--kill-blockers", "end transactions that keep the freeze waiting, instead of giving up")
_DRY_RUN = _flag("--dry-run", "show the gates and the steps, change nothing")

COMMON = (
    Argument(("--config",), "the migration's replicator.toml; default: ./replicator.toml",
             {"metavar": "FILE", "type": Path}),
    Argument(("--set",), "a setting that overrides environment and file, such as copy.workers=4; may be repeated",
             {"metavar": "SECTION.KEY=VALUE", "action": "append"}),
)  # fmt: skip

COMMANDS: tuple[Command, ...] = (
    Command("init", "write a small working migration", "replicator init shop", commands.init,
            (Argument(("directory",), "the folder to write to", {"metavar": "DIR", "type": Path}),)),
    Command("check", "look at both servers, grants, schemas and transforms", "replicator check", commands.check,
            (_JSON,), "Shows every failure at once, each with its fix; exits with 3 when there is one, with 5 or 6 when "
            "source or target cannot be reached or refuses."),
    Command("plan", "show what will happen", "replicator plan --json", commands.plan, (_JSON,),
            "Per table rows, bytes, shape, staging and estimated time; and every source table and column that no "
            "transform reads and no drop_table or keep_table names."),
    Command("run", "run the migration: the daemon", "replicator run --once", commands.run,
            (_flag("--once", "exit when the copy is done, the lag is zero and a full verification has passed"),),
            "Creates what is missing, copies, catches up, verifies and keeps replicating; goes on by itself where an "
            "earlier run ended. SIGTERM stops it cleanly, SIGHUP rereads throttle and log level."),
    Command("copy-worker", "help the daemon to copy", "replicator copy-worker", commands.copy_worker, (),
            "Takes chunk after chunk until all are done, beside the daemon's own workers. Any number may run, on any host "
            "that has the migration's folder and reaches both servers; each may end at any moment."),
    Command("status", "show the state, from any shell", "replicator status --watch", commands.status,
            (_flag("--watch", "keep showing it, until interrupted"), _JSON),
            "Asks the daemon; where none runs, shows what it last stored."),
    Command("pause", "stop applying", "replicator pause", commands.pause, (_JSON,),
            "The daemon keeps running and stays connected; `replicator resume` goes on."),
    Command("resume", "go on applying", "replicator resume", commands.resume, (_JSON,)),
    Command("verify", "compare every target row with the transform of the source",
            "replicator verify --table customers --repair", commands.verify,
            (Argument(("--table",), "only this target table; may be repeated", {"action": "append", "metavar": "TABLE"}),
             _flag("--repair", "copy rows that differ once more, and look at them again"), _JSON),
            "Runs without stopping the stream, in the daemon or, where none runs, by itself. Exits with 7 when a "
            "difference stays."),
    Command("sample", "show one row on its way", "replicator sample appointments --key 4711", commands.sample,
            (Argument(("table",), "the target table", {"metavar": "TABLE"}),
             Argument(("--key",), "the source row's primary key, its columns separated by commas; default: any row",
                      {"metavar": "KEY"}), _JSON),
            "The source row, its related rows, what the transform makes of them, and what stands in the target."),
    Command("cutover", "switch the application to the target", "replicator cutover --dry-run", commands.cutover,
            (_DRY_RUN, _MAX_FREEZE, _KILL_BLOCKERS, _JSON),
            "Gates, freeze, drain, proof, switch, unfreeze; the reverse stream starts. Exits with 8 when the attempt "
            "was undone and nothing changed, with 9 when a person must look."),
    Command("rollback", "the cutover in the other direction", "replicator rollback --dry-run", commands.rollback,
            (_DRY_RUN, _MAX_FREEZE, _KILL_BLOCKERS, _JSON),
            "The old tables are taken into use again, with every write that came back to them; the stream then goes on "
            "forward, so that another cutover needs no copy. Exits as cutover does."),
    Command("complete", "end the reverse stream and remove the state", "replicator complete", commands.complete,
            (_JSON,), "The archive of the old tables stays. After this there is no rollback."),
    Command("abort", "end the migration before a cutover", "replicator abort --drop-target", commands.abort,
            (_flag("--drop-target", "also drop the target tables"), _JSON),
            "Removes staging and state, in the daemon or, where none runs, by itself."),
    Command("demo", "the whole story on private servers", "replicator demo", commands.demo,
            (Argument(("--server",), "mariadb or mysql; default: the first that is installed", {"metavar": "FLAVOUR"}),
             Argument(("--scale",), "how much data: 1.0, the default, is about 220,000 rows", {"metavar": "FACTOR"}),
             _flag("--keep", "keep configuration, logs and ledger afterwards")),
            "Private servers in a temporary folder, sample data, live traffic; from copy to cutover and back."),
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    made = argparse.ArgumentParser(
        "replicator",
        description="Online, exact replication of MySQL and MariaDB tables through Python transforms into a new schema.",
        epilog="Exit codes: 0 done, 1 internal error, 2 usage or configuration, 3 a check failed, 4 wrong state, "
        "5 source or 6 target unreachable or refused, 7 difference found, 8 cutover undone, 9 in doubt: look, "
        "130 interrupted.",
        allow_abbrev=False,
    )
    made.add_argument("--version", action="version", version=f"replicator {__version__}")
    for argument in COMMON:
        made.add_argument(*argument.names, help=argument.help, **argument.options)
    below = made.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        one = below.add_parser(
            command.name,
            help=command.help,
            description=f"{command.help[0].upper()}{command.help[1:]}. {command.details}",
            epilog=f"example: {command.example}",
            allow_abbrev=False,
        )
        for argument in COMMON:
            # Under names of their own: a command's values replace those that were given before it, defaults included.
            one.add_argument(*argument.names, help=argument.help, dest=argument.after, **argument.options)
        for argument in command.arguments:
            one.add_argument(*argument.names, help=argument.help, **argument.options)
        one.set_defaults(run=command.run)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Never raises, but for usage errors and --help, which argparse ends by SystemExit."""
    known = parser().parse_args(argv)
    try:
        code: int = known.run(known)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _failed("interrupted", Interrupted.exit_code)
    except BrokenPipeError:
        # The reader has seen enough, as in `replicator status | head -1`; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ConfigError as error:
        lines = "".join(f"\n  {problem}" for problem in error.problems) if len(error.problems) > 1 else f" {error}"
        return _failed(f"configuration:{lines}", error.exit_code)
    except ReplicatorError as error:
        return _failed(str(error), error.exit_code)
    except Exception as error:
        hint = "" if os.environ.get("REPLICATOR_DEBUG") == "1" else "; REPLICATOR_DEBUG=1 shows where"
        return _failed(f"internal error: {type(error).__name__}: {error}{hint}", ReplicatorError.exit_code)
    return code


def _failed(message: str, code: int) -> int:
    if os.environ.get("REPLICATOR_DEBUG") == "1":
        traceback.print_exc()
    print(f"replicator: {message}", file=sys.stderr)
    return code
