"""The executables that move the traffic in mode hooks: how they are called, and what becomes of their output."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

import structlog

from replicator.config import Config
from replicator.mysql.connection import Endpoint

Hook = Literal["on_freeze", "on_switch", "on_unfreeze", "on_abort"]

HOOKS: Final[Mapping[Hook, str]] = {
    "on_freeze": "Writes are about to be held: let new connections wait, end or empty those that are there.",
    "on_switch": "The old side is closed: move the traffic to the new one. Required.",
    "on_unfreeze": "Over, one way or the other: let connections through again.",
    "on_abort": "Not switched: all traffic belongs to the old side, also where on_switch has moved some of it.",
}
"""What each is for."""
_MOST_LINES = 200
_GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL."""
_GLANCE = 0.02

_log = structlog.get_logger("hooks")


class HookFailed(Exception):
    """A hook is missing, ended with another code than 0, or took too long; the message says which, and what it said last."""


def path_of(config: Config, hook: Hook) -> Path:
    """Where the hook is looked for."""
    return config.cutover.hooks / hook


def exists(config: Config, hook: Hook) -> bool:
    """Whether there is such a hook; only on_switch has to be there."""
    return path_of(config, hook).exists()


def problems(config: Config) -> list[str]:
    """What is wrong with the hooks as files."""
    found = [] if exists(config, "on_switch") else [f"{path_of(config, 'on_switch')} does not exist"]
    return found + [
        f"{path_of(config, hook)} is not executable"
        for hook in HOOKS
        if exists(config, hook) and not os.access(path_of(config, hook), os.X_OK)
    ]


def variables(config: Config, *, back: bool, attempt: int, outcome: str = "") -> dict[str, str]:
    """The environment variables that every hook gets, besides our own environment without its secrets."""
    old, new = ("target", "source") if back else ("source", "target")
    return {
        "REPLICATOR_MIGRATION": config.migration.name,
        "REPLICATOR_COMMAND": "rollback" if back else "cutover",
        "REPLICATOR_FROM": old,
        "REPLICATOR_TO": new,
        "REPLICATOR_ATTEMPT": str(attempt),
        "REPLICATOR_OUTCOME": outcome,
        **_place("REPLICATOR_SOURCE", config.source),
        **_place("REPLICATOR_TARGET", config.target),
    }


def _place(prefix: str, endpoint: Endpoint) -> dict[str, str]:
    return {
        f"{prefix}_HOST": "" if endpoint.unix_socket else endpoint.host,
        f"{prefix}_PORT": "" if endpoint.unix_socket else str(endpoint.port),
        f"{prefix}_SOCKET": endpoint.unix_socket or "",
        f"{prefix}_DATABASE": endpoint.database,
    }


def call(config: Config, hook: Hook, given: Mapping[str, str], seconds: float) -> str:
    """Run a hook for at most `seconds`; its last line of output. Nothing happens where it does not exist.

    Its output goes to the log. One hook runs at a time, also when the daemon that had called the last one was killed.
    Raises HookFailed; by then the hook and all that it has started have ended.
    """
    path = path_of(config, hook)
    if not path.exists():
        if hook == "on_switch":
            raise HookFailed(f"{path} does not exist")
        return ""
    try:
        return _call(config, hook, path, given, seconds)
    except OSError as error:
        raise HookFailed(f"{path} cannot be run: {error.strerror}") from None


def _call(config: Config, hook: Hook, path: Path, given: Mapping[str, str], seconds: float) -> str:
    deadline = time.monotonic() + seconds
    environment = {name: text for name, text in os.environ.items() if text not in config.secrets}
    environment |= {**given, "REPLICATOR_HOOK": hook, "REPLICATOR_TIMEOUT": f"{seconds:.3f}"}
    with _alone(config, hook, deadline) as lock, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [str(path)],
            cwd=config.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(lock,),
        )
        try:
            code = process.wait(max(deadline - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.returncode is None:
                _end(process)
        output.seek(0)
        lines = output.read().decode(errors="replace").splitlines()
    for line in lines[-_MOST_LINES:]:
        _log.info("hook.said", hook=hook, line=line)
    _log.info("hook.ended", hook=hook, exit_code=code, seconds=round(seconds - (deadline - time.monotonic()), 3))
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    if code != 0:
        how = f"did not end within {seconds:.1f} s" if code is None else f"ended with exit code {code}"
        raise HookFailed(f"{path} {how}" + (f"; it said: {last}" if last else ""))
    return last


@contextlib.contextmanager
def _alone(config: Config, hook: Hook, deadline: float) -> Iterator[int]:
    """A lock on the folder that the hook inherits: it keeps it when we are killed, and gives it back when it has ended."""
    folder = os.open(config.cutover.hooks, os.O_RDONLY | os.O_DIRECTORY)
    try:
        while True:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise HookFailed(
                        f"another hook in {config.cutover.hooks} is still running (`fuser -v {config.cutover.hooks}`), so"
                        f" {hook} was not called"
                    ) from None
                time.sleep(_GLANCE)
        try:
            yield folder
        finally:
            # Also when a service that the hook has started holds a copy of it.
            fcntl.flock(folder, fcntl.LOCK_UN)
    finally:
        os.close(folder)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE if number == signal.SIGTERM else None)
