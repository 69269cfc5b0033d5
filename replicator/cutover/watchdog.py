"""Ends the freeze when its time is over, whatever the rest of us is busy with."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence

import pymysql

from replicator.cutover.freeze import Blocked, NotThisTime
from replicator.cutover.session import Session
from replicator.errors import ConnectionLost
from replicator.mysql.connection import Endpoint, close, connect, execute


class Watchdog:
    """Kills the sessions that hold the freeze after `limit` seconds, unless it is called off before."""

    def __init__(self, endpoint: Endpoint, limit: float) -> None:
        self.limit = limit
        self._connection = connect(endpoint, database=False, read_timeout=10)
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._sessions: tuple[Session, ...] = ()
        self._began = 0.0
        self._fired = False

    def start(self, sessions: Sequence[Session]) -> None:
        """The freeze begins."""
        self.call_off()
        self._began = time.monotonic()
        self._fired = False
        self._sessions = tuple(sessions)
        self._timer = threading.Timer(self.limit, self._fire)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, sessions: Sequence[Session]) -> None:
        """It is these sessions now; the clock runs on."""
        with self._lock:
            self._sessions = tuple(sessions)

    @property
    def deadline(self) -> float:
        """When it fires, on the monotonic clock."""
        return self._began + self.limit

    @property
    def remaining(self) -> float:
        """Seconds until it fires."""
        return self.deadline - time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the freeze began."""
        return time.monotonic() - self._began

    def call_off(self) -> bool:
        """It will not fire any more; False when it has."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return not self._fired

    def _fire(self) -> None:
        with self._lock:  # which `close` waits for
            if self._timer is None:
                return
            self._fired = True
            for session in self._sessions:
                with contextlib.suppress(pymysql.MySQLError, OSError):
                    execute(self._connection, f"KILL {session.identity}")

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """What fails inside because sessions were killed is told as what it is. Raises NotThisTime then."""
        try:
            yield
        except Blocked:  # says who was in the way
            raise
        except (NotThisTime, ConnectionLost, pymysql.MySQLError, OSError) as error:
            if not self._fired:
                raise
            raise NotThisTime(f"the freeze was over after {self.limit:g} s: allow it to last longer") from error

    def close(self) -> None:
        """Call it off for good."""
        self.call_off()
        close(self._connection)
