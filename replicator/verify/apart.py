"""A full pass in a process of its own, so that comparing takes no time from the stream, which is Python too.

The process asks for what it needs of the stream through its pipes: each side writes pickled messages, `(kind, …)`. It ends
with the daemon, whose end of the pipes then closes.
"""

from __future__ import annotations

import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

import pymysql

from replicator.config import Config
from replicator.errors import ConnectionLost, ReplicatorError
from replicator.mysql.position import Position
from replicator.progress import Progress
from replicator.state import Direction
from replicator.transform.loader import fingerprint
from replicator.verify.passes import Findings
from replicator.verify.snapshots import unless_stopped
from replicator.verify.stream import TouchedLog


@dataclass(frozen=True, slots=True)
class Orders:
    """What the process is to do."""

    config: Config
    tables: tuple[str, ...] | None
    mark: int
    direction: Direction
    transforms: str
    """Their fingerprint: the process must not take up what was edited since the daemon started."""


def walk_apart(
    config: Config,
    tables: Collection[str] | None,
    mark: int,
    log: TouchedLog,
    progress: Progress,
    stop: threading.Event,
    direction: Direction = "forward",
) -> tuple[Findings, Position]:
    """As `Run.walk`: what was found, and the target's checkpoint at the last look.

    Raises what the process met, and ReplicatorError when it was killed.
    """
    transforms = fingerprint(config.migration.transforms)
    with _process() as (process, messages):
        orders = Orders(config, None if tables is None else tuple(tables), mark, direction, transforms)
        _send(process, orders)
        while True:
            unless_stopped(stop)
            try:
                kind, *content = messages.get(timeout=0.5)
            except queue.Empty:
                continue
            if kind == "ask":
                _send(process, _answer(log, *content))
            elif kind == "compared":
                progress.compared(*content)
            elif kind == "retried":
                progress.retried(*content)
            elif kind == "failed":
                raise content[0]
            elif kind == "done":
                findings, position = content
                return findings, position
            else:
                code = process.wait()
                how = f"signal {-code}" if code < 0 else f"exit code {code}"
                raise ReplicatorError(
                    f"the process that verifies ended by {how}: look for its last words on standard error, and for the"
                    " kernel's out-of-memory killer, and verify again"
                )


def _answer(log: TouchedLog, name: str, arguments: tuple[Any, ...]) -> tuple[Any, BaseException | None]:
    try:
        return getattr(log, name)(*arguments), None
    except (ConnectionLost, pymysql.MySQLError, OSError) as error:  # it tries again
        return None, error


@contextmanager
def _process() -> Iterator[tuple[subprocess.Popen[bytes], queue.SimpleQueue[tuple[Any, ...]]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "replicator.verify.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    messages: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    listener = threading.Thread(target=_listen, args=(process.stdout, messages), daemon=True)
    listener.start()
    try:
        yield process, messages
    finally:
        process.kill()  # it only reads
        process.wait()
        listener.join()
        process.stdout.close()
        with suppress(BrokenPipeError):
            process.stdin.close()


def _send(process: subprocess.Popen[bytes], message: Any) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it has died: the listener tells
        pickle.dump(message, process.stdin)
        process.stdin.flush()


def _listen(stream: IO[bytes], messages: queue.SimpleQueue[tuple[Any, ...]]) -> None:
    try:
        while True:
            messages.put(pickle.load(stream))
    except (EOFError, pickle.UnpicklingError):
        messages.put(("ended",))
