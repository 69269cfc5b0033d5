"""Lives of the daemon that begin at once: each is forked from a process that has imported everything already.

Starting Python and importing the engine takes longer than a killed daemon lives.
"""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn


class Life:
    """One process, which is no child of ours."""

    def __init__(self, pid: int, ending: Path) -> None:
        self.pid = pid
        self._ending = ending
        self._code: int | None = None
        try:
            self._descriptor = os.pidfd_open(pid)
        except ProcessLookupError:  # it has ended already
            self._descriptor = -1
            self._over()

    def poll(self) -> int | None:
        """The exit code, None while it lives."""
        return self._ended(0)

    def wait(self, seconds: float | None = None) -> int:
        """Until it ends. Raises TimeoutError."""
        code = self._ended(seconds)
        if code is None:
            raise TimeoutError(f"process {self.pid} did not end within {seconds:g} s")
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing when it has ended."""
        if self._code is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, number)

    def _ended(self, seconds: float | None) -> int | None:
        if self._code is None and select.select([self._descriptor], [], [], seconds)[0]:
            os.close(self._descriptor)
            self._over()
        return self._code

    def _over(self) -> None:
        """Only one that ends by itself says how."""
        self._code = int(self._ending.read_text()) if self._ending.exists() else -signal.SIGKILL
        self._ending.unlink(missing_ok=True)


class Zygote:
    """The process that they are forked from; they end with it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.differential.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,
            env={**os.environ, "REPLICATOR_DEBUG": "1"},
        )

    def begin(self, arguments: Sequence[str], log: Path) -> Life:
        """`replicator` with these arguments, in a session of its own."""
        ending = log.with_suffix(".ending")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(
            json.dumps({"arguments": arguments, "log": str(log), "ending": str(ending)}), file=self._process.stdin, flush=True
        )
        return Life(int(self._process.stdout.readline()), ending)

    def close(self) -> None:
        """End it, and all that were forked from it."""
        self._process.kill()
        self._process.communicate()


def die_with_parent() -> None:
    """In a child before its program begins: what a killed test leaves behind would go on for ever."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _serve() -> None:
    import replicator.cli
    import replicator.preflight
    import replicator.process  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that nobody has to wait for them
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _live(order["arguments"], Path(order["log"]), Path(order["ending"]))
        print(pid, flush=True)


def _live(arguments: Sequence[str], log: Path, ending: Path) -> NoReturn:
    from replicator.cli import main

    code = 1
    try:
        die_with_parent()
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing, end = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for descriptor, into in ((nothing, 0), (end, 1), (end, 2)):
            os.dup2(descriptor, into)
        faulthandler.enable()
        code = main(list(arguments))
    finally:
        sys.stdout.flush()
        ending.write_text(str(code))
        os._exit(code)


if __name__ == "__main__":
    _serve()
