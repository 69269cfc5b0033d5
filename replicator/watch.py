"""A regular look at the source: where its binlog ends, how long it is kept; and the status stored for other shells."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pymysql

from replicator import quarantine
from replicator.apply import heartbeat
from replicator.binlog.safe_position import current_position
from replicator.config import Config
from replicator.errors import ReplicatorError
from replicator.mysql.connection import Connection, Endpoint, close, connect, row
from replicator.mysql.flavour import identify
from replicator.progress import Progress
from replicator.state import State
from replicator.throttle import Throttle

INTERVAL = 1.0


@contextmanager
def watched(config: Config, upstream: Endpoint, state: State, progress: Progress, throttle: Throttle) -> Iterator[None]:
    """Inside, heartbeats are written to the upstream, and both servers are looked at regularly."""
    with ExitStack() as stack:
        interval = config.stream.heartbeat
        if interval is not None:
            heart = heartbeat.Heart(upstream, state.database, state.migration, interval)
            stack.callback(heart.stop)
        watch = Watch(config, upstream, state, progress, throttle)
        stack.callback(watch.stop)
        yield


class Watch:
    """Runs in a thread of its own until stopped."""

    def __init__(self, config: Config, upstream: Endpoint, state: State, progress: Progress, throttle: Throttle) -> None:
        self._config = config
        self._upstream = upstream
        self._state = state
        self._progress = progress
        self._throttle = throttle
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Store the status a last time and end."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        source: Connection | None = None
        target: Connection | None = None
        while True:
            last = self._stopping.is_set()
            try:
                source = source or connect(self._upstream, database=False, read_timeout=30)
                self._look(source)
            except (pymysql.MySQLError, OSError, ReplicatorError):  # the stream meets the same and says so
                _closed(source)
                source = None
            try:
                target = target or connect(self._config.target, database=False, read_timeout=30)
                self._progress.set_aside(quarantine.counts(self._state, target), quarantine.listed(self._state, target))
                self._state.write_status(target, self._progress.snapshot())
            except (pymysql.MySQLError, OSError, ReplicatorError):
                _closed(target)
                target = None
            self._tell_throttle()
            if last:
                break
            self._stopping.wait(INTERVAL)
        _closed(source)
        _closed(target)
        self._throttle.close()

    def _tell_throttle(self) -> None:
        reason = self._throttle.reason()
        if reason is None:
            self._progress.unthrottled()
        else:
            self._progress.throttled(reason.name, reason.detail)

    def _look(self, source: Connection) -> None:
        self._progress.upstream_at(self._progress.direction, current_position(source))
        self._progress.retention(_retention(source))


def _retention(source: Connection) -> float | None:
    """Seconds that the server keeps binlogs; None: for ever."""
    found = row(source, "SELECT @@global.expire_logs_days" if identify(source).flavour == "mariadb"
                else "SELECT @@global.binlog_expire_logs_seconds")  # fmt: skip
    if found is None or not found[0]:
        return None
    return float(found[0]) * (86400 if identify(source).flavour == "mariadb" else 1)


def _closed(connection: Connection | None) -> None:
    if connection is not None:
        close(connection)
