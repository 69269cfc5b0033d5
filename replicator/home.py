"""Where a migration's state is: its rows on the target, written only by whoever keeps others out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pymysql

from replicator import state as state_module
from replicator.config import Config
from replicator.errors import CutoverInDoubt, ReplicatorError
from replicator.lock import Lock
from replicator.mysql.connection import Connection, connected
from replicator.progress import Progress


class Home:
    """`config` and `state` are those of a daemon that is alone inside of `alone`: what they write goes with the lock."""

    def __init__(self, config: Config, progress: Progress, stop: threading.Event) -> None:
        self.config = config
        self.state = state_module.of(config)
        self._progress = progress
        self._stop = stop

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep a second daemon out while this one lives. Raises WrongState where there is one, or has come to be one."""
        config, state = self.config, self.state
        lock = Lock(config.target, state, self._progress, self._stop)
        try:
            with lock:
                self.config, self.state = replace(config, token=lock.state.locks[1]), lock.state
                yield
        except ReplicatorError as error:
            if lock.lost is None or isinstance(error, CutoverInDoubt):
                raise
        finally:
            if lock.lost is None:  # else nothing more is written
                self.config, self.state = config, state
        if lock.lost is not None:
            raise lock.lost

    @contextmanager
    def target(self) -> Iterator[Connection]:
        """A session on the target server. Raises LockLost while somebody else may write."""
        with connected(self.config.target, database=False, write=True) as connection:
            self.state.guard(connection)
            yield connection

    def store_status(self) -> None:
        """Keep the status for shells that ask when no daemon runs; a target that is away is not asked twice.

        Of a migration that is completed the last word is that of the daemon that did it.
        """
        with suppress(ReplicatorError, pymysql.MySQLError, OSError), self.target() as target:
            if self.state.exists(target) and (self.state.phase(target) == "completed") == (self._progress.phase == "completed"):
                self.state.write_status(target, self._progress.snapshot())
