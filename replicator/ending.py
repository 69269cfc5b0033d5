"""The end of a migration by command: when it may come, what is removed, and which thread does it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from replicator.config import Config
from replicator.errors import ReplicatorError, WrongState
from replicator.home import Home
from replicator.mysql.catalog import read_tables
from replicator.mysql.connection import Connection, connected, execute
from replicator.mysql.sql import quote
from replicator.planning import drop_tables
from replicator.progress import Progress
from replicator.state import State

_PATIENCE = 60.0
"""Seconds in which the removal is tried again after errors that pass."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a command has asked for."""

    phase: Literal["completed", "aborted"]
    remove: Callable[[Connection], bool]
    """Whether there was something."""
    outcome: Future[bool] = field(default_factory=Future)


class Ending:
    """Commands ask for it from any thread. The one that runs the migration does it as its last step, when all work has ended,
    so that nothing is created or written behind it; where none runs, the one that asks."""

    def __init__(self, home: Home, progress: Progress, stop: threading.Event) -> None:
        self._home = home
        self._progress = progress
        self._stop = stop
        self._asking = threading.Lock()
        self._running: bool | None = None
        """Whether a thread is inside of `awaited`; None where none ever was."""
        self._asked: _Asked | None = None
        self._done = threading.Event()

    @property
    def asked(self) -> bool:
        """Whether a command has asked the thread that runs the migration."""
        return self._asked is not None

    @property
    def done(self) -> bool:
        """Whether the migration is over: completed or aborted."""
        return self._done.is_set()

    # The thread that runs the migration -------------------------------------------------------------------

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Inside, commands leave it to this thread; behind it, they hear what came of it."""
        with self._asking:
            self._running = True
        failure: BaseException = WrongState("the daemon ended at the same moment: look at its log, then do this again")
        try:
            yield
        except BaseException as error:
            failure = error
            raise
        finally:
            with self._asking:
                self._running = False
            if self._asked is not None and not self._asked.outcome.done():
                self._asked.outcome.set_exception(failure)

    def finish(self) -> None:
        """All work has ended: do what was asked for, if anything was."""
        if self._asked is not None:
            self._end(self._asked)

    def sweep(self) -> None:
        """Remove what is left of a migration that was completed, where that broke off."""
        with self._home.target() as target:
            self._sweep(target)

    def _sweep(self, target: Connection) -> None:
        _clear(self._home.config, self._home.state, target)
        self._home.state.complete(target)

    # Commands ---------------------------------------------------------------------------------------------

    def complete(self) -> None:
        """End the way back and remove staging and state, but for that it is completed; the archive stays.

        Raises WrongState before a cutover.
        """
        home = self._home

        def remove(target: Connection) -> bool:
            if home.state.phase(target) != "completed":
                _unless_completable(home.state, target)
                home.state.enter(target, "completed")  # a kill behind this leaves no way back that looks alive
            self._sweep(target)
            return True

        with home.target() as target:
            _unless_completable(home.state, target)
        self._ask(_Asked("completed", remove))

    def abort(self, *, drop_target: bool) -> bool:
        """End the migration and remove staging and state; `drop_target` removes the target tables as well.

        False where it had not begun: the daemon, which was about to begin it, does not. Raises WrongState in a cutover and
        behind one, and where neither a daemon runs nor anything has begun.
        """
        home = self._home

        def remove(target: Connection) -> bool:
            if not home.state.exists(target):
                return False
            _unless_abortable(home.state, target)
            home.state.enter(target, "aborted")  # workers on other hosts have to hear it before their tables go
            if drop_target:
                drop_tables(target, home.config.target.database)
            _clear(home.config, home.state, target)
            home.state.remove(target)
            return True

        with home.target() as target:
            if not self._running or home.state.exists(target):
                _unless_abortable(home.state, target)
        return self._ask(_Asked("aborted", remove))

    def _ask(self, asked: _Asked) -> bool:
        with self._asking:
            if self._running is False:
                raise WrongState("the daemon is just ending: do this again when it has ended")
            running = bool(self._running)
            if running:
                self._asked = asked
                self._stop.set()
        if not running:
            self._end(asked)
        return asked.outcome.result()

    def _end(self, asked: _Asked) -> None:
        """A session of ours that was killed may hold rows and tables a moment longer."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                with self._progress.long_step("removing staging and state"), self._home.target() as target:
                    removed = asked.remove(target)
            except ReplicatorError as error:
                if not error.transient or time.monotonic() > deadline:
                    raise
                self._progress.retried(asked.phase, error)
                time.sleep(1.0)
            else:
                self._progress.enter(asked.phase)
                self._done.set()
                asked.outcome.set_result(removed)
                return


def _unless_completable(state: State, target: Connection) -> None:
    """Raises WrongState before a cutover, and while it has left something to do."""
    phase = state.phase(target) if state.exists(target) else None
    if phase != "reversing":
        raise WrongState(f"the migration is {phase or 'not begun'}: only after a cutover can it be completed")
    if state.intent(target) is not None:
        raise WrongState(
            "the last switch left something to do, the log says what: restart `replicator run`, which tries it again,"
            " and then complete"
        )


def _unless_abortable(state: State, target: Connection) -> None:
    """Raises WrongState where nothing has begun, in the middle of a cutover, and behind one."""
    if not state.exists(target):
        raise WrongState(f"the migration {state.migration} has not begun: there is nothing to abort")
    phase = state.phase(target)
    if phase == "completed":
        raise WrongState(
            f"the migration {state.migration} is completed: the new tables are in use, and there is nothing left to abort"
        )
    if phase == "cutting_over":
        raise WrongState("a cutover was begun and has not come to its end: `replicator run` brings it there first")
    if phase == "reversing":
        raise WrongState(
            f"the migration {state.migration} is cut over: `replicator rollback` takes that back, and `replicator complete`"
            " ends it"
        )


def _clear(config: Config, state: State, target: Connection) -> None:
    """Remove staging, and what the way back needed on the source."""
    if config.cutover.mode == "hooks":
        with connected(config.source, database=False, write=True) as source:
            if "checkpoint" in read_tables(source, state.database):
                _drop_staging(state, source)
                state.remove(source)
    _drop_staging(state, target)


def _drop_staging(state: State, server: Connection) -> None:
    for name in read_tables(server, state.database):
        if name.startswith(f"{state.migration}:"):
            execute(server, f"DROP TABLE IF EXISTS {quote(state.database, name)}")
