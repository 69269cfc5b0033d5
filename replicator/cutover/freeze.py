"""Holding the application: nobody but us uses the source tables, and no transaction that used one is under way.

For each table a keeper, a session of its own, asks for the table exclusively, and for the sentry behind it, which it never
gets. One session more, the reader, has used all tables before in a transaction that it keeps open, so that it goes on
reading them for the proof. While a keeper waits behind the reader, everybody else waits behind the keeper; whoever had the
table before either ends or is in the way. When the reader has ended its transaction, the keepers have the tables.

Readers are kept out as well as writers. A client that may still read holds a table that the rename needs, and waits for the
one that it wants to write to next: a circle that nobody but the client could open.

The tables that are written to are asked for one after the other, in the order in which the application's transactions touch
them: who is stopped at its first table holds none that we still want. One session that waited for a table while it holds
another would close a circle with a client that the server sees, and ends by failing the client (error 1213).

Two ways to begin, for two kinds of traffic. Where transactions only write, writers are stopped first, by LOCK TABLES … READ:
that does not mind the locks on parent and child tables which a statement takes beside its own, and then nobody is left who
has any. Where transactions read before they write, that would stop too many of them half way; there the keepers come at once.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Sequence

import pymysql
from pymysql.constants import ER

from replicator.cutover.locks import Blocker, Locks
from replicator.cutover.moves import Moves
from replicator.cutover.session import Session
from replicator.errors import CutoverUndone
from replicator.mysql.connection import Connection, Endpoint, describe, error_code, execute, is_lost
from replicator.mysql.sql import quote

_GLANCE = 0.0005
"""Seconds between two looks at the locks."""
_LOOK_AFTER = 0.03
"""Seconds to wait for writers before looking who they are."""
_UNHURRIED = 2.0
"""Seconds to wait for a moment without a writer at the first table, while nobody has to wait for us."""
_UNDISTURBED = 0.1
"""Seconds to wait for a gap at the first table, while nobody has to wait for us."""
_GAP = 0.01
"""The same at the others, while clients may."""
_MOST_JOINED = 50
"""Tables in one SELECT; both servers join 61 at most."""
_PASSING = {ER.TABLE_EXISTS_ERROR, ER.NO_SUCH_TABLE, ER.LOCK_WAIT_TIMEOUT, ER.LOCK_DEADLOCK, ER.QUERY_INTERRUPTED}
"""How a keeper ends when the sentry is no longer guarded, its time is over, or it was told to."""


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
    """The reader, and a keeper for each table and view."""

    def __init__(
        self,
        endpoint: Endpoint,
        locks: Locks,
        moves: Moves,
        groups: Sequence[Sequence[str]],
        limit: float,
        *,
        writers_first: bool,
    ) -> None:
        """A session of ours has locked the sentry of `moves`. `groups` are its tables in the order in which to ask for them.

        The outdated views are held as well, so that who reads through one waits for its name, which will be that of a
        table, and not for the table behind it, which goes.
        """
        self._locks = locks
        self._schema = moves.source
        self._sentry = moves.sentry
        self._reader = Session(endpoint, idle=limit, waiting=limit)
        self._keepers: dict[str, Session] = {}
        self._lockers: dict[tuple[str, ...], Session] = {}
        """Stop writers first."""
        self._groups = [(view,) for view in moves.outdated] + [tuple(group) for group in groups]
        try:
            execute(self._reader.connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            for group in groups if writers_first else ():
                self._lockers[tuple(group)] = Session(endpoint, idle=limit, waiting=limit)
            for table in (*moves.outdated, *moves.read):
                self._keepers[table] = Session(endpoint, idle=limit, waiting=limit)
        except BaseException:
            for session in self.sessions:
                session.close()
            raise

    @property
    def sessions(self) -> tuple[Session, ...]:
        """All of them."""
        return (self._reader, *self._lockers.values(), *self._keepers.values())

    @property
    def reader(self) -> Connection:
        """Reads the tables as they are, until `end_reading`."""
        return self._reader.connection

    def take(
        self, control: Connection, begun: Callable[[], None], first_patience: float, patience: float, *, killing: bool = False
    ) -> None:
        """Get the first group within `first_patience` seconds and all others within `patience` from then on, or none.

        `begun` is called when clients may have to wait from now on. Raises Blocked, with the sessions in the way, when that is
        too short, and at once when one of them waits for a table that we have already; `killing` ends such a one instead.
        """
        self._use(control, first_patience)
        if self._lockers:
            self._stop_writers(control, begun, patience)
            unused = not self._blockers(self._keepers, control)
            groups = [tuple(self._keepers)] if unused else self._groups  # where nobody has any, all at once close no circle
        else:
            first, *groups = self._groups
            if stayed := self._await_gap(first, control, _UNDISTURBED):  # nobody should have to wait for them
                raise self._blocked(first, stayed)
            begun()
            self._keep(first, control, time.monotonic() + first_patience, killing)
        deadline = time.monotonic() + patience
        for group in groups:
            self._await_gap(group, control, _GAP)
            self._keep(group, control, deadline, killing)
        for locker in self._lockers.values():
            locker.unlock()

    def _stop_writers(self, control: Connection, begun: Callable[[], None], patience: float) -> None:
        """Writers pass while we wait for the first group, so that this may take its time."""
        deadline = time.monotonic() + _UNHURRIED
        for group, locker in self._lockers.items():
            locker.begin(f"LOCK TABLES {', '.join(f'{quote(self._schema, table)} READ' for table in group)}")
            first = group is next(iter(self._lockers))
            while not locker.wait(_LOOK_AFTER):
                blockers = self._blockers(group, control, readers=False)
                if time.monotonic() > deadline or (not first and any(blocker.waits for blocker in blockers)):
                    if locker.cancel(control) is not None:
                        raise self._blocked(group, blockers)
                    break  # it came through in the last moment
            if locker.error is not None:
                raise self._failed(locker.error, group)
            if first:
                begun()
                deadline = time.monotonic() + patience

    def _await_gap(self, group: Sequence[str], control: Connection, seconds: float) -> list[Blocker]:
        """Wait for a moment in which nobody has these tables; after `seconds` without one, who has had them all the time.

        Who has read a table and writes to it next is failed with error 1213 when somebody asks for it exclusively between
        the two.
        """
        deadline = time.monotonic() + seconds
        stayed = blockers = self._blockers(group, control)
        while blockers and time.monotonic() < deadline:
            time.sleep(_GLANCE)
            blockers = self._blockers(group, control)
            here = {blocker.session for blocker in blockers}
            stayed = [blocker for blocker in stayed if blocker.session in here]
        return stayed if blockers else []

    def _keep(self, group: Sequence[str], control: Connection, deadline: float, killing: bool) -> None:
        """Ask for these tables, and wait for all who had them before."""
        self._ask_for(group, control)
        while blockers := self._in_the_way(group, control):
            entangled = [blocker for blocker in blockers if blocker.waits]
            if killing and entangled:
                kill(control, entangled)
            elif entangled or time.monotonic() > deadline:
                raise self._blocked(group, blockers)
            time.sleep(_GLANCE)

    def _blocked(self, group: Sequence[str], blockers: Sequence[Blocker]) -> Blocked:
        on = {table for blocker in blockers for table in blocker.on}
        return Blocked([table for table in group if table in on] or group, blockers)

    def _use(self, control: Connection, patience: float) -> None:
        """Let the reader have used all tables. Nobody has to wait for that; it may have to wait for somebody's DDL."""
        execute(self.reader, "START TRANSACTION")
        everything = tuple(self._keepers)
        for start in range(0, len(everything), _MOST_JOINED):
            tables = everything[start : start + _MOST_JOINED]
            names = ", ".join(quote(self._schema, table) for table in tables)
            self._reader.begin(f"SELECT 1 FROM {names} WHERE FALSE")
            if not self._reader.wait(patience):
                blockers = self._blockers(tables, control)
                if self._reader.cancel(control) is not None:
                    raise Blocked(tables, blockers)
            if self._reader.error is not None:
                raise self._failed(self._reader.error, tables)

    def _ask_for(self, tables: Collection[str], control: Connection) -> None:
        """Returns when nobody else can come to these tables any more."""
        # Neither while both tables stand nor without the sentry does this rename anything, whoever lives to see it run.
        asked = {self._keepers[table].identity for table in tables}
        for table in tables:
            self._keepers[table].begin(f"RENAME TABLE {quote(*self._sentry)} TO {quote(self._schema, table)}")
        while not asked <= self._locks.waiting(control, asked):
            for table in tables:
                if self._keepers[table].wait(_GLANCE / len(tables)):
                    raise self._failed(self._keepers[table].error, [table])

    def _in_the_way(self, tables: Collection[str], control: Connection) -> list[Blocker]:
        for table in tables:
            if not self._keepers[table].running:
                raise self._failed(self._keepers[table].error, [table])
        return self._blockers(tables, control)

    def _blockers(self, tables: Collection[str], control: Connection, *, readers: bool = True) -> list[Blocker]:
        names = {(self._schema, table) for table in tables}
        return self._locks.blockers(control, names, {session.identity for session in self.sessions}, readers=readers)

    def _failed(self, error: Exception | None, tables: Collection[str]) -> CutoverUndone:
        text = f"locking {', '.join(list(tables)[:5])}: {describe(error) if error else 'the sentry was gone'}"
        passes = error is None or is_lost(error) or error_code(error) in _PASSING
        return NotThisTime(text) if passes else CutoverUndone(text)

    def end_reading(self) -> None:
        """From now on the keepers have their tables for themselves. Raises NotThisTime when the reader has died."""
        try:
            execute(self.reader, "COMMIT")
        except (pymysql.MySQLError, OSError) as error:
            raise NotThisTime(f"the session that read the tables has died: {describe(error)}") from None

    def give_back(self, table: str, control: Connection) -> None:
        """Let the next in line have a table. Raises NotThisTime when its keeper had ended, no matter when."""
        error = self._keepers[table].cancel(control)
        if error is None or error_code(error) != ER.QUERY_INTERRUPTED:
            why = describe(error) if error else "the sentry was gone"
            raise NotThisTime(f"the session that kept {table} has ended early, and writes may have passed: {why}")

    def close(self, control: Connection) -> None:
        """Give back what is still held, and end all sessions."""
        with contextlib.suppress(NotThisTime):
            self.end_reading()
        for session in (*self._lockers.values(), *self._keepers.values()):
            with contextlib.suppress(Exception):
                session.cancel(control)
        for session in self.sessions:
            with contextlib.suppress(Exception):
                session.close()


def kill(control: Connection, blockers: Sequence[Blocker]) -> None:
    """End the sessions in the way."""
    for blocker in blockers:
        with contextlib.suppress(pymysql.MySQLError):  # it may have ended by itself
            execute(control, f"KILL {blocker.session}")
