"""Statements that change target tables: many rows each, built from literals.

Before the stream is exact (while it replays from LOW), rows are set whatever stands there: a colliding holder of a unique
key is replaced, its own event brings it back. Once exact, only rows that are known to stand there are updated, all others
are plain inserts, so that a collision is an error that names the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pymysql
from pymysql.constants import ER

from replicator.errors import BadRow
from replicator.mysql.catalog import Table
from replicator.mysql.connection import Connection, Endpoint, describe, error_code, execute
from replicator.mysql.sql import key_condition, quote, quote_list
from replicator.transform.produce import Literals

STATEMENT_BYTES = 1 << 20
STATEMENT_ROWS = 2_000
KEYS_PER_DELETE = 1_000

_ROW_ERRORS = {
    ER.DUP_ENTRY, ER.DATA_TOO_LONG, ER.WARN_DATA_OUT_OF_RANGE, ER.BAD_NULL_ERROR, ER.TRUNCATED_WRONG_VALUE,
    ER.TRUNCATED_WRONG_VALUE_FOR_FIELD, ER.WARN_DATA_TRUNCATED, ER.NO_DEFAULT_FOR_FIELD, 1416, 3140, 3156, 4025, 3819,
    1526, 1748, 1586, 1062, 1169, 1366, 1367, 1411, 1441, 1690,
}  # fmt: skip
"""Errors that one row of a statement caused."""


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


class Writer:
    """Writes rows of one target (or staging) table."""

    def __init__(self, sql: str, table: Table, columns: Sequence[str], endpoint: Endpoint, *, alias: bool) -> None:
        self._sql = sql
        self._table = table
        self._key_sql = [quote(name) for name in table.row_key]
        self._key_places = [list(columns).index(name) for name in table.row_key]
        self._endpoint = endpoint
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

    def write(self, connection: Connection, writes: Writes, *, exact: bool) -> None:
        """Apply the changes in the caller's transaction; raises BadRow for a row that the server refuses."""
        deletes, updates, inserts = writes.deletes, writes.updates, writes.inserts
        if exact and not self._updatable and updates:
            # With a second unique key ON DUPLICATE KEY UPDATE may hit another row, and values may be swapped
            # between rows: all of them go first, then all come back.
            deletes = [*deletes, *(self._key_of(row) for row in updates)]
            inserts = [*inserts, *updates]
            updates = []
        for condition in writes.deleted_units:
            self._execute(connection, f"DELETE FROM {self._sql} WHERE {condition}")
        for keys in _parts(deletes, KEYS_PER_DELETE):
            self._execute(connection, f"DELETE FROM {self._sql} WHERE {key_condition(self._key_sql, keys)}")
        if not exact:
            self._insert_rows(connection, self._replace, "", [*updates, *inserts])
            return
        self._insert_rows(connection, self._insert, self._on_duplicate, updates)
        self._insert_rows(connection, self._insert, "", inserts)

    def upsert(self, connection: Connection, deletes: Iterable[Literals], rows: Sequence[Literals]) -> None:
        """Set rows of a table whose only unique key is its row key, whether they stand there or not."""
        for keys in _parts(list(deletes), KEYS_PER_DELETE):
            self._execute(connection, f"DELETE FROM {self._sql} WHERE {key_condition(self._key_sql, keys)}")
        self._insert_rows(connection, self._insert, self._on_duplicate, rows)

    def _key_of(self, row: Literals) -> Literals:
        return tuple([row[place] for place in self._key_places])

    def _insert_rows(self, connection: Connection, head: str, tail: str, rows: Sequence[Literals]) -> None:
        for part in _statements(rows):
            try:
                self._execute(connection, head + ",".join(part) + tail)
            except pymysql.MySQLError as error:
                raise self._named(connection, head, tail, part, error) from None

    def _execute(self, connection: Connection, statement: str) -> None:
        try:
            execute(connection, statement)
        except pymysql.MySQLError as error:
            if error_code(error) in _ROW_ERRORS:
                raise
            raise self._endpoint.failure(error, f"writing {self._table.name}") from None

    def _named(self, connection: Connection, head: str, tail: str, rows: Sequence[str], error: pymysql.MySQLError) -> BadRow:
        """Find the row of a refused statement by halving; the transaction is rolled back by the caller anyway."""
        suspects = list(rows)
        while len(suspects) > 1:
            half = suspects[: len(suspects) // 2]
            try:
                execute(connection, head + ",".join(half) + tail)
            except pymysql.MySQLError as again:
                if error_code(again) not in _ROW_ERRORS:
                    raise self._endpoint.failure(again) from None
                suspects, error = half, again
            else:
                suspects = suspects[len(half) :]
        return BadRow(self._table.name, self._key_text(suspects[0]), describe(error))

    def _key_text(self, row: str) -> str:
        """The start of the row's literals is enough to find it; whole rows may be long."""
        return row[1:120]


def _parts(items: Sequence[Literals], size: int) -> Iterator[Sequence[Literals]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _statements(rows: Iterable[Literals]) -> Iterator[list[str]]:
    """Rows as `(…)` texts, as many as belong into one statement."""
    part: list[str] = []
    size = 0
    for row in rows:
        text = f"({','.join(row)})"
        if part and (size + len(text) > STATEMENT_BYTES or len(part) >= STATEMENT_ROWS):
            yield part
            part, size = [], 0
        part.append(text)
        size += len(text)
    if part:
        yield part
