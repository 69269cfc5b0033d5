"""A consistent view of both sides, without a lock and without stopping the stream.

The source's snapshot S is taken after a barrier, so that it holds everything that the stream had applied when the mark was
set. The binlog shows a transaction before it is visible; so all of S lies before the end E of the binlog that is read
after S was taken. The target's snapshot is taken when the stream has passed E. What the target's snapshot has more than S
was therefore applied after the mark, and the units that it changed are remembered: every other unit must be equal.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import monotonic

import pymysql

from replicator import state
from replicator.binlog.safe_position import current_position
from replicator.config import Config
from replicator.errors import ConnectionLost, Interrupted, WrongState
from replicator.mysql.connection import Connection, Endpoint, connected, error_code, execute
from replicator.mysql.flavour import identify
from replicator.mysql.position import Position
from replicator.state import Direction
from replicator.verify.stream import TouchedLog

PATIENCE = 600.0
"""Seconds that the stream may take to reach the end of the binlog."""

_DEFINITION_CHANGED = 1412
"""The table was altered after the snapshot: an index was added, say. A new snapshot can read it."""


@dataclass(frozen=True, slots=True)
class Snapshots:
    """One session on each side. Both see what was there when they were opened."""

    source: Connection
    """Sees the tables that transforms read."""
    target: Connection
    """Sees the tables that transforms write."""
    position: Position
    """The target's checkpoint, as its snapshot has it."""
    target_flavour: str
    aside: Executor = field(repr=False)
    """A thread in which the target is read while the source is."""


@contextmanager
def snapshots(config: Config, log: TouchedLog, stop: threading.Event, direction: Direction) -> Iterator[Snapshots]:
    """Open both; the caller has set a mark before. In reverse it is the new tables that the stream reads from.

    When it yields, `log.since` knows of all that the target's snapshot holds. Raises WrongState when the stream does not
    get there, Interrupted when stopped, and the endpoints' errors.
    """
    with ExitStack() as stack:
        upstream, _ = config.ends(direction)
        source = stack.enter_context(_session(upstream))
        with failing(upstream):
            log.source_barrier()
            end = current_position(source)
        await_applied(log, end, stop)  # so that the snapshot waits for the stream as little as possible
        with failing(upstream):
            execute(source, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
            end = current_position(source)
        await_applied(log, end, stop)
        yield _with_target(config, log, stop, stack, source, direction)


@contextmanager
def frozen(
    config: Config, log: TouchedLog, stop: threading.Event, source: Connection, direction: Direction
) -> Iterator[Snapshots]:
    """As `snapshots`, for an upstream that stands still; the caller has drained the stream."""
    with ExitStack() as stack:
        yield _with_target(config, log, stop, stack, source, direction)


def _with_target(
    config: Config, log: TouchedLog, stop: threading.Event, stack: ExitStack, upstream: Connection, direction: Direction
) -> Snapshots:
    _, downstream = config.ends(direction)
    target = stack.enter_context(_session(downstream))
    with failing(downstream):
        execute(target, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
        flavour = identify(target if direction == "forward" else upstream).flavour
        checkpoint = state.of(config).checkpoint(target, direction)
    if checkpoint is None:
        raise WrongState("the stream has not begun: nothing can be verified before the copy is done")
    # A batch is known to the log a moment after its commit.
    await_applied(log, checkpoint.position, stop)
    aside = stack.enter_context(ThreadPoolExecutor(1, "verify-target"))
    if direction == "reverse":
        return Snapshots(target, upstream, checkpoint.position, flavour, aside)
    return Snapshots(upstream, target, checkpoint.position, flavour, aside)


@contextmanager
def _session(endpoint: Endpoint) -> Iterator[Connection]:
    with connected(endpoint, database=False) as connection:
        with failing(endpoint):
            execute(connection, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield connection
        with failing(endpoint):
            connection.rollback()  # closed, a session has its tables a moment longer: a cutover would find it in the way


def await_applied(log: TouchedLog, position: Position, stop: threading.Event, patience: float = PATIENCE) -> None:
    """Wait until the stream has reached `position`."""
    deadline = monotonic() + patience
    while not log.wait_applied(position, 0.5):
        unless_stopped(stop)
        if monotonic() > deadline:
            raise WrongState(
                f"the stream did not reach {position} within {patience:.0f} s, so the two sides cannot be compared at one"
                " position: see `replicator status` for what holds it up, and verify again"
            )


def unless_stopped(stop: threading.Event) -> None:
    """Raise Interrupted once `stop` is set."""
    if stop.is_set():
        raise Interrupted("verification was stopped; a new one starts from the beginning")


@contextmanager
def failing(endpoint: Endpoint) -> Iterator[None]:
    """Errors of the driver become those of the endpoint."""
    try:
        yield
    except ConnectionLost:
        raise
    except (pymysql.MySQLError, OSError) as error:
        if error_code(error) == _DEFINITION_CHANGED:
            raise endpoint.lost(error) from None
        raise endpoint.failure(error, "verifying") from None
