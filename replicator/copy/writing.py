"""Writes the rows of a chunk: by LOAD DATA from memory, and where a line raised a warning by plain statements.

A LOCAL load does not stop at an error: it warns and goes on. So a load that warned is no load: the chunk is rolled back and
written again by statements, which name the row that the server refuses.
"""

from __future__ import annotations

from collections.abc import Sequence

import pymysql

from replicator.copy.lines import insert_head, load_statement, values_text
from replicator.errors import BadRow, ReplicatorError
from replicator.mysql.catalog import Table
from replicator.mysql.connection import Connection, Endpoint, error_code, execute
from replicator.mysql.encoding import HALF_A_CHARACTER, row_encoder
from replicator.mysql.loading import load
from replicator.mysql.members import NoMembers
from replicator.mysql.refusals import ROW_ERRORS, key_text, refused
from replicator.quarantine import Refusals
from replicator.transform.produce import Literals, RowEncoder, Values

_STATEMENT_BYTES = 1 << 20


class LoadWarned(ReplicatorError):
    """A load raised warnings; only seen inside the copy, which then writes the chunk by statements."""


class TableWriter:
    """Gathers rows of one table and sends them, about a megabyte at a time, in the caller's transaction."""

    def __init__(
        self,
        sql: str,
        table: Table,
        names: Sequence[str],
        endpoint: Endpoint,
        *,
        replace: bool,
        longest: int,
        aside: Refusals | None = None,
    ) -> None:
        """`longest` is the server's max_allowed_packet; `aside` takes bad rows, without it the first one is raised."""
        self._table = table
        self._endpoint = endpoint
        self._aside = aside
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
            encoded = self._encoded(rows)
            self._rows += encoded
            self._grow(connection, sum(len(literal) for literals in encoded for literal in literals))
            return
        try:
            lines = list(map(",".join, map(self._encode_line, rows)))
        except (ValueError, TypeError):
            # Raises, and names the column, unless bad rows are set aside: then statements take the others.
            self._encoded(rows)
            raise LoadWarned(self._table.name) from None
        self.add_lines(connection, lines)

    def _encoded(self, rows: Sequence[Values]) -> list[Literals]:
        encoded = []
        for values in rows:
            try:
                encoded.append(self._encoder.encode(values))
            except BadRow as error:
                if self._aside is None:
                    raise
                self._aside.values(values, error)
        return encoded

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
            if error_code(error) in ROW_ERRORS:
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
                self._refuse(rows[0], reason)
                return
        else:
            try:
                execute(connection, text)
            except UnicodeEncodeError:
                if len(rows) == 1:
                    self._refuse(rows[0], HALF_A_CHARACTER)
                    return
            except pymysql.MySQLError as error:
                if error_code(error) not in ROW_ERRORS:
                    raise
                if len(rows) == 1:
                    if not self._wrote_no_member(connection, text, rows[0]):
                        self._take_aside(rows[0], refused(self._table, self._encoder.names, rows[0], error), error)
                    return
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

    def _refuse(self, row: Literals, reason: str) -> None:
        self._take_aside(row, BadRow(self._table.name, key_text(self._table, self._encoder.names, row), reason), None)

    def _take_aside(self, row: Literals, error: BadRow, cause: pymysql.MySQLError | None) -> None:
        if self._aside is None:
            raise error
        self._aside.row(row, error, cause)
