"""Holding writes: every source table is locked for reading, so that no transaction that changes one is under way.

Each table that is written to is locked by a session of its own, in the order in which the application's transactions
touch them. Two reasons. One session that waits for a table while it holds another can close a circle with a client, and
the server ends the circle by failing the client (error 1213). And at the switch the tables have to be given over one by
one, in the order in which the rename asks for them, so that no writer can overtake it.

LOCK TABLES … READ lets writers pass while it waits, so that waiting for the first table disturbs nobody; but it gets a
table only when no transaction at all is writing to it. FLUSH TABLES … WITH READ LOCK would keep new writers away, and
must not be used. On MySQL it blocks, behind one long SELECT, all who come after it, even when it has been killed; and it
took 0.8 to 1.6 s for 19 busy tables, where LOCK TABLES took 0.4 to 98 ms. On MariaDB it writes the tables' pages to disk
and stops InnoDB's purge, and was seen to bring the drain to a halt.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence

import pymysql

from replicator.cutover.locks import Blocker, Locks
from replicator.cutover.session import Session
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

    def take(self, control: Connection, begun: Callable[[], None], first_patience: float, patience: float) -> None:
        """Lock the first group within `first_patience` seconds and all others within `patience` from then on, or none.

        `begun` is called when the first is locked: from now on writers may have to wait.

        Raises Blocked, with the sessions in the way, when that is too short, and at once when one of them waits for a
        table that is locked already.
        """
        deadline = time.monotonic() + first_patience
        try:
            for number, (group, session) in enumerate(self._sessions.items()):
                self._lock(session, group, control, deadline)
                if number == 0:
                    begun()
                    deadline = time.monotonic() + patience
        except BaseException:
            self.give_back_all()
            raise

    def take_at_once(self, control: Connection, begun: Callable[[], None], patience: float) -> None:
        """Lock all tables by one statement, then hand them to their sessions.

        For traffic whose order of tables is not to be met: the server itself ends the circles that this closes, by failing
        a client (error 1213), which tries its transaction again. Raises Blocked after `patience` seconds.
        """
        begun()
        try:
            tables = tuple(table for group in self._sessions for table in group)
            self._lock(self._first, tables, control, time.monotonic() + patience)
            for group, session in self._sessions.items():  # readers share a table: nobody has to wait here
                self._lock(session, group, control, time.monotonic() + patience)
            self._first.unlock()
        except BaseException:
            self.give_back_all()
            raise

    def _lock(self, session: Session, tables: Sequence[str], control: Connection, deadline: float) -> None:
        session.begin(f"LOCK TABLES {', '.join(f'{quote(self._schema, table)} READ' for table in tables)}")
        while not session.wait(_LOOK_AFTER):
            blockers = self._blockers(control, tables)
            entangled = session is not self._first and any(blocker.waits for blocker in blockers)
            if time.monotonic() > deadline or entangled:
                if session.cancel(control) is not None:
                    raise Blocked(tables, blockers)
                break  # it came through in the last moment
        if session.error is not None:
            raise self._failed(session.error, tables)

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
