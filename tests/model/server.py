"""A MariaDB of one process: the statements that the engine sends, answered by SQLite in memory.

Its connections are those that PyMySQL would give, down to the packets of a result. There is no concurrency: whatever may
happen beside a statement happens in front of it or behind it, when `moment` says so.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Self

import pymysql
from pymysql.constants import CR, ER
from pymysql.cursors import SSCursor

Fault = tuple[Literal["crash", "lost"], Literal["before", "after"]]
Answer = tuple[list[tuple[Any, ...]], list[str]]
"""Rows, and the names of their columns."""


class Crash(BaseException):
    """The daemon is killed here."""


class Daemon:
    """Whether there is one: what a dead one still does on its way out reaches nobody."""

    dead = False


class Database:
    """One server's data."""

    def __init__(self, schemas: Sequence[str], daemon: Daemon) -> None:
        self.sql = sqlite3.connect(":memory:", isolation_level=None, cached_statements=2000)
        self.sql.create_function("UTC_TIMESTAMP", 1, lambda digits: "2026-01-01 00:00:00")
        for schema in schemas:
            self.sql.execute(f"ATTACH ':memory:' AS `{schema}`")
        self.moment: Callable[[bool], Fault | None] = lambda commits: None
        """Asked in front of every statement, with whether it ends a transaction; what it answers befalls who sent it."""
        self.committed: Callable[[], None] = lambda: None
        """Called at each commit that changed something, before anybody hears of it."""
        self.daemon = daemon
        self.owner: Link | None = None
        """Whose transaction is open."""

    def connect(self, *, autocommit: bool) -> Link:
        """A session."""
        return Link(self, autocommit=autocommit)

    def tables(self) -> list[str]:
        """Quoted names of all there are."""
        schemas = [name for _, name, _ in self.sql.execute("PRAGMA database_list") if name != "main"]
        return [
            f"`{schema}`.`{name}`"
            for schema in schemas
            for (name,) in self.sql.execute(f"SELECT name FROM `{schema}`.sqlite_master WHERE type = 'table'").fetchall()
        ]

    def empty(self) -> None:
        """Forget everything but the tables."""
        self.restart()
        for table in self.tables():
            self.sql.execute(f"DELETE FROM {table}")

    def restart(self) -> None:
        """What the last daemon had not committed is rolled back."""
        if self.sql.in_transaction:
            self.sql.execute("ROLLBACK")
        self.owner = None

    def special(self, link: Link, statement: str) -> Answer | None:  # noqa: ARG002
        """The answer to a statement that is none of SQL's."""
        if statement.startswith(("SET ", "ANALYZE ", "CREATE DATABASE ", "ALTER TABLE ")):
            return [], []
        if statement.startswith("EXPLAIN"):
            return [(1,)], ["rows"]
        if statement.startswith("SHOW INDEX"):
            return [], []
        if statement.startswith("SELECT @@"):
            names = statement.removeprefix("SELECT @@").split(", @@")
            return [tuple([_VARIABLES[name] for name in names])], names
        return {
            "SELECT VERSION()": ([("10.11.6-MariaDB",)], ["v"]),
            "XA RECOVER FORMAT='SQL'": ([], ["formatID", "gtrid_length", "bqual_length", "data"]),
        }.get(statement)

    def run(self, link: Link, statement: str) -> tuple[Answer, int]:
        """Execute; also gives the number of rows that were matched."""
        if self.daemon.dead:
            raise Crash
        if not link.open:
            raise pymysql.InterfaceError(0, "")
        fault = self.moment(statement == "COMMIT" and self.owner is link)
        if fault is not None and fault[1] == "before":
            self._befall(link, fault)
        answer = self.special(link, statement)
        count = 0 if answer is None else len(answer[0])
        if answer is None:
            answer, count = self._execute(link, statement)
        if fault is not None:
            self._befall(link, fault)
        return answer, count

    def _befall(self, link: Link, fault: Fault) -> None:
        if fault[0] == "crash":
            self.daemon.dead = True
            raise Crash
        link.close()
        link.failed = pymysql.OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")
        raise link.failed

    def _execute(self, link: Link, statement: str) -> tuple[Answer, int]:
        verb = statement[:6].upper().rstrip()
        if verb in ("BEGIN", "START"):
            self.end(link, commit=True)
            self._begin(link)
            return ([], []), 0
        if verb in ("COMMIT", "ROLLBA"):
            self.end(link, commit=verb == "COMMIT")
            return ([], []), 0
        reads = verb == "SELECT"
        assert self.owner in (None, link), "two sessions at once have no meaning here"
        if not link.autocommit and self.owner is None and (not reads or " FOR UPDATE" in statement):
            self._begin(link)
        try:
            cursor = self.sql.execute(sqlite(statement))
            found = cursor.fetchall()
        except sqlite3.IntegrityError as error:
            code = ER.BAD_NULL_ERROR if "NOT NULL" in str(error) else ER.DUP_ENTRY
            raise pymysql.IntegrityError(code, str(error)) from None
        except sqlite3.Error as error:
            raise AssertionError(f"{error}: {statement}") from None
        names = [column[0] for column in cursor.description or ()]
        if not reads and self.owner is None:
            self.committed()
        return (found, names), len(found) if names else max(cursor.rowcount, 0)

    def _begin(self, link: Link) -> None:
        assert self.owner is None, "two sessions at once have no meaning here"
        self.sql.execute("BEGIN")
        self.owner = link

    def end(self, link: Link, *, commit: bool) -> None:
        """End the session's transaction, if it has one."""
        if self.owner is not link:
            return
        if commit:
            self.committed()  # sees what will be there at once, or never
        self.sql.execute("COMMIT" if commit else "ROLLBACK")
        self.owner = None


_VARIABLES = {
    "server_id": 1, "hostname": "here", "port": 3306, "datadir": "/data", "local_infile": 0, "max_allowed_packet": 1 << 26,
}  # fmt: skip
_VALUES = re.compile(r"VALUES\((`[^`]+`)\)")
_TABLE_OPTIONS = re.compile(r"\) ENGINE=.*$", re.DOTALL)
_COMMENT = re.compile(r" COMMENT '[^']*'")


def sqlite(statement: str) -> str:
    """MariaDB's words in SQLite's."""
    if statement.startswith("CREATE TABLE"):
        return _TABLE_OPTIONS.sub(")", _COMMENT.sub("", statement))
    if statement.startswith("TRUNCATE TABLE "):
        return "DELETE FROM " + statement.removeprefix("TRUNCATE TABLE ")
    if " ON DUPLICATE KEY UPDATE " in statement:
        head, _, tail = statement.partition(" ON DUPLICATE KEY UPDATE ")
        statement = f"{head} ON CONFLICT DO UPDATE SET {_VALUES.sub(lambda found: 'excluded.' + found[1], tail)}"
    if statement.startswith("INSERT IGNORE"):
        statement = "INSERT OR IGNORE" + statement.removeprefix("INSERT IGNORE")
    return statement.replace(" <=> ", " IS ").replace(" FOR UPDATE SKIP LOCKED", "").replace(" FOR UPDATE", "")


class Link:
    """What the engine holds instead of its sessions."""

    def __init__(self, database: Database, *, autocommit: bool) -> None:
        self.database = database
        self.autocommit = autocommit
        self.open = True
        self.failed: Exception | None = None
        self._result: Any = None
        self._rfile: Any = None

    def cursor(self, kind: type[Any] | None = None) -> _Cursor:
        """See PyMySQL."""
        return _Cursor(self, streaming=kind is SSCursor)

    def commit(self) -> None:
        """See PyMySQL."""
        self.database.run(self, "COMMIT")

    def rollback(self) -> None:
        """See PyMySQL."""
        self.database.run(self, "ROLLBACK")

    def close(self) -> None:
        """See PyMySQL; what is not committed is rolled back."""
        if self.open:
            self.open = False
            self.database.end(self, commit=False)

    def _execute_command(self, _: int, statement: str) -> None:
        self.database.run(self, statement)

    def _read_query_result(self) -> None:
        """It was waited for when it was sent."""

    def _force_close(self) -> None:
        self.close()


class _Cursor:
    def __init__(self, link: Link, *, streaming: bool) -> None:
        self._link = link
        self._streaming = streaming
        self._rows: list[tuple[Any, ...]] = []
        self.description: list[tuple[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, statement: str, arguments: tuple[Any, ...] | None = None) -> int:
        if arguments is not None:
            statement %= tuple(map(_literal, arguments))
        (self._rows, names), count = self._link.database.run(self._link, statement)
        self.description = [(name,) for name in names]
        if self._streaming:
            self._link._result, self._link._rfile = _Result(len(names)), _Packets(self._rows)
        return count

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows[0] if self._rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows


class _Result:
    def __init__(self, columns: int) -> None:
        self.field_count = columns
        self.unbuffered_active = True
        self.connection: object = None


class _Packets:
    """A result as it comes through the socket."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        payloads = [b"".join([b"\xfb" if value is None else _sized(str(value).encode()) for value in row]) for row in rows]
        self._left = b"".join(map(_packet, [*payloads, b"\xfe\0\0\0\0"]))

    def read1(self, size: int) -> bytes:
        found, self._left = self._left[:size], self._left[size:]
        return found


def _sized(value: bytes) -> bytes:
    assert len(value) < 251
    return bytes([len(value)]) + value


def _packet(payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + b"\0" + payload


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, tuple):
        return f"({','.join(map(_literal, value))})"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return str(value)
