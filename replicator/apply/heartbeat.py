"""A row of ours in the source, written every second: it moves the position of an idle stream and measures the lag.

The time in the row is that of our own clock, so the lag is right whatever the server's clock says.
"""

from __future__ import annotations

import threading
import time

import pymysql

from replicator.errors import ReplicatorError
from replicator.mysql.connection import Connection, Endpoint, close, connect, error_code, execute
from replicator.mysql.sql import quote

TABLE = "heartbeat"
_GONE = (1049, 1146)
"""Unknown database, unknown table."""


def create(connection: Connection, database: str) -> None:
    """Create the heartbeat table on the source; its database is named like the state database."""
    execute(connection, f"CREATE DATABASE IF NOT EXISTS {quote(database)}")
    execute(
        connection,
        f"CREATE TABLE IF NOT EXISTS {quote(database, TABLE)}"
        " (migration varchar(32) NOT NULL PRIMARY KEY, at double NOT NULL) ENGINE=InnoDB",
    )


def beat(connection: Connection, database: str, migration: str) -> None:
    """Write one heartbeat and commit it; a table that somebody has dropped is created again."""
    statement = f"REPLACE INTO {quote(database, TABLE)} VALUES (%s, %s)"
    try:
        execute(connection, statement, (migration, time.time()))
    except pymysql.MySQLError as error:
        if error_code(error) not in _GONE:
            raise
        create(connection, database)
        execute(connection, statement, (migration, time.time()))


class Heart:
    """Beats in a thread of its own until stopped; a lost connection is opened again."""

    def __init__(self, endpoint: Endpoint, database: str, migration: str, interval: float) -> None:
        self._endpoint = endpoint
        self._database = database
        self._migration = migration
        self._interval = interval
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No beat follows."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        connection: Connection | None = None
        while not self._stopping.is_set():
            try:
                if connection is None:
                    connection = connect(self._endpoint, database=False, read_timeout=30)
                beat(connection, self._database, self._migration)
            except (pymysql.MySQLError, OSError, ReplicatorError):  # the lag becomes unknown, which is the signal
                if connection is not None:
                    close(connection)
                connection = None
            self._stopping.wait(self._interval)
        if connection is not None:
            close(connection)
