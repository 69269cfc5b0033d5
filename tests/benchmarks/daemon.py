"""`replicator run` as a process of its own, and how much memory it and its copy workers have had at most."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from replicator.binlog.safe_position import current_position
from replicator.commands import current_status
from replicator.config import Config
from replicator.errors import CutoverUndone, ReplicatorError
from replicator.mysql.connection import connected
from replicator.state import of


@dataclass(slots=True)
class Daemon:
    """A running daemon."""

    config: Config
    folder: Path
    process: subprocess.Popen[bytes]
    workers: dict[int, int] = field(default_factory=dict)
    """Process → bytes, the peak of each copy worker so far."""

    @property
    def peak(self) -> int:
        """Bytes that were resident at most."""
        return _peak(self.process.pid)

    def until_replicating(self) -> None:
        """Until the copy is done and what was written since is applied."""
        with connected(self.config.target, database=False) as look:
            state = of(self.config)
            self._until(lambda: state.exists(look) and state.phase(look) == "replicating", "replicate")
        self.until_applied()

    def until_applied(self) -> None:
        """Until everything that the source has committed by now is applied."""
        with connected(self.config.source) as connection:
            end = current_position(connection)
        with connected(self.config.target, database=False) as look:

            def reached() -> bool:
                checkpoint = of(self.config).checkpoint(look, "forward")
                return checkpoint is not None and checkpoint.position.reached(end)

            self._until(reached, f"apply everything up to {end}")

    def until_verified(self, phase: str) -> None:
        """Until every table is proved in that phase."""

        def verified() -> bool:
            try:
                status = current_status(self.config)
            except ReplicatorError:
                return False
            tables = status["tables"]
            if status["phase"] != phase or not tables or not all(table["verified_at"] for table in tables):
                return False
            assert not any(table["mismatched_rows"] for table in tables), tables
            return True

        self._until(verified, f"verify while {phase}", 120)

    def ask(self, command: str) -> None:
        """What an operator types, once more when it was undone or not begun."""
        typed = [sys.executable, "-m", "replicator", "--config", str(self.folder / "replicator.toml"), command]
        for _ in range(10):
            code = subprocess.run(typed, stdout=subprocess.DEVNULL, check=False).returncode
            if code == 0:
                return
            assert code == CutoverUndone.exit_code, f"{command}: exit code {code}"
            time.sleep(1)
        raise AssertionError(f"{command}: undone each time")

    def watch(self) -> None:
        """Note what the copy workers have used."""
        for pid in _children(self.process.pid):
            with suppress(OSError):
                self.workers[pid] = max(self.workers.get(pid, 0), _peak(pid))

    def _until(self, condition: Callable[[], bool], what: str, seconds: float = 1800) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the daemon did not {what}:\n{(self.folder / 'daemon.log').read_text()[-4000:]}")
            time.sleep(0.1)


@contextmanager
def daemon(config: Config, folder: Path) -> Iterator[Daemon]:
    """Run it for the block; the folder is that of its replicator.toml."""
    command = [sys.executable, "-m", "replicator", "--config", str(folder / "replicator.toml"), "run"]
    with (folder / "daemon.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    running = Daemon(config, folder, process)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            running.watch()

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield running
    finally:
        ended.set()
        watching.join()
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _peak(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0  # it has ended and is not waited for yet


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return found
