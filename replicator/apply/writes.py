"""Statements that change target tables: many rows each, built from literals.

Before the stream is exact (while it replays from LOW), rows are set whatever stands there: a colliding holder of a unique
key is replaced, its own event brings it back. Once exact, only rows that are known to stand there are updated, all others
are plain inserts, so that a collision is an error that names the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pymysql
from pymysql.constants import COMMAND

from replicator.errors import BadRow
from replicator.mysql.catalog import Table
from replicator.mysql.connection import Connection, Endpoint, error_code, execute, value
from replicator.mysql.members import NoMembers
from replicator.mysql.refusals import ROW_ERRORS, key_text, refused
from replicator.mysql.sql import key_condition, quote, quote_list
from replicator.transform.produce import Literals

STATEMENT_BYTES = 1 << 20
STATEMENT_ROWS = 2_000
KEYS_PER_DELETE = 1_000
_MOST_OCTETS = 4
"""Of a character in utf8mb4."""

@dataclass(slots=True)
class Writes:
    """Changes of one target table; deletes go first, then updates, then inserts."""

    deletes: list[Literals] = field(default_factory=list)
    """Primary keys."""
    deleted_units: list[str] = field(default_factory=list)
    """Conditions that name all rows of some units."""
    updates: list[Literals] = field(default_factory=list)
    """Whole rows whose primary key stands in the target."""
    inserts: list[Literals] = field(default_factory=list)
    """Whole rows whose primary key does not."""

    def add(self, other: Writes) -> None:
        """Take in the changes that another transform makes to the same table."""
        self.deletes += other.deletes
        self.deleted_units += other.deleted_units
        self.updates += other.updates
        self.inserts += other.inserts


Aside = Callable[[Literals, BadRow, pymysql.MySQLError | None], None]
"""Takes a row that cannot be written, the error that names it, and the server's own."""


class _Ahead:
    """Sends statements without waiting for their answers: while the server works on one, the next is being built."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Any = connection  # PyMySQL has no public name for half a query
        self._failed: Callable[[pymysql.MySQLError], Exception | None] | None = None

    def send(self, statement: str, failed: Callable[[pymysql.MySQLError], Exception | None]) -> None:
        """Begin a statement once the one before has ended; `failed` makes the error that is raised should it fail.

        None: it has got over the failure.
        """
        self.finish()
        self._failed = failed
        self._take(self._connection._execute_command, COMMAND.COM_QUERY, statement)

    def finish(self) -> None:
        """Wait for the statement that is under way."""
        if self._failed is not None:
            self._take(self._connection._read_query_result)
            self._failed = None

    def _take(self, step: Callable[..., object], *arguments: object) -> None:
        try:
            step(*arguments)
        except pymysql.MySQLError as error:
            failed, self._failed = self._failed, None
            assert failed is not None
            problem = failed(error)
            if problem is not None:
                raise problem from None


class Writer:
    """Writes rows of one target (or staging) table."""

    def __init__(
        self,
        sql: str,
        table: Table,
        columns: Sequence[str],
        endpoint: Endpoint,
        *,
        alias: bool,
        aside: Aside | None = None,
    ) -> None:
        """`aside` takes the rows that the server refuses; without it the first one is raised."""
        self._sql = sql
        self._table = table
        self._key_sql = [quote(name) for name in table.row_key]
        self._key_places = [list(columns).index(name) for name in table.row_key]
        self._endpoint = endpoint
        self._packet = 0
        """The session's max_allowed_packet, once it is known."""
        self._aside = aside
        self._names = tuple(columns)
        names = quote_list(columns)
        others = [quote(name) for name in columns if name not in table.row_key] or [self._key_sql[0]]
        self._insert = f"INSERT INTO {sql} ({names}) VALUES "
        self._replace = f"REPLACE INTO {sql} ({names}) VALUES "
        if alias:  # VALUES(column) is deprecated on MySQL, and all that MariaDB knows
            updates = ", ".join(f"{name} = new.{name}" for name in others)
            self._on_duplicate = f" AS new ON DUPLICATE KEY UPDATE {updates}"
        else:
            self._on_duplicate = f" ON DUPLICATE KEY UPDATE {', '.join(f'{name} = VALUES({name})' for name in others)}"
        self._updatable = not table.unique_keys
        self._key_has_text = any(table.by_name[name].is_text for name in table.row_key)
        # A strict MySQL writes them as they are.
        self._no_members = NoMembers([] if alias else [table.by_name[name] for name in columns])

    @property
    def independent(self) -> bool:
        """Whether rows only collide by their row key, so that it does not matter in which order keys are written.

        Of texts only the server knows which are one key: what goes in one spelling has to go before it comes in another.
        """
        return self._updatable and not self._key_has_text

    def write(self, connection: Connection, writes: Writes, *, exact: bool) -> None:
        """Apply the changes in the caller's transaction; raises BadRow for a row that the server refuses."""
        self.write_parts(connection, (writes,), exact=exact)

    def write_parts(self, connection: Connection, parts: Iterable[Writes], *, exact: bool) -> None:
        """Apply one after the other; each is made while the server is busy with the one before."""
        self._measure(connection)
        ahead = _Ahead(connection)
        for writes in parts:
            self._write(ahead, connection, writes, exact=exact)
        ahead.finish()

    def _write(self, ahead: _Ahead, connection: Connection, writes: Writes, *, exact: bool) -> None:
        deletes, updates, inserts = writes.deletes, writes.updates, writes.inserts
        if exact and not self._updatable and updates:
            # With a second unique key ON DUPLICATE KEY UPDATE may hit another row, and values may be swapped
            # between rows: all of them go first, then all come back.
            deletes = [*deletes, *(self._key_of(row) for row in updates)]
            inserts = [*inserts, *updates]
            updates = []
        for condition in writes.deleted_units:
            ahead.send(f"DELETE FROM {self._sql} WHERE {condition}", self._failure)
        self._delete_rows(ahead, deletes)
        if not exact:
            self._insert_rows(ahead, connection, self._replace, "", [*updates, *inserts])
            return
        self._insert_rows(ahead, connection, self._insert, self._on_duplicate, updates)
        self._insert_rows(ahead, connection, self._insert, "", inserts)

    def upsert(self, connection: Connection, deletes: Iterable[Literals], rows: Sequence[Literals]) -> None:
        """Set rows of a table whose only unique key is its row key, whether they stand there or not."""
        self._measure(connection)
        ahead = _Ahead(connection)
        self._delete_rows(ahead, list(deletes))
        self._insert_rows(ahead, connection, self._insert, self._on_duplicate, rows)
        ahead.finish()

    def _measure(self, connection: Connection) -> None:
        if not self._packet:
            try:
                self._packet = int(value(connection, "SELECT @@max_allowed_packet"))
            except pymysql.MySQLError as error:
                raise self._failure(error) from None

    def _key_of(self, row: Literals) -> Literals:
        return tuple([row[place] for place in self._key_places])

    def _delete_rows(self, ahead: _Ahead, deletes: Sequence[Literals]) -> None:
        for keys in _parts(deletes, KEYS_PER_DELETE):
            ahead.send(f"DELETE FROM {self._sql} WHERE {key_condition(self._key_sql, keys)}", self._failure)

    def _insert_rows(self, ahead: _Ahead, connection: Connection, head: str, tail: str, rows: Sequence[Literals]) -> None:
        if self._no_members.among(rows):
            self._insert_no_members(ahead, connection, head, tail, [row for row in rows if self._no_members.count(row)])
            rows = [row for row in rows if not self._no_members.count(row)]
        longest = self._packet - len(head.encode()) - len(tail.encode()) - 2
        for part in _statements(rows, longest // _MOST_OCTETS):
            text = _statement(head, part, tail)
            # The server ends the connection over a longer one, which would look like a network that fails.
            long = len(text) * _MOST_OCTETS > self._packet
            if long and len(part) == 1 and len(text.encode(errors="replace")) > self._packet:
                ahead.finish()
                self._refuse(
                    part[0], f"a row of more than the target's max_allowed_packet ({self._packet} bytes): raise it there"
                )
            else:
                ahead.send(text, partial(self._refused, connection, head, tail, part))

    def _insert_no_members(self, ahead: _Ahead, connection: Connection, head: str, tail: str, rows: Sequence[Literals]) -> None:
        ahead.finish()
        for row in rows:
            try:
                written = self._no_members.write(connection, _statement(head, [row], tail), row)
            except pymysql.MySQLError as error:
                problem = self._refused(connection, head, tail, [row], error)
                if problem is not None:
                    raise problem from None
                continue
            if not written:
                self._refuse(row, "the target changes a value of it")

    def _refuse(self, row: Literals, reason: str) -> None:
        problem = BadRow(self._table.name, key_text(self._table, self._names, row), reason)
        if self._aside is None:
            raise problem
        self._aside(row, problem, None)

    def _failure(self, error: pymysql.MySQLError) -> Exception:
        return self._endpoint.failure(error, f"writing {self._table.name}")

    def _refused(
        self, connection: Connection, head: str, tail: str, rows: Sequence[Literals], error: pymysql.MySQLError
    ) -> Exception | None:
        """Halve a refused statement until the row is found; those before it are written by then."""
        if error_code(error) not in ROW_ERRORS:
            return self._failure(error)
        if len(rows) == 1:
            problem = refused(self._table, self._names, rows[0], error)
            if self._aside is None:
                return problem
            self._aside(rows[0], problem, error)
            return None
        for half in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
            try:
                execute(connection, _statement(head, half, tail))
            except pymysql.MySQLError as again:
                found = self._refused(connection, head, tail, half, again)
                if found is not None:
                    return found
        return None


def _parts(items: Sequence[Literals], size: int) -> Iterator[Sequence[Literals]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _statement(head: str, rows: Iterable[Literals], tail: str) -> str:
    return f"{head}({'),('.join(map(','.join, rows))}){tail}"


def _statements(rows: Iterable[Literals], characters: int) -> Iterator[list[Literals]]:
    """As many rows as belong into one statement of at most so many characters."""
    most = min(STATEMENT_BYTES, characters)
    part: list[Literals] = []
    size = 0
    for row in rows:
        length = sum(map(len, row)) + len(row) + 2
        if part and (size + length > most or len(part) >= STATEMENT_ROWS):
            yield part
            part, size = [], 0
        part.append(row)
        size += length
    if part:
        yield part
