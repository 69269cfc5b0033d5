"""Writes the rows of a chunk: by LOAD DATA from memory, and where a line raised a warning by plain statements.

A LOCAL load does not stop at an error: it warns and goes on. So a load that warned is no load: the chunk is rolled back and
written again by statements, which name the row that the server refuses.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from typing import Any

import pymysql
from pymysql.constants import ER

from replicator.copy.lines import insert_head, load_statement, values_text
from replicator.errors import BadRow, ReplicatorError
from replicator.mysql.catalog import Table
from replicator.mysql.connection import Connection, Endpoint, error_code, execute
from replicator.mysql.encoding import row_encoder
from replicator.mysql.loading import load
from replicator.mysql.members import NoMembers
from replicator.transform.produce import Literals, RowEncoder, Values

_STATEMENT_BYTES = 1 << 20

_ROW_ERRORS = {
    ER.DUP_ENTRY, ER.DATA_TOO_LONG, ER.WARN_DATA_OUT_OF_RANGE, ER.BAD_NULL_ERROR, ER.TRUNCATED_WRONG_VALUE,
    ER.TRUNCATED_WRONG_VALUE_FOR_FIELD, ER.WARN_DATA_TRUNCATED, ER.NO_DEFAULT_FOR_FIELD, ER.CANT_CREATE_GEOMETRY_OBJECT,
    ER.CONSTRAINT_FAILED, 1526, 1690, 1748, 3140, 3156, 3157, 3819, 6138,
}  # fmt: skip
"""Errors that a row causes, not the statement or the server."""


class LoadWarned(ReplicatorError):
    """A load raised warnings; only seen inside the copy, which then writes the chunk by statements."""


class TableWriter:
    """Gathers rows of one table and sends them, about a megabyte at a time, in the caller's transaction."""

    def __init__(
        self, sql: str, table: Table, names: Sequence[str], endpoint: Endpoint, *, replace: bool, longest: int
    ) -> None:
        """`longest` is the server's max_allowed_packet."""
        self._table = table
        self._endpoint = endpoint
        self._longest = longest
        self._encoder = RowEncoder(table, names)
        self._encode_line = row_encoder([table.by_name[name] for name in names], digits=True)
        self._no_members = NoMembers([table.by_name[name] for name in names])
        self._load = load_statement(sql, table, names, replace=replace)
        self._head = insert_head(sql, names, replace=replace)
        self._rows: list[Literals] = []
        self._lines: list[str] = []
        self._size = 0
        self.careful = False
        """Write by statements."""
        self.written_bytes = 0
        """Of the present chunk, about."""

    def begin(self, careful: bool) -> None:
        """A chunk begins; what an attempt before has left unsent is forgotten."""
        self._rows, self._lines, self._size, self.written_bytes, self.careful = [], [], 0, 0, careful

    def add(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Take rows; raises BadRow for a value that the table cannot hold exactly."""
        if self.careful:
            encoded = [self._encoder.encode(values) for values in rows]
            self._rows += encoded
            self._grow(connection, sum(len(literal) for literals in encoded for literal in literals))
            return
        try:
            lines = list(map(",".join, map(self._encode_line, rows)))
        except (ValueError, TypeError):
            deque(map(self._encoder.encode, rows), maxlen=0)  # raises, and names the column
            raise
        self.add_lines(connection, lines)

    def add_lines(self, connection: Connection, lines: Sequence[str]) -> None:
        """Take rows that are lines of LOAD DATA already; not where the chunk is written carefully."""
        self._lines += lines
        self._grow(connection, sum(map(len, lines)))

    def _grow(self, connection: Connection, size: int) -> None:
        self._size += size
        self.written_bytes += size
        if self._size >= _STATEMENT_BYTES:
            self.flush(connection)

    def flush(self, connection: Connection) -> None:
        """Send what was taken; raises BadRow for a row that the server refuses."""
        rows, lines = self._rows, self._lines
        self._rows, self._lines, self._size = [], [], 0
        try:
            if lines:
                self._send(connection, lines)
            if rows:
                self._insert(connection, rows)
        except pymysql.MySQLError as error:
            if error_code(error) in _ROW_ERRORS:
                raise LoadWarned(self._table.name) from None
            raise self._endpoint.failure(error, f"writing {self._table.name}") from error

    def _send(self, connection: Connection, lines: list[str]) -> None:
        lines.append("")
        try:
            data = "\n".join(lines).encode()
        except UnicodeEncodeError:
            raise LoadWarned(self._table.name) from None
        if load(connection, self._load, data):
            raise LoadWarned(self._table.name)

    def _insert(self, connection: Connection, rows: Sequence[Literals]) -> None:
        """Halve a refused statement until the row is found; those before it are written by then."""
        text = self._head + values_text(rows)
        if len(text) >= self._longest // 4 and len(text.encode(errors="replace")) >= self._longest:
            if len(rows) == 1:
                reason = f"a row of more than the target's max_allowed_packet ({self._longest} bytes): raise it there"
                raise BadRow(self._table.name, self._key_text(rows[0]), reason)
        else:
            try:
                execute(connection, text)
            except UnicodeEncodeError:
                if len(rows) == 1:
                    reason = "half of a surrogate pair, which is no character: return whole characters"
                    raise BadRow(self._table.name, self._key_text(rows[0]), reason) from None
            except pymysql.MySQLError as error:
                if error_code(error) not in _ROW_ERRORS:
                    raise
                if len(rows) == 1:
                    if self._wrote_no_member(connection, text, rows[0]):
                        return
                    raise self._refused(rows[0], error) from None
            else:
                return
        middle = len(rows) // 2
        self._insert(connection, rows[:middle])
        self._insert(connection, rows[middle:])

    def _wrote_no_member(self, connection: Connection, text: str, row: Literals) -> bool:
        """Whether the row could be written as MariaDB has to be asked for an enum's invalid value."""
        if not self._no_members.count(row):
            return False
        try:
            return self._no_members.write(connection, text, row)
        except pymysql.MySQLError:
            return False  # the first refusal says why

    def _refused(self, row: Literals, error: pymysql.MySQLError) -> BadRow:
        """The server's message holds the value: only what it says about place and kind goes on."""
        code, message = error_code(error), str(error.args[1])
        if code == ER.DUP_ENTRY:
            found = re.search(r"for key '(.*)'$", message)
            return BadRow(
                self._table.name,
                self._key_text(row),
                f"another row has the same values in the unique key {found[1] if found else '?'}: change the transform"
                " or the source rows, so that the keys differ",
            )
        found = re.search(r"column [`']?([^`']+?)[`']? at row", message.replace("`.`", "."))
        column = found[1].rpartition(".")[2] if found else None
        reason = f"the target refuses it (error {code}, {_SYMBOLS.get(code, 'unknown')})"
        return BadRow(self._table.name, self._key_text(row), reason, column)

    def _key_text(self, row: Literals) -> str:
        names = self._encoder.names
        return ", ".join(f"{name}={row[names.index(name)]}" for name in self._table.row_key)


_SYMBOLS: dict[Any, str] = {
    value: name.replace("_", " ").lower() for name, value in vars(ER).items() if isinstance(value, int)
} | {3140: "invalid json text", 3819: "check constraint violated", 4025: "check constraint violated"}
