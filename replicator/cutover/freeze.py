"""Holding writes: every source table is locked for reading, so that no transaction that changes one is under way.

Each table that is written to is locked by a session of its own, in the order in which the application's transactions
touch them. Two reasons. One session that waits for a table while it holds another can close a circle with a client, and
the server ends the circle by failing the client (error 1213). And at the switch the tables have to be given over one by
one, in the order in which the rename asks for them, so that no writer can overtake it.

On MariaDB by FLUSH TABLES … WITH READ LOCK rather than LOCK TABLES … READ: while it waits it keeps new writers away, where
LOCK TABLES lets them pass for as long as any come. On MySQL by LOCK TABLES, because FLUSH TABLES writes the tables' dirty
pages to disk under the lock: measured at 0.8 to 1.6 s for 19 busy tables, where LOCK TABLES took 0.4 to 98 ms.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

import pymysql

from replicator.cutover.locks import Blocker, Locks
from replicator.cutover.session import Session
from replicator.cutover.watchdog import Watchdog
from replicator.errors import CutoverUndone
from replicator.mysql.connection import Connection, Endpoint, describe, execute, is_lost
from replicator.mysql.sql import quote

_LOOK_AFTER = 0.03
"""Seconds to wait for a table before looking who has it."""


class NotThisTime(CutoverUndone):
    """The attempt was undone; another one may succeed."""


class Blocked(NotThisTime):
    """A table could not be had in time."""

    def __init__(self, tables: Sequence[str], blockers: Sequence[Blocker]) -> None:
        self.tables = tuple(tables)
        self.blockers = tuple(blockers)
        names = ", ".join(tables[:5]) + (" …" if len(tables) > 5 else "")
        who = "; ".join(map(str, blockers)) or "nobody who could be seen"
        super().__init__(f"the lock on {names} could not be had; in the way: {who}")


class Freeze:
    """The sessions that hold the source tables. Each group of tables is held by one session."""

    def __init__(self, endpoint: Endpoint, locks: Locks, schema: str, groups: Sequence[Sequence[str]], limit: float) -> None:
        self._locks = locks
        self._schema = schema
        self._first = Session(endpoint, idle=limit, waiting=limit)
        """Takes all tables at once, where one by one does not work."""
        self._sessions: dict[tuple[str, ...], Session] = {}
        try:
            for group in groups:
                self._sessions[tuple(group)] = Session(endpoint, idle=limit, waiting=limit)
        except BaseException:
            self.close()
            raise

    @property
    def sessions(self) -> tuple[Session, ...]:
        """All of them."""
        return (self._first, *self._sessions.values())

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The tables that are given back together."""
        return tuple(self._sessions)

    def take(self, control: Connection, watchdog: Watchdog, patience: float) -> None:
        """Lock all tables within `patience` seconds, or none.

        Raises Blocked, with the sessions in the way, when that is too short, and at once when one of them waits for a
        table that is locked already.
        """
        deadline = time.monotonic() + patience
        try:
            for group, session in self._sessions.items():
                session.begin(self._lock(group))
                while not session.wait(_LOOK_AFTER):
                    blockers = self._blockers(control, group)
                    if time.monotonic() > deadline or any(blocker.waits for blocker in blockers):
                        if session.cancel(control) is not None:
                            raise Blocked(group, blockers)
                        break  # it came through in the last moment
                if session.error is not None:
                    raise self._failed(session.error, group)
                if watchdog.remaining <= 0:
                    raise Blocked(group, ())
        except BaseException:
            self.give_back_all()
            raise

    def _lock(self, tables: Sequence[str]) -> str:
        if self._locks.flavour == "mysql":
            return self._shared_lock(tables)
        names = ", ".join(quote(self._schema, table) for table in tables)
        return f"FLUSH NO_WRITE_TO_BINLOG TABLES {names} WITH READ LOCK"

    def _shared_lock(self, tables: Sequence[str]) -> str:
        return f"LOCK TABLES {', '.join(f'{quote(self._schema, table)} READ' for table in tables)}"

    def take_at_once(self, control: Connection, watchdog: Watchdog, patience: float) -> None:
        """Lock all tables by one statement, then hand them to their sessions.

        For traffic whose order of tables is not to be met: the server itself ends the circles that this closes, by failing
        a client (error 1213), which tries its transaction again. Raises Blocked after `patience` seconds.
        """
        deadline = time.monotonic() + patience
        tables = tuple(table for group in self._sessions for table in group)
        try:
            first = self._first
            first.begin(self._lock(tables))
            while not first.wait(_LOOK_AFTER):
                if time.monotonic() > deadline or watchdog.remaining <= 0:
                    blockers = self._blockers(control, tables)
                    if first.cancel(control) is not None:
                        raise Blocked(tables, blockers)
            if first.error is not None:
                raise self._failed(first.error, tables)
            for group, session in self._sessions.items():
                execute(session.connection, self._shared_lock(group))
            first.unlock()
        except (pymysql.MySQLError, OSError) as error:
            self.give_back_all()
            raise self._failed(error, tables) from None
        except BaseException:
            self.give_back_all()
            raise

    def _blockers(self, control: Connection, group: Sequence[str]) -> list[Blocker]:
        names = {(self._schema, table) for table in group}
        return self._locks.blockers(control, names, {session.identity for session in self.sessions}, readers=False)

    def _failed(self, error: Exception, group: Sequence[str]) -> CutoverUndone:
        text = f"locking {', '.join(group[:5])}: {describe(error)}"
        return NotThisTime(text) if is_lost(error) else CutoverUndone(text)

    def give_back(self, group: tuple[str, ...]) -> None:
        """Unlock one group. Raises NotThisTime when its session had died, and its lock with it, no matter when."""
        try:
            execute(self._sessions[group].connection, "UNLOCK TABLES")
        except (pymysql.MySQLError, OSError) as error:
            raise NotThisTime(
                f"the session that held {', '.join(group[:5])} has died, and writes may have passed: {describe(error)}"
            ) from None

    def give_back_all(self) -> None:
        """Unlock what is still locked."""
        for session in self.sessions:
            session.unlock()

    def close(self) -> None:
        """End all sessions, and with them their locks."""
        for session in self.sessions:
            with contextlib.suppress(Exception):
                session.close()


def kill(control: Connection, blockers: Sequence[Blocker]) -> None:
    """End the sessions in the way; those that wait for us are not the reason."""
    for blocker in blockers:
        if not blocker.waits:
            with contextlib.suppress(pymysql.MySQLError):  # it may have ended by itself
                execute(control, f"KILL {blocker.session}")
