"""When to wait: for replicas that fall behind, for busy servers, and where neither can be told."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import pymysql
from pymysql.cursors import DictCursor

from replicator.config import ThrottleConfig
from replicator.errors import ReplicatorError
from replicator.mysql.connection import Connection, Endpoint, close, connect, describe

READ_INTERVAL = 1.0
"""Seconds for which an answer holds."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why copying and applying wait."""

    name: str
    """`replica_lag`, `threads_running` or `unknown`."""
    detail: str


class Throttle:
    """Looks at the servers when asked, at most once a second. Any thread may ask."""

    def __init__(self, settings: ThrottleConfig, servers: tuple[Endpoint, ...]) -> None:
        self.settings = settings
        """The limits. Others may be set at any time, from signal handlers too."""
        self._servers = servers
        self._connections: dict[Endpoint, Connection] = {}
        self._lock = threading.Lock()
        self._read_at = -READ_INTERVAL
        self._reason: Reason | None = None

    def reason(self) -> Reason | None:
        """Why to wait, None to go on."""
        settings = self.settings
        lagging = settings.replicas if settings.max_replica_lag is not None else ()
        busy = self._servers if settings.max_threads_running else ()
        if not lagging and not busy:
            return None
        with self._lock:
            if monotonic() - self._read_at >= READ_INTERVAL:
                self._reason = self._look(lagging, busy)
                self._read_at = monotonic()
            return self._reason

    def close(self) -> None:
        """Close the connections; they are opened again when asked."""
        with self._lock:
            for connection in self._connections.values():
                close(connection)
            self._connections.clear()

    def _look(self, lagging: Sequence[Endpoint], busy: Sequence[Endpoint]) -> Reason | None:
        for endpoint in (*lagging, *busy):
            try:
                connection = self._connections.get(endpoint) or connect(endpoint, database=False, read_timeout=10)
                self._connections[endpoint] = connection
                found = self._of_replica(endpoint, connection) if endpoint in lagging else None
                found = found or (self._of_server(endpoint, connection) if endpoint in busy else None)
            except (pymysql.MySQLError, OSError, ReplicatorError) as error:
                lost = self._connections.pop(endpoint, None)
                if lost is not None:
                    close(lost)
                return Reason("unknown", f"{endpoint.address} does not answer: {describe(error)}")
            if found is not None:
                return found
        return None

    def _of_replica(self, endpoint: Endpoint, connection: Connection) -> Reason | None:
        limit = self.settings.max_replica_lag
        if limit is None:
            return None  # taken back a moment ago
        with connection.cursor(DictCursor) as cursor:
            try:
                cursor.execute("SHOW REPLICA STATUS")
            except pymysql.ProgrammingError:  # MySQL before 8.0.22
                cursor.execute("SHOW SLAVE STATUS")
            status = cursor.fetchone()
        if status is None:
            return Reason("unknown", f"{endpoint.address} is no replica: remove it from throttle.replicas")
        lag = status.get("Seconds_Behind_Source", status.get("Seconds_Behind_Master"))
        if lag is None:
            return Reason("unknown", f"replica {endpoint.address} does not replicate: its lag is not known")
        if float(lag) > limit:
            return Reason("replica_lag", f"replica {endpoint.address} is {lag} s behind, limit {limit:g} s")
        return None

    def _of_server(self, endpoint: Endpoint, connection: Connection) -> Reason | None:
        limit = self.settings.max_threads_running
        with connection.cursor() as cursor:
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Threads_running'")
            found = cursor.fetchone()
        running = int(found[1]) if found is not None else limit + 1
        if running > limit:
            return Reason("threads_running", f"{endpoint.address} runs {running} threads, limit {limit}")
        return None
