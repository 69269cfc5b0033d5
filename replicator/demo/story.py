"""`replicator demo`: the main job on private servers, from a legacy schema in use to the new one, with proofs at the end.

Everything is done as an operator would do it: the daemon is `replicator run` with a configuration file, the switch is
`replicator cutover`. What is claimed at the end is counted by others than the engine wherever that can be: the application's
own ledger of acknowledged writes, and the stalls that its clients felt.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
from pymysql.constants import CLIENT
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from replicator import views
from replicator.commands import current_status
from replicator.config import Config, load
from replicator.demo import askproai_folder
from replicator.demo.data import generate
from replicator.demo.servers import FLAVOURS, Flavour, Server, find_flavours, launch
from replicator.demo.traffic import Traffic, TrafficStats, check_ledger
from replicator.errors import ReplicatorError, WrongState

SOURCE, TARGET, ARCHIVE = "askproai_db", "askproai_migration", "askproai_db_old"
NEW_TABLES = 18
RATE = 150.0
"""Write transactions a second of the application."""
CLIENTS = 8
STALL_LIMIT = 1.0
"""Seconds that a client may wait at the cutover."""
AFTERWARDS = 4.0
"""Seconds that the application works on the new tables before it is asked what it remembers."""
PATIENCE = 180.0


class DemoFailed(ReplicatorError):
    """The story did not end as it should; the message says where the logs are."""


@dataclass(slots=True)
class Story:
    """What has been told so far."""

    console: Console
    folder: Path
    steps: list[tuple[str, str, float]] = field(default_factory=list)
    proofs: list[tuple[str, str, bool]] = field(default_factory=list)

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Time a step; what it calls back with is what it came to."""
        outcome = [""]

        def came_to(text: str) -> None:
            outcome[0] = text

        started = time.monotonic()
        yield came_to
        seconds = time.monotonic() - started
        self.steps.append((title, outcome[0], seconds))
        self.console.print(f"[green]✓[/] {title}: {outcome[0]} [dim]({views.seconds(seconds)})[/]")

    def proof(self, what: str, value: str, ok: bool) -> None:
        """Something that must hold."""
        self.proofs.append((what, value, ok))

    @property
    def log(self) -> Path:
        """Where the daemon writes."""
        return self.folder / "daemon.log"


def main(arguments: Sequence[str]) -> int:
    """Tell the story; 0 when every proof holds."""
    parser = argparse.ArgumentParser(prog="replicator demo", description="The whole story on private servers.")
    parser.add_argument("--server", choices=FLAVOURS, help="default: the first that is installed")
    parser.add_argument("--scale", type=float, default=1.0, help="1.0 is about 220,000 rows")
    parser.add_argument("--keep", action="store_true", help="keep configuration, logs and ledger afterwards")
    options = parser.parse_args(arguments)
    console = views.console()
    found = find_flavours()
    if not found:
        raise WrongState("no server is installed that the demo could start: run ops/install/install.sh, or `make demo`")
    flavour: Flavour = options.server or next(name for name in FLAVOURS if name in found)
    if flavour not in found:
        raise WrongState(f"no {flavour} server is installed: run ops/install/install.sh")
    folder = Path(tempfile.mkdtemp(prefix="replicator-demo-"))
    story = Story(console, folder)
    try:
        _tell(story, flavour, options.scale)
    except BaseException:
        console.print(f"[red]The demo failed.[/] Its files are kept in {folder}")
        raise
    good = all(ok for _, _, ok in story.proofs)
    _summary(story)
    if good and not options.keep:
        _remove(folder)
    else:
        console.print(f"Configuration, logs and ledger are in {folder}")
    return 0 if good else 7


def _tell(story: Story, flavour: Flavour, scale: float) -> None:
    with ExitStack() as stack:
        with story.step("start a private server") as came_to:
            server = stack.enter_context(launch(flavour, buffer_pool="512M", durable=True))
            came_to(f"{flavour} {server.version}, every commit flushed to disk")
        with story.step("load the legacy schema and its data") as came_to:
            counts = _legacy(story, server, scale)
            came_to(f"{len(counts)} tables, {sum(counts.values()):,} rows")
        config = _configured(story, server)
        traffic = Traffic(server.connect_args(), SOURCE, ledger=story.folder / "ledger.jsonl", clients=CLIENTS, rate=RATE)
        with story.step("start the application") as came_to:
            stack.enter_context(traffic)
            came_to(f"{CLIENTS} clients, {RATE:.0f} write transactions a second, from now to the end")
        with story.step("replicator check") as came_to:
            came_to(_check(config))
        daemon = stack.enter_context(_daemon(story, config))
        _follow(story, config, daemon)
        traffic.phase("cutover")
        with story.step("replicator cutover") as came_to:
            came_to(_cutover(story, config, daemon))
        traffic.phase("after")
        with story.step("the application goes on, on the new tables") as came_to:
            before = traffic.stats()
            time.sleep(AFTERWARDS)
            stats = traffic.stop()
            came_to(f"{stats.commits - before.commits:,} more transactions")
        _prove(story, server, stats)
        with story.step("all of it comes back to the old tables") as came_to:
            came_to(_returned(story, config, daemon))
        with story.step("replicator rollback") as came_to:
            came_to(_rollback(story, config, daemon, server))


def _legacy(story: Story, server: Server, scale: float) -> dict[str, int]:
    run_scripts(server, SOURCE, askproai_folder() / "schema" / "source")
    bar = Progress(
        TextColumn("  generating"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=story.console, transient=True, disable=not story.console.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task("rows", total=None)
        return generate(
            server.connect_args(),
            SOURCE,
            scale=scale,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def run_scripts(server: Server, database: str, folder: Path) -> None:
    """Create the database and run the folder's SQL files in it."""
    with pymysql.connect(
        **server.connect_args(), autocommit=True, client_flag=CLIENT.MULTI_STATEMENTS
    ) as connection, connection.cursor() as cursor:  # fmt: skip
        cursor.execute(f"CREATE DATABASE {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        cursor.execute(f"USE {database}")
        cursor.execute("SET foreign_key_checks = 0")
        for file in sorted(folder.glob("*.sql")):
            cursor.execute(file.read_text(encoding="utf-8"))
            while cursor.nextset():
                pass


def _configured(story: Story, server: Server) -> Config:
    """Write replicator.toml and its password file, as an operator would."""
    secret = story.folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(server.password, encoding="utf-8")
    shipped = askproai_folder()
    path = story.folder / "replicator.toml"
    path.write_text(
        f"""[migration]
name = "askproai"
transforms = {json.dumps(str(shipped / "transforms"))}
schema = {json.dumps(str(shipped / "schema" / "target"))}

[source]
url = {json.dumps(server.url(SOURCE))}
password_file = "password"

[target]
url = {json.dumps(server.url(TARGET))}
password_file = "password"

[http]
listen = "127.0.0.1:0"

[cutover]
archive_database = "{ARCHIVE}"
max_freeze = "3s"

[control]
socket = "control.sock"
""",
        encoding="utf-8",
    )
    return load(path, {})


def _check(config: Config) -> str:
    done = _replicator(config, "--json", command="check")
    found = json.loads(done.stdout)
    failed = [check for check in found["checks"] if check["status"] == "failed"]
    if done.returncode or failed:
        raise DemoFailed("check failed: " + "; ".join(f"{check['name']}: {check['message']}" for check in failed))
    return f"{len(found['checks'])} checks, none failed"


def _replicator(config: Config, *arguments: str, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "replicator", "--config", str(config.path), command, *arguments],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


@contextmanager
def _daemon(story: Story, config: Config) -> Iterator[subprocess.Popen[bytes]]:
    with story.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "replicator", "--config", str(config.path), "run"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _follow(story: Story, config: Config, daemon: subprocess.Popen[bytes]) -> None:
    """Show how the daemon copies, catches up and verifies, until all of it is proved."""
    live = Live(console=story.console, auto_refresh=False, transient=True) if story.console.is_terminal else None
    deadline = time.monotonic() + PATIENCE
    since: dict[str, float] = {}
    with ExitStack() as stack:
        if live is not None:
            stack.enter_context(live)
        while True:
            status = _status(story, config, daemon, deadline)
            phase = status["phase"] if status["phase"] != "replicating" else "verifying"
            since.setdefault(phase, time.monotonic())
            if live is not None:
                live.update(views.status_view(status), refresh=True)
            if _verified(status, "replicating"):
                break
            time.sleep(0.25)
    ended = time.monotonic()
    told = [("copying", "copy", f"{status['copy']['rows']:,} rows in parallel chunks, no lock"),
            ("catching_up", "replay the binlog, build joins and groups", "from before the copy began"),
            ("verifying", "replicate, compare rows and columns", f"lag {views.seconds(status['lag_seconds'])}")]  # fmt: skip
    for phase, title, outcome in told:
        if phase in since:
            later = [begun for name, begun in since.items() if begun > since[phase] and name != phase]
            seconds = min(later, default=ended) - since[phase]
            story.steps.append((title, outcome, seconds))
            story.console.print(f"[green]✓[/] {title}: {outcome} [dim]({views.seconds(seconds)})[/]")


def _verified(status: dict[str, Any], phase: str) -> bool:
    tables = status["tables"]
    return (
        status["phase"] == phase
        and bool(tables)
        and all(table["verified_at"] is not None for table in tables)
        and status["lag_seconds"] is not None
    )


def _status(story: Story, config: Config, daemon: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
    while True:
        if daemon.poll() is not None:
            raise DemoFailed(f"the daemon ended with exit code {daemon.returncode}:\n{_tail(story.log)}")
        if time.monotonic() > deadline:
            raise DemoFailed(f"the daemon took longer than {PATIENCE:.0f} s:\n{_tail(story.log)}")
        try:
            return current_status(config)
        except ReplicatorError:  # it has just been started
            time.sleep(0.1)


def _cutover(story: Story, config: Config, daemon: subprocess.Popen[bytes]) -> str:
    done = _replicator(config, command="cutover")
    if done.returncode:
        told = f"{done.stdout}{done.stderr}{_tail(story.log)}"
        raise DemoFailed(f"the cutover ended with exit code {done.returncode}:\n{told}")
    status = _status(story, config, daemon, time.monotonic() + PATIENCE)
    return f"writes held for {views.seconds(status['cutover']['last_freeze_seconds'])} on the server"


def _await(story: Story, config: Config, daemon: subprocess.Popen[bytes], phase: str) -> int:
    """Until every table is proved in that phase; the rows that differ."""
    deadline = time.monotonic() + PATIENCE
    while not _verified(status := _status(story, config, daemon, deadline), phase):
        time.sleep(0.1)
    return sum(table["mismatched_rows"] for table in status["tables"])


def _returned(story: Story, config: Config, daemon: subprocess.Popen[bytes]) -> str:
    mismatched = _await(story, config, daemon, "reversing")
    story.proof("rows of the new tables that did not come back to the old ones", f"{mismatched}", mismatched == 0)
    return "the archived tables are current, by the inverses"


def _rollback(story: Story, config: Config, daemon: subprocess.Popen[bytes], server: Server) -> str:
    done = _replicator(config, command="rollback")
    if done.returncode:
        told = f"{done.stdout}{done.stderr}{_tail(story.log)}"
        raise DemoFailed(f"the rollback ended with exit code {done.returncode}:\n{told}")
    mismatched = _await(story, config, daemon, "replicating")
    story.proof("rows that differ from the transform of the source, after the rollback", f"{mismatched}", mismatched == 0)
    ledger = check_ledger(server.connect_args(), TARGET, story.folder / "ledger.jsonl")
    story.proof(
        "acknowledged writes, held against what the transforms make of the old tables",
        f"{ledger.writes:,} writes, {ledger.rows:,} rows: {ledger.missing} missing, {ledger.resurrected} risen again",
        not ledger.missing and not ledger.resurrected,
    )
    return "the old tables are in use again, with every write of the new ones; a second cutover needs no copy"


def _prove(story: Story, server: Server, stats: TrafficStats) -> None:
    with pymysql.connect(**server.connect_args(SOURCE)) as connection, connection.cursor() as cursor:
        names = [file.read_text(encoding="utf-8") for file in (askproai_folder() / "schema" / "target").glob("*.sql")]
        total = 0
        tables = 0
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (SOURCE,))
        for (name,) in cursor.fetchall():
            if any(f"CREATE TABLE {name} " in text or f"CREATE TABLE `{name}` " in text for text in names):
                cursor.execute(f"SELECT COUNT(*) FROM `{name}`")
                tables += 1
                total += cursor.fetchone()[0]
    story.proof("new tables in use, and their rows", f"{tables} tables, {total:,} rows", tables == NEW_TABLES)
    ledger = check_ledger(server.connect_args(), SOURCE, story.folder / "ledger.jsonl")
    story.proof(
        "acknowledged writes in the application's ledger, held against the new tables",
        f"{ledger.writes:,} writes, {ledger.rows:,} rows: {ledger.missing} missing, {ledger.wrong} wrong,"
        f" {ledger.resurrected} risen again{''.join(f'; {example}' for example in ledger.examples)}",
        ledger.ok,
    )
    stall = stats.phases["cutover"].longest
    story.proof("longest write that a client saw at the cutover", views.seconds(stall), stall <= STALL_LIMIT)
    story.proof(
        "clients on the new schema, and errors they did not expect",
        f"{stats.speaking.get('new', 0)} of {CLIENTS}, {len(stats.errors)} errors",
        stats.speaking.get("new", 0) == CLIENTS and not stats.errors,
    )


def _summary(story: Story) -> None:
    steps = Table(title="What was done", title_justify="left", show_edge=False)
    steps.add_column("step")
    steps.add_column("outcome")
    steps.add_column("time", justify="right")
    for title, outcome, seconds in story.steps:
        steps.add_row(title, outcome, views.seconds(seconds))
    steps.add_row("total", "", views.seconds(sum(seconds for _, _, seconds in story.steps)), style="bold")
    proofs = Table(title="What is proved", title_justify="left", show_edge=False)
    proofs.add_column("")
    proofs.add_column("claim")
    proofs.add_column("found")
    for what, value, ok in story.proofs:
        proofs.add_row("[green]✓[/]" if ok else "[red]✗[/]", what, value)
    story.console.print()
    story.console.print(steps)
    story.console.print()
    story.console.print(proofs)


def _tail(path: Path, lines: int = 20) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _remove(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
