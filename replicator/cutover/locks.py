"""Who holds which table, and who waits for whom, as far as the server shows it.

MySQL shows metadata locks in performance_schema.metadata_locks, MariaDB in the plugin metadata_lock_info. That a session waits
is read off the list of sessions: MariaDB does not show which lock somebody waits for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pymysql

from replicator.cutover.moves import Name
from replicator.mysql.connection import Connection, account, error_code, rows

# {} is a condition on the session, so that a server with thousands of locks sends those that matter.
_MYSQL_LOCKS = (
    "SELECT t.processlist_id, m.object_type, m.object_schema, m.object_name, m.lock_type"
    " FROM performance_schema.threads t JOIN performance_schema.metadata_locks m ON m.owner_thread_id = t.thread_id"
    " WHERE t.processlist_id {} AND m.lock_status = 'GRANTED' AND (m.object_type = 'TABLE'"
    " OR (m.object_type IN ('GLOBAL', 'COMMIT') AND m.lock_type = 'SHARED') OR m.object_type = 'BACKUP LOCK')"
)
_MARIADB_LOCKS = (
    "SELECT thread_id, lock_type, table_schema, table_name, lock_mode FROM information_schema.metadata_lock_info"
    " WHERE thread_id {} AND (table_name <> '' OR lock_mode LIKE 'MDL_BACKUP%')"
)
_MYSQL_SESSIONS = (
    "SELECT processlist_id, processlist_user, processlist_host, processlist_time, processlist_state, processlist_info"
    " FROM performance_schema.threads WHERE type = 'FOREGROUND' AND processlist_id {}"
)
_MARIADB_SESSIONS = "SELECT id, user, host, time_ms / 1000, state, info FROM information_schema.processlist WHERE id {}"
# trx_started is in the server's own time zone, whatever that of the session.
_TRANSACTIONS = (
    "SELECT trx_mysql_thread_id, TIMESTAMPDIFF(MICROSECOND, trx_started,"
    " CONVERT_TZ(UTC_TIMESTAMP(6), '+00:00', 'SYSTEM')) / 1000000 FROM information_schema.innodb_trx"
)
_CANNOT_CONVERT = 3854
_WAITS = "Waiting for table metadata lock"
_READERS = ("SHARED", "SHARED_HIGH_PRIO", "SHARED_READ", "SHARED_READ_ONLY")
_WHOLE_SERVER = ("SHARED", "MDL_BACKUP_FTWRL1", "MDL_BACKUP_FTWRL2", "MDL_BACKUP_WAIT_DDL", "MDL_BACKUP_WAIT_COMMIT")
"""Locks of FLUSH TABLES WITH READ LOCK, BACKUP STAGE and LOCK INSTANCE FOR BACKUP, under which nothing is renamed."""


@dataclass(frozen=True, slots=True)
class Held:
    """One lock on a table, or ("", "") for one on the whole server."""

    session: int
    name: Name
    mode: str

    @property
    def exclusive(self) -> bool:
        """Whether nobody else can use the table."""
        return self.mode.removeprefix("MDL_") == "EXCLUSIVE"

    @property
    def reads_only(self) -> bool:
        """Whether others may read the table beside it."""
        return self.mode.removeprefix("MDL_") in _READERS


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session in the way."""

    session: int
    user: str
    age: float
    """Seconds since its transaction began, or since its statement or lock did."""
    waits: bool
    """It waits for a table itself, so that it cannot go on before we do."""
    statement: str
    on: tuple[str, ...]

    def __str__(self) -> str:
        doing = f"running {self.statement}" if self.statement else "idle in a transaction"
        return f"session {self.session} of {self.user}, {self.age:.1f} s, {doing}, on {', '.join(self.on)}"


@dataclass(frozen=True, slots=True)
class Locks:
    """Reads the locks of one server of this flavour."""

    flavour: str

    def exclusive(self, connection: Connection, session: int) -> frozenset[Name]:
        """The tables that a session has for itself."""
        return frozenset(lock.name for lock in self._held(connection, _among([session])) if lock.exclusive)

    def waiting(self, connection: Connection, sessions: Collection[int]) -> set[int]:
        """Those of the sessions that wait for a table now."""
        return {int(session) for session, _, _, _, state, _ in self._sessions(connection, sessions) if state == _WAITS}

    def blockers(
        self, connection: Connection, tables: Collection[Name], ours: Collection[int], *, readers: bool = True
    ) -> list[Blocker]:
        """Sessions but ours that hold one of the tables or lock the whole server, oldest first."""
        on: dict[int, set[str]] = {}
        for lock in self._held(connection, f"NOT {_among(ours)}"):
            if lock.name == ("", "") or (lock.name in tables and (readers or not lock.reads_only)):
                on.setdefault(lock.session, set()).add(lock.name[1] or "the whole server")
        if not on:
            return []
        ages = _ages(connection)
        found = []
        for session, user, host, seconds, state, text in self._sessions(connection, on):
            age = ages.get(session, float(seconds or 0))
            place = f"{user}@{host}"
            found.append(Blocker(session, place, age, state == _WAITS, _short(text), tuple(sorted(on[session]))))
        return sorted(found, key=lambda blocker: -blocker.age)

    def _held(self, connection: Connection, which: str) -> list[Held]:
        """Locks that these sessions have been granted; those that they wait for are not among them."""
        statement = _MYSQL_LOCKS if self.flavour == "mysql" else _MARIADB_LOCKS
        found = []
        for session, kind, schema, table, mode in rows(connection, statement.format(which)):
            on_table = kind in ("TABLE", "Table metadata lock")
            if on_table or mode in _WHOLE_SERVER:
                found.append(Held(int(session), (schema, table) if on_table else ("", ""), mode))
        return found

    def _sessions(self, connection: Connection, which: Collection[int]) -> tuple[tuple[Any, ...], ...]:
        """Number, user, host, seconds of its statement, state, statement."""
        statement = _MYSQL_SESSIONS if self.flavour == "mysql" else _MARIADB_SESSIONS
        return rows(connection, statement.format(_among(which)))


def _among(sessions: Collection[int]) -> str:
    """A condition; no session has the number 0."""
    return f"IN ({', '.join(map(str, sessions)) or 0})"


def _ages(connection: Connection) -> dict[int, float]:
    """Session → age of its transaction in seconds.

    Empty while one of them runs a statement with an emoji in it: MySQL's innodb_trx has no room for the text and refuses
    the whole query. The age is then taken from the list of sessions.
    """
    try:
        return {int(session): float(age) for session, age in rows(connection, _TRANSACTIONS)}
    except pymysql.MySQLError as error:
        if error_code(error) == _CANNOT_CONVERT:
            return {}
        raise


def _short(text: Any) -> str:
    line = " ".join(str(text or "").split())
    return line if len(line) <= 200 else line[:199] + "…"


def problem_seeing_locks(connection: Connection, flavour: str) -> tuple[str, str] | None:
    """What keeps us from seeing locks, and its fix; None when nothing does."""
    try:
        if flavour == "mysql":
            enabled = rows(
                connection,
                "SELECT enabled FROM performance_schema.setup_instruments WHERE name = 'wait/lock/metadata/sql/mdl'",
            )
            if not enabled or enabled[0][0] != "YES":
                return (
                    "the instrument wait/lock/metadata/sql/mdl is off",
                    "UPDATE performance_schema.setup_instruments SET enabled = 'YES' WHERE name = 'wait/lock/metadata/sql/mdl'",
                )
        rows(connection, (_MYSQL_LOCKS if flavour == "mysql" else _MARIADB_LOCKS).format("> 0") + " LIMIT 1")
        _ages(connection)
    except pymysql.MySQLError as error:
        ours = account(connection)
        fix = f"GRANT SELECT ON performance_schema.* TO {ours}; GRANT PROCESS ON *.* TO {ours}"
        if flavour == "mariadb":
            fix = f"INSTALL SONAME 'metadata_lock_info'; GRANT PROCESS ON *.* TO {ours}"
        return f"{error.args[-1]}", fix
    return None
