"""The daemon as a user runs it: a folder, a command, a process; and the ways to kill it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pymysql

from replicator.demo.servers import Server
from tests.differential.shape import Connection
from tests.differential.zygote import Life, Zygote, die_with_parent

PHASES = ("preparing", "copying", "catching_up", "building", "replicating")
STATE = "_replicator"

Victim = str
"""`daemon`, `group` (with its copy workers) or `worker`."""


@dataclass(slots=True)
class Daemon:
    """One migration's daemon, started again and again. `look` is a session on the target."""

    folder: Path
    name: str
    state: str
    look: Connection
    zygote: Zygote
    lives: int = 0
    helpers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    """Copy workers started by hand, as on another host."""
    _process: Life | None = None

    @property
    def config(self) -> Path:
        """replicator.toml."""
        return self.folder / "replicator.toml"

    @property
    def log(self) -> Path:
        """What all lives said."""
        return self.folder / "daemon.log"

    def start(self, *arguments: str) -> None:
        """Begin another life."""
        assert self._process is None
        self.lives += 1
        with self.log.open("ab") as log:
            log.write(f"--- life {self.lives} ---\n".encode())
        self._process = self.zygote.begin(["--config", str(self.config), "run", *arguments], self.log)

    def help_copying(self) -> None:
        """Start a copy worker beside the daemon."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "replicator", "--config", str(self.config), "copy-worker"]
            self.helpers.append(
                subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent)
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def kill(self, victim: Victim) -> None:
        """SIGKILL. After `worker` the daemon itself lives on."""
        assert self._process is not None
        if victim == "worker":
            for child in _children(self._process.pid):
                _kill(child)
            return
        if victim == "group":
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None
        self._reap(signal.SIGKILL)

    def stop(self, seconds: float = 30) -> int:
        """SIGTERM, and the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(seconds)
        self._process = None
        self._reap(signal.SIGTERM)
        return code

    def wait(self, seconds: float) -> int:
        """Until it ends by itself."""
        assert self._process is not None
        code = self._process.wait(seconds)
        self._process = None
        return code

    def discard(self) -> None:
        """Leave no process behind."""
        if self._process is not None:
            self.kill("group")
        self._reap(signal.SIGKILL)

    def _reap(self, how: signal.Signals) -> None:
        for helper in self.helpers:
            helper.send_signal(how)
            helper.wait()
        self.helpers.clear()

    def phase(self) -> str:
        """As stored on the target, and `building` as a phase of its own."""
        try:
            with self.look.cursor() as cursor:
                cursor.execute(f"SELECT phase, facts FROM {self.state}.migration WHERE name = %s", (self.name,))
                found = cursor.fetchone()
        except pymysql.MySQLError:
            return "preparing"
        if found is None:
            return "preparing"
        phase, facts = found
        return "building" if phase == "catching_up" and json.loads(facts).get("building") else str(phase)

    def await_phase(self, wanted: str, seconds: float) -> str:
        """Until the phase is this or a later one; the phase. Raises when the daemon ends or time is up."""
        self.until(lambda: PHASES.index(self.phase()) >= PHASES.index(wanted), f"reach {wanted}", seconds)
        return self.phase()

    def until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait for a condition while the daemon lives."""
        waited = 0.0
        began = time.monotonic()
        while not condition():
            if self.exit_code is not None:
                raise AssertionError(f"the daemon ended with {self.exit_code} before it could {what}:\n{self.tail()}")
            # A machine that stands still for a minute is no fault of the daemon's.
            now = time.monotonic()
            waited, began = waited + min(now - began, 0.5), now
            if waited > seconds:
                assert self._process is not None
                self._process.send_signal(signal.SIGABRT)  # has it show what all its threads are doing
                self._process.wait()
                raise AssertionError(f"the daemon did not {what} within {seconds:g} s:\n{self.tail()}")
            time.sleep(0.005)

    def tail(self, lines: int = 60) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def write_folder(
    folder: Path, *, name: str, state: str, transforms: str, schema: str, source: tuple[Server, str], target: tuple[Server, str]
) -> None:
    """A migration folder, as a user would write it."""
    (folder / "transforms").mkdir(parents=True)
    (folder / "schema").mkdir()
    (folder / "transforms" / "all.py").write_text(transforms)
    (folder / "schema" / "target.sql").write_text(schema)
    for role, (server, _) in (("source", source), ("target", target)):
        secret = folder / f"{role}.password"
        secret.touch(0o600)
        secret.write_text(server.password)
    mode = "rename" if source[0] is target[0] else "hooks"
    (folder / "hooks").mkdir()
    (folder / "hooks" / "on_switch").touch(0o755)
    (folder / "replicator.toml").write_text(
        f"""
[migration]
name = "{name}"
schema = "schema"
state_database = "{state}"
[source]
url = "{source[0].url(source[1])}"
password_file = "source.password"
[target]
url = "{target[0].url(target[1])}"
password_file = "target.password"
[http]
listen = "off"
[control]
socket = "control"
[cutover]
mode = "{mode}"
[log]
format = "console"
"""
    )


def choose_victim(rng: random.Random, phase: str) -> Victim:
    """Mostly the daemon alone."""
    if phase in ("copying", "building"):
        return rng.choice(("daemon", "group", "worker"))
    return rng.choice(("daemon", "daemon", "group"))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:
            continue
    return found


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
