"""The process of a full pass: see `apart`, which starts it."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from contextlib import AbstractContextManager
from typing import IO, Any

from replicator import state
from replicator.errors import ConfigError, ReplicatorError
from replicator.mysql.connection import connected
from replicator.mysql.position import Position
from replicator.planning import resolve
from replicator.progress import Progress
from replicator.reverse.catalogs import resolve_reverse
from replicator.reverse.edits import seen_from_behind
from replicator.transform.loader import fingerprint
from replicator.transform.produce import Values
from replicator.verify.apart import Orders
from replicator.verify.passes import FORWARD, Run, Way
from replicator.verify.stream import Touched

NICENESS = 5
"""What is compared can wait, what is replicated cannot."""


class _Wire:
    """The daemon, through the pipes."""

    def __init__(self, orders: IO[bytes], answers: IO[bytes]) -> None:
        self._orders = orders
        self._answers = answers

    def tell(self, *message: Any) -> None:
        pickle.dump(message, self._answers)
        self._answers.flush()

    def hear(self) -> Any:
        return pickle.load(self._orders)

    def ask(self, name: str, *arguments: Any) -> Any:
        self.tell("ask", name, arguments)
        answer, error = self.hear()
        if error is not None:
            raise error
        return answer


class _Log:
    """The daemon's TouchedLog."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    def begin(self) -> int:
        mark: int = self._wire.ask("begin")
        return mark

    def since(self, mark: int) -> Touched | None:
        touched: Touched | None = self._wire.ask("since", mark)
        return touched

    def staged_since(self, mark: int) -> dict[str, set[Values]] | None:
        staged: dict[str, set[Values]] | None = self._wire.ask("staged_since", mark)
        return staged

    def forget(self, mark: int) -> None:
        self._wire.ask("forget", mark)

    def wait_applied(self, position: Position, timeout: float) -> bool:
        return bool(self._wire.ask("wait_applied", position, timeout))

    def source_barrier(self) -> None:
        self._wire.ask("source_barrier")

    def held(self) -> AbstractContextManager[Position]:
        raise NotImplementedError("only a repair holds the applier, and none runs here")


class _Progress(Progress):
    """Told to the daemon's."""

    def __init__(self, migration: str, wire: _Wire) -> None:
        super().__init__(migration)
        self._wire = wire

    def compared(self, table: str, rows: int) -> None:
        self._wire.tell("compared", table, rows)

    def retried(self, operation: str, error: BaseException) -> None:
        self._wire.tell("retried", operation, error)


def main() -> int:
    """Go over all units once and tell what was found."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, who ends us
    os.nice(NICENESS)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a transform prints must not get between the messages
    wire = _Wire(sys.stdin.buffer, answers)
    try:
        _walk(wire.hear(), wire)
    except ReplicatorError as error:
        wire.tell("failed", error)
        return error.exit_code
    except (EOFError, BrokenPipeError):  # the daemon has ended
        return 1
    return 0


def _walk(orders: Orders, wire: _Wire) -> None:
    config = orders.config
    if fingerprint(config.migration.transforms) != orders.transforms:
        raise ConfigError(f"{config.migration.transforms}: was edited while the daemon runs: restart it")
    way = FORWARD
    with connected(config.source) as source, connected(config.target) as target:
        if orders.direction == "forward":
            plan = resolve(config, source, target)
        else:
            reverse = resolve_reverse(config, source, target, state.of(config).facts(target)["new_tables"])
            plan, way = reverse.forward, Way("reverse", seen_from_behind(reverse))
    progress = _Progress(config.migration.name, wire)
    run = Run(config, plan, _Log(wire), progress, threading.Event(), orders.tables, way=way)
    run.walk(orders.mark)
    wire.tell("done", run.findings, run.position)


if __name__ == "__main__":
    sys.exit(main())
