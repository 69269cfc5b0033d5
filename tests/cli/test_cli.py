"""The command line: what is asked of whom, what is printed where, and which exit code it ends with."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import types
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from replicator import cli, commands
from replicator.config import Config, load
from replicator.errors import (
    BinlogPurged,
    CutoverInDoubt,
    CutoverUndone,
    ReplicatorError,
    SourceError,
    TargetError,
    VerificationFailed,
)
from replicator.observe.control import ControlServer, DaemonGone, Message
from replicator.preflight import CheckResult
from replicator.progress import Gate, Progress

CONFIG = """\
[migration]
name = "shop"
[source]
url = "mysql://a@127.0.0.1:1/shop"
[target]
url = "mysql://a@127.0.0.1:1/shop_new"
[control]
socket = "control.sock"
[http]
listen = "127.0.0.1:0"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REPLICATOR_DEBUG", raising=False)
    (tmp_path / "transforms").mkdir()
    (tmp_path / "replicator.toml").write_text(CONFIG)
    return tmp_path


class Daemon:
    """Answers on the control socket, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Message]] = []
        self.progress = Progress("shop")

    def __call__(self, command: str, arguments: Message) -> Iterator[Message]:
        self.asked.append((command, arguments))
        if command == "status":
            yield {"done": True, "exit_code": 0, "status": self.progress.snapshot()}
            return
        yield {"step": "freeze", "message": "writes are held", "seconds": 0.02}
        if command == "rollback":
            raise CutoverUndone("the lag rose to 4 s: nothing has changed, try again")
        tables = [{"table": "customers", "rows": 10, "mismatched_rows": 1}]
        gates = [{"name": "lag", "ok": True, "value": "0.04 s", "limit": "1 s"}]
        code = 7 if command == "verify" else 0
        yield {"done": True, "exit_code": code, "message": "it is done", "tables": tables, "gates": gates}


@pytest.fixture
def daemon(folder: Path) -> Iterator[Daemon]:
    one = Daemon()
    with ControlServer(folder / "control.sock", one, config=folder / "replicator.toml"):
        yield one


def replace(monkeypatch: pytest.MonkeyPatch, module: str, **functions: Any) -> None:
    """Put a module in the place of one that would need servers."""
    made = types.ModuleType(module)
    vars(made).update(functions)
    monkeypatch.setitem(sys.modules, module, made)


# Help and usage


def test_every_documented_command_is_there() -> None:
    assert [command.name for command in cli.COMMANDS] == [
        "init", "check", "plan", "run", "copy-worker", "status", "pause", "resume", "verify", "sample", "cutover", "rollback",
        "complete", "abort", "demo",
    ]  # fmt: skip


@pytest.mark.parametrize("command", [command.name for command in cli.COMMANDS])
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([command, "--help"])
    assert caught.value.code == 0
    assert f"example: replicator {command}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["dance"], ["status", "--loud"], ["cutover", "--max-freeze", "5"],
                                       ["cutover", "--max-freeze", "0s"], ["rollback", "--max-freeze", "99ms"], ["sample"]])
def test_usage_errors_are_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2


def test_abbreviations_are_refused_since_new_flags_would_break_them(folder: Path) -> None:
    with pytest.raises(SystemExit):
        cli.main(["abort", "--drop"])


# Configuration


def test_config_before_or_after_the_command(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = str(Path.cwd() / "replicator.toml")
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert cli.main(["--config", file, "pause"]) == 0
    assert cli.main(["pause", "--config", file]) == 0
    assert cli.main(["--config", "other.toml", "pause", "--config", file]) == 0
    assert cli.main(["pause"]) == 2


def test_settings_on_both_sides_of_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Config] = []
    replace(monkeypatch, "replicator.plan", make_plan_report=seen.append, render=lambda report, console: None)
    cli.main(["--set", "copy.workers=4", "plan", "--set", "cutover.max_freeze=2s"])
    assert (seen[0].copy.workers, seen[0].cutover.max_freeze) == (4, 2.0)


def test_all_problems_of_the_configuration_are_told_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--set", "copy.worker=4", "--set", "http.listen=x"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("command line") == 2
    assert "Traceback" not in output.err


def test_set_without_a_value(folder: Path) -> None:
    assert cli.main(["status", "--set", "copy.workers"]) == 2


# Errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SourceError("x"), 5), (BinlogPurged("x"), 5), (TargetError("x"), 6), (VerificationFailed("x"), 7),
        (CutoverInDoubt("x"), 9), (ReplicatorError("x"), 1), (KeyError("x"), 1), (KeyboardInterrupt(), 130),
    ],
)  # fmt: skip
def test_the_error_decides_the_exit_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    def fail(_config: Config) -> None:
        raise error

    replace(monkeypatch, "replicator.plan", make_plan_report=fail, render=None)
    assert cli.main(["plan"]) == code
    output = capsys.readouterr()
    assert output.err.startswith("replicator: ")
    assert "Traceback" not in output.err
    monkeypatch.setenv("REPLICATOR_DEBUG", "1")
    cli.main(["plan"])
    assert "Traceback" in capsys.readouterr().err


# init


def test_init_writes_a_migration_that_loads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli.main(["init", "new/shop"]) == 0
    config = load(folder / "new/shop/replicator.toml", {"XDG_RUNTIME_DIR": str(folder)})
    assert config.migration.schema == folder / "new/shop/schema/target"
    assert not list((folder / "new/shop").rglob("__pycache__"))


def test_init_writes_over_nothing(folder: Path) -> None:
    (folder / "shop/schema/target").mkdir(parents=True)
    (folder / "shop/schema/target/shop.sql").write_text("mine")
    assert cli.main(["init", "shop"]) == 2
    assert [file.name for file in folder.joinpath("shop").rglob("*") if file.is_file()] == ["shop.sql"]
    assert (folder / "shop/schema/target/shop.sql").read_text() == "mine"


# check


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("warning", 0), ("failed", 3)])
def test_check(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: Any, code: int
) -> None:
    results = [CheckResult("log_bin", "ok", "binlog is on"), CheckResult("retention", status, "an hour", "raise it")]
    monkeypatch.setattr("replicator.preflight.run_checks", lambda _config: results)
    assert cli.main(["check"]) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].rstrip() == "✓ log_bin: binlog is on"
    assert ("→ raise it" in lines[1]) is (status != "ok")
    assert cli.main(["check", "--json"]) == code
    printed = json.loads(capsys.readouterr().out)
    assert printed["ok"] is (code == 0)
    assert printed["checks"][1] == {"name": "retention", "status": status, "message": "an hour", "fix": "raise it"}


# status


def test_status_asks_the_daemon(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    progress = daemon.progress
    progress.expect("customers", "kunden", 100)
    progress.enter("copying")
    progress.copied("customers", 25)
    progress.throttled("replica_lag", "r1 is 12 s behind")
    progress.gated([Gate("verified", False, "never", "1 h ago")])
    assert cli.main(["status", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["phase"] == "copying"
    assert printed["tables"][0]["rows_copied"] == 25
    assert cli.main(["status"]) == 0
    shown = capsys.readouterr().out
    for text in ("shop", "copying", "unknown", "25.0%", "customers", "kunden", "r1 is 12 s behind", "verified"):
        assert text in shown


def test_status_without_a_daemon_is_what_the_last_one_stored(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress("shop")
    progress.enter("replicating")
    progress.connected("forward")
    progress.proved("forward", 0)
    stored: dict[str, Any] | None = progress.snapshot()
    replace(monkeypatch, "replicator.state", read_status=lambda _config: stored)
    assert cli.main(["status", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["phase"], printed["stage"]) == ("stopped", "replicating")
    assert printed["lag_seconds"] is None
    assert printed["connected"] is False
    stored = {}
    assert cli.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["phase"] == "stopped"
    stored = None
    assert cli.main(["status"]) == 4
    assert "has not begun" in capsys.readouterr().err


@pytest.mark.parametrize("phase", ["completed", "aborted", "failed"])
def test_what_has_ended_stays_so(phase: str) -> None:
    assert commands.as_stopped({**Progress("shop").snapshot(), "phase": phase})["phase"] == phase


def test_status_of_another_migration_of_the_same_name(folder: Path, daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/transforms").mkdir()
    (tmp_path / "copy/replicator.toml").write_text(CONFIG.replace('"control.sock"', '"../control.sock"'))
    assert cli.main(["abort", "--config", "copy/replicator.toml"]) == 4
    assert cli.main(["status", "--config", "copy/replicator.toml"]) == 4
    assert daemon.asked == []


# Commands that the daemon does


def test_commands_reach_the_daemon_with_their_arguments(daemon: Daemon) -> None:
    for line in ("pause", "resume", "complete", "cutover --dry-run --max-freeze 500ms --kill-blockers",
                 "abort --drop-target"):  # fmt: skip
        assert cli.main(line.split()) == 0
    assert cli.main(["verify", "--table", "a", "--table", "b", "--repair"]) == 7
    assert cli.main(["rollback", "--kill-blockers"]) == 8
    assert daemon.asked == [
        ("pause", {}),
        ("resume", {}),
        ("complete", {}),
        ("cutover", {"dry_run": True, "max_freeze": 0.5, "kill_blockers": True}),
        ("abort", {"drop_target": True}),
        ("verify", {"tables": ["a", "b"], "repair": True}),
        ("rollback", {"dry_run": False, "max_freeze": None, "kill_blockers": True}),
    ]


def test_steps_are_shown_line_by_line_and_the_outcome_last(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cutover"]) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "freeze  writes are held  20 ms"
    assert lines[-1] == "it is done"
    assert any("customers" in line for line in lines)
    assert any("0.04 s" in line for line in lines)


def test_json_is_one_document(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", "--json"]) == 7
    assert json.loads(capsys.readouterr().out)["tables"][0]["mismatched_rows"] == 1


def test_an_error_of_the_daemon_keeps_its_exit_code(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rollback"]) == 8
    assert capsys.readouterr().err == "replicator: the lag rose to 4 s: nothing has changed, try again\n"


@pytest.mark.parametrize("command", ["pause", "resume", "cutover", "rollback", "complete"])
def test_without_a_daemon(folder: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert cli.main([command]) == 4
    assert "no daemon is running" in capsys.readouterr().err


def test_verify_and_abort_work_without_a_daemon(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Message]] = []

    def offline(_config: Config, arguments: Message) -> Iterator[Message]:
        asked.append((_config.migration.name, arguments))
        yield {"done": True, "exit_code": 0}

    replace(monkeypatch, "replicator.daemon", verify_offline=offline, abort_offline=offline)
    assert cli.main(["verify"]) == 0
    assert cli.main(["abort"]) == 0
    assert asked == [("shop", {"tables": [], "repair": False}), ("shop", {"drop_target": False})]


def test_a_daemon_that_dies_during_the_cutover_leaves_doubt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(_path: Path, command: str, _arguments: Message, **_: object) -> Iterator[Message]:
        yield {"step": "freeze", "message": "writes are held"}
        raise DaemonGone(f"the daemon ended before it had finished {command}")

    monkeypatch.setattr(commands, "request", dying)
    assert cli.main(["cutover"]) == 9
    assert cli.main(["cutover", "--dry-run"]) == 1
    assert cli.main(["pause"]) == 1


def test_interrupting_does_not_pretend_that_the_command_stopped(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> Iterator[Message]:
        yield {"step": "freeze", "message": "writes are held"}
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "request", interrupted)
    assert cli.main(["cutover"]) == 130
    assert "runs to its end" in capsys.readouterr().err


# sample, demo


def test_sample_and_demo_get_their_arguments(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def sample(_config: Config, table: str, key: str | None) -> dict[str, Any]:
        seen.append((table, key))
        return {"source": [{"id": 1}]}

    def story(arguments: list[str]) -> int:
        seen.append(arguments)
        return 3

    replace(monkeypatch, "replicator.sample", sample=sample, render=lambda report, console: None)
    replace(monkeypatch, "replicator.demo.story", main=story)
    assert cli.main(["sample", "orders", "--key", "1"]) == 0
    assert cli.main(["sample", "orders", "--json"]) == 0
    assert cli.main(["demo", "--server", "mysql", "--keep"]) == 3
    assert seen == [("orders", "1"), ("orders", None), ["--server", "mysql", "--keep"]]


# As a process


def started(folder: Path, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "replicator", *arguments], cwd=folder, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, preexec_fn=heed_interrupts, **options,
    )  # fmt: skip


def heed_interrupts() -> None:
    """A job that a shell began in the background ignores SIGINT, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupt_while_it_is_being_loaded_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "rich.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    with started(tmp_path, "status", env={**os.environ, "PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}) as process:
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "replicator: interrupted\n")


def terminal(folder: Path, columns: int, *arguments: str) -> list[str]:
    """What a command shows on a terminal of this width, line by line, without colours."""
    main, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    ours = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}  # which overrule a terminal
    with started_on(folder, end, {**ours, "TERM": "xterm", "NO_COLOR": "1"}, *arguments):
        os.close(end)
        shown = b""
        with suppress(OSError):  # what reading the end of a terminal is
            while part := os.read(main, 1 << 16):
                shown += part
    os.close(main)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode()).splitlines()


def started_on(folder: Path, end: int, environ: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "replicator", *arguments]
    return subprocess.Popen(command, cwd=folder, stdin=end, stdout=end, stderr=end, env=environ)


@pytest.mark.parametrize("columns", [80, 160])
def test_no_name_is_broken_up_on_a_terminal(daemon: Daemon, folder: Path, columns: int) -> None:
    for table, source in (("customers", "customers"), ("appointment_reminders", "calendar_entries")):
        daemon.progress.expect(table, source, 100_000)
        daemon.progress.copied(table, 99_000, source)
    daemon.progress.gated([Gate("verified", False, "never", "1 h ago"), Gate("lag", True, "0.1 s", "1 s")])
    lines = terminal(folder, columns, "status")
    row = next(line.split() for line in lines if line.startswith("appointment_reminders"))
    assert "calendar_entries" in row
    assert any(line.split()[:5] == ["table", "state", "copied", "rows", "applied"] for line in lines) == (columns == 80)
    assert [line.split()[:2] for line in lines if line[:1] in ("✓", "✗")] == [["✗", "verified"]], "only what is closed"
    assert not any(line.startswith("lag") and "of binlog" in line for line in lines), "nothing is known of it"


def test_a_line_is_never_broken_where_nobody_watches(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = [CheckResult("grants", "failed", "no " * 1000, "GRANT it")]
    monkeypatch.setattr("replicator.preflight.run_checks", lambda _config: results)
    assert cli.main(["check"]) == 3
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_watching_ends_with_an_interrupt(daemon: Daemon, folder: Path) -> None:
    with started(folder, "status", "--watch") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("shop preparing")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert errors == "replicator: interrupted\n"


def test_a_reader_that_has_seen_enough_is_no_error(daemon: Daemon, folder: Path) -> None:
    with started(folder, "status", "--watch", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["phase"] == "preparing"
        process.stdout.close()
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""


def test_no_secret_is_taken_from_the_command_line() -> None:
    flags = [name for command in cli.COMMANDS for argument in (*command.arguments, *cli.COMMON) for name in argument.names]
    assert not [flag for flag in flags if "pass" in flag]
