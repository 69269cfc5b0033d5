"""The lock on the target that keeps a second daemon out, and is taken again when it was lost.

It is an advisory lock: it goes with the session that holds it, when the target restarts, when somebody kills that session, or
when the network cuts it off. Whoever writes asks the server whether it is ours (`State.guard`), so that nothing is written
until it is again. A second lock, of a random name that is ours alone, is held by the same session: it tells whose the first is.
"""

from __future__ import annotations

import secrets
import threading
from contextlib import suppress
from typing import Self

import pymysql
import structlog

from replicator.errors import LockLost, ReplicatorError, WrongState
from replicator.mysql.connection import Connection, Endpoint, close, connect, execute, failing, row, value
from replicator.progress import Progress
from replicator.state import State

_INTERVAL = 1.0
"""Seconds between two looks whether it is still held; they also keep the session from being idle."""
_AWAY = 0.1
"""Seconds between two tries to take it again."""
_ANSWER = 30.0
_IDLE_SECONDS = 600
"""Where a host vanishes without a word, another one may go on after this."""
_ENDING = 3
"""Seconds in which a busy server may notice that a daemon that was killed is gone."""
_DYING = 10
"""Seconds that a killed session may take to let go."""

_log = structlog.get_logger("lock")


class Lock:
    """Held inside of the block. `lost` says that somebody else has taken it; `stop` is set then."""

    def __init__(self, target: Endpoint, state: State, progress: Progress, stop: threading.Event) -> None:
        self.state = State(state.database, state.migration, f"replicator:{secrets.token_hex(16)}")
        """Writes only while the lock is held."""
        self.lost: WrongState | None = None
        self._target = target
        self._progress = progress
        self._stop = stop
        self._ending = threading.Event()
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._keep, name="lock", daemon=True)

    def __enter__(self) -> Self:
        """Raises WrongState where another daemon has it."""
        self._connection = self._taken(_ENDING)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self._drop()

    def _taken(self, patience: int) -> Connection:
        """A session that holds both locks. `patience`: seconds in which one that is just ending may let go."""
        names = self.state.locks
        connection = connect(
            self._target, database=False, read_timeout=_ANSWER, settings={"wait_timeout": _IDLE_SECONDS}
        )
        try:
            with failing(self._target):
                if value(connection, "SELECT GET_LOCK(%s, %s)", (names[0], patience)) != 1:
                    self._end_former(connection)
                if value(connection, "SELECT GET_LOCK(%s, %s)", (names[1], _DYING)) != 1:
                    raise LockLost(f"target {self._target.address}: the session that held the lock has not ended yet")
        except BaseException:
            close(connection)
            raise
        return connection

    def _end_former(self, connection: Connection) -> None:
        """Take the lock from a session of ours that the network has cut off, of which the server does not know yet."""
        holder, ours = row(connection, "SELECT IS_USED_LOCK(%s), IS_USED_LOCK(%s)", self.state.locks) or (None, None)
        if holder is not None and holder == ours:
            with suppress(pymysql.MySQLError):  # it has just ended
                execute(connection, f"KILL {int(holder)}")
            if value(connection, "SELECT GET_LOCK(%s, %s)", (self.state.locks[0], _DYING)) == 1:
                return
        raise WrongState(
            f"another daemon runs the migration {self.state.migration}: use `replicator status` to see it"
        )

    def _keep(self) -> None:
        while not self._ending.wait(_INTERVAL if self._connection is not None else _AWAY):
            try:
                if self._connection is None:
                    self._connection = self._taken(1)
                    _log.info("lock.retaken", migration=self.state.migration)
                else:
                    with failing(self._target):
                        self.state.guard(self._connection)
            except WrongState as error:
                self.lost = error
                self._stop.set()
                return
            except ReplicatorError as error:
                if self._connection is not None:
                    self._progress.retried("lock", error)
                self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            close(self._connection)
            self._connection = None
