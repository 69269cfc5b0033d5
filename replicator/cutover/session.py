"""A session whose statement may have to wait for a lock: it runs beside us, is watched, and can be cancelled."""

from __future__ import annotations

import contextlib
import math
import threading

import pymysql

from replicator.errors import ReplicatorError
from replicator.mysql.connection import Connection, Endpoint, close, connect, connected, execute, value

_ANSWER = 60.0
"""Seconds to wait for the answer to a statement that nobody cancels, beyond the time that it may wait for locks."""


class Session:
    """One connection. Two limits (seconds) are enforced by the server, also when this process or the network has died: a
    session that hears nothing from us for longer than `idle` is closed and its locks go, and a statement that waits for
    a lock for longer than `waiting` fails."""

    def __init__(self, endpoint: Endpoint, *, idle: float, waiting: float) -> None:
        self._endpoint = endpoint
        self.connection: Connection = connect(
            endpoint,
            database=False,
            read_timeout=waiting + 2 * _ANSWER,
            settings={"wait_timeout": math.ceil(idle) + 1, "lock_wait_timeout": math.ceil(waiting) + 1},
        )
        self.identity = int(value(self.connection, "SELECT CONNECTION_ID()"))
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def begin(self, statement: str) -> None:
        """Send a statement; `wait` tells when it has ended."""
        self._error = None
        self._thread = threading.Thread(target=self._run, args=(statement,), name="cutover", daemon=True)
        self._thread.start()

    def _run(self, statement: str) -> None:
        try:
            execute(self.connection, statement)
        except (pymysql.MySQLError, OSError, ValueError) as error:  # ValueError: it was closed while it was read from
            self._error = error

    def wait(self, seconds: float) -> bool:
        """Whether the statement has ended, well or not, after at most `seconds`."""
        if self._thread is None:
            return True
        self._thread.join(max(seconds, 0.0))
        if self._thread.is_alive():
            return False
        self._thread = None
        return True

    @property
    def running(self) -> bool:
        """Whether a statement is under way."""
        return not self.wait(0)

    @property
    def error(self) -> Exception | None:
        """Why the statement that has ended failed; None when it did not."""
        return self._error

    def cancel(self, control: Connection) -> Exception | None:
        """End the statement that is under way from another session; its error, None when it had succeeded by then."""
        if self.running:
            try:
                execute(control, f"KILL QUERY {self.identity}")
            except (pymysql.MySQLError, OSError):
                with (
                    contextlib.suppress(pymysql.MySQLError, OSError, ReplicatorError),
                    connected(self._endpoint, database=False, read_timeout=10) as another,
                ):
                    execute(another, f"KILL QUERY {self.identity}")
            if not self.wait(_ANSWER):
                return TimeoutError("the server did not end the statement")
        return self._error

    def unlock(self) -> None:
        """Give back every table lock; closes the session where it cannot be asked to."""
        try:
            execute(self.connection, "UNLOCK TABLES")
        except (pymysql.MySQLError, OSError):
            close(self.connection)

    def close(self) -> None:
        """End the session and with it its locks."""
        close(self.connection)
