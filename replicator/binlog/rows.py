"""Table maps and the rows behind them: which decoder an event needs, and what to say when it does not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from replicator.binlog.codes import HEADER_LENGTH, NO_FOREIGN_KEY_CHECKS, ROWS
from replicator.binlog.decoder import DECODE_ERRORS, DecodeRows, compile_rows
from replicator.binlog.events import RowsEvent, TableMap, Wanted
from replicator.binlog.payload import inflate
from replicator.binlog.place import Place
from replicator.binlog.table_map import length_coded, parse_table_map
from replicator.errors import BadRow, StreamError, Unsupported
from replicator.mysql.connection import Endpoint, connected, rows

_VERSIONS: Final = 8192


@dataclass(slots=True)
class _Table:
    """One version of a table, and the decoders made for it."""

    map: TableMap
    wanted: Wanted | None
    decoders: dict[tuple[int, bytes], DecodeRows] = field(default_factory=dict)
    """By event type and bitmaps of the columns in the images."""

    def __str__(self) -> str:
        return f"{self.map.schema}.{self.map.table}"


class RowImages:
    """Decodes rows events by the table maps that came before them."""

    def __init__(self, endpoint: Endpoint, wanted: Callable[[str, str], Wanted | None], place: Place) -> None:
        """`place` is where the stream stands, for messages."""
        self.mariadb = False
        self.unpacked = 0
        """Bytes that came of compressed images."""
        self._endpoint = endpoint
        self._wanted = wanted
        self._place = place
        self._tables: dict[int, _Table] = {}
        self._versions: dict[bytes, _Table] = {}
        """By the table map's own bytes: the same map comes with every statement, and to read it is most of the work."""

    def forget_tables(self) -> None:
        """Table ids start again after a restart of the source."""
        self._tables.clear()

    def describe(self, event: bytes, end: int) -> bool:
        """Take note of a table-map event; whether somebody wants the table."""
        body = event[HEADER_LENGTH + 8 : end]
        table = self._versions.get(body)
        if table is None:
            parsed = parse_table_map(body, self.mariadb)
            if len(self._versions) >= _VERSIONS:  # who creates and drops tables all day must not fill our memory
                self._versions.clear()
            table = self._versions[body] = _Table(parsed, self._wanted(parsed.schema, parsed.table))
        self._tables[int.from_bytes(event[HEADER_LENGTH : HEADER_LENGTH + 6], "little")] = table
        return table.wanted is not None

    def wanted(self, event: bytes) -> bool:
        """Whether somebody wants the table of a rows event. Raises StreamError when it was not described."""
        return self._table(event).wanted is not None

    def decode(self, event: bytes, end: int) -> RowsEvent | None:
        """The rows of a rows event, or None where nobody wants them.

        Raises BadRow, Unsupported, SchemaChanged or StreamError.
        """
        table = self._table(event)
        if table.wanted is None:
            return None
        kind, post_header, compressed = ROWS[event[4]]
        pos = HEADER_LENGTH + 8
        if post_header == 10:
            pos += event[pos] | event[pos + 1] << 8  # what comes extra tells its own length, itself included
        columns, first = length_coded(event, pos)
        pos = first + (columns + 7) // 8 * (2 if kind == "update" else 1)
        bitmaps = event[first:pos]
        decode = table.decoders.get((event[4], bitmaps))
        if decode is None:
            decode = self._compile(table, event[4], columns, bitmaps)
        if compressed:
            images = inflate(event[pos:end])
            pos, end = 0, len(images)
            self.unpacked += end
        else:
            images = event
        try:
            decoded = decode(images, pos, end)
        except DECODE_ERRORS as error:
            raise self._bad_row(table, event[4], bitmaps, images[pos:end], error) from error
        checked = not event[HEADER_LENGTH + 6] & NO_FOREIGN_KEY_CHECKS
        return RowsEvent(table.map.schema, table.map.table, kind, decoded, checked)

    def refuse_partial(self, event: bytes) -> None:
        """Raise Unsupported for an update that holds parts of JSON documents, unless nobody wants the table."""
        table = self._table(event)
        if table.wanted is not None:
            raise Unsupported(
                f"{table}: at {self._place} an update holds only parts of a JSON document. SET GLOBAL"
                " binlog_row_value_options = '', see that no session sets another one, and start the migration again"
                " behind it."
            )

    def _table(self, event: bytes) -> _Table:
        table = self._tables.get(int.from_bytes(event[HEADER_LENGTH : HEADER_LENGTH + 6], "little"))
        if table is None:
            raise StreamError(f"at {self._place} rows come without the description of their table.")
        return table

    def _compile(self, table: _Table, kind: int, columns: int, bitmaps: bytes) -> DecodeRows:
        if columns != len(table.map.columns):
            raise StreamError(f"{table}: at {self._place} the rows have {columns} columns, their table another number.")
        assert table.wanted is not None
        try:
            decode = self._compiled(table, table.wanted, kind, bitmaps)
        except StreamError as error:
            raise type(error)(f"at {self._place}: {error}") from None
        table.decoders[kind, bitmaps] = decode
        return decode

    def _compiled(self, table: _Table, wanted: Wanted, kind: int, bitmaps: bytes) -> DecodeRows:
        before: bytes | None = bitmaps
        after: bytes | None = bitmaps
        operation = ROWS[kind][0]
        if operation == "insert":
            before = None
        elif operation == "delete":
            after = None
        else:
            half = len(bitmaps) // 2
            before, after = bitmaps[:half], bitmaps[half:]
        return compile_rows(table.map, wanted, before, after, cache(lambda: self._extended(table.map)))

    def _extended(self, table: TableMap) -> dict[str, str]:
        """The table's columns that the binlog describes as something else, each with its type. Only MariaDB has them."""
        if not self.mariadb:
            return {}
        with connected(self._endpoint, database=False) as connection:
            return dict(
                rows(
                    connection,
                    "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND"
                    " table_name = %s AND (data_type IN ('uuid', 'inet4', 'inet6') OR datetime_precision > 0)",
                    (table.schema, table.table),
                )
            )

    def _bad_row(self, table: _Table, kind: int, bitmaps: bytes, images: bytes, error: Exception) -> BadRow:
        """Name the column by reading each one alone: only a failure pays for it."""
        assert table.wanted is not None
        culprit = None
        for name in dict.fromkeys((*table.wanted.before, *table.wanted.after)):
            only = Wanted((name,) if name in table.wanted.before else (), (name,) if name in table.wanted.after else ())
            try:
                self._compiled(table, only, kind, bitmaps)(images, 0, len(images))
            except DECODE_ERRORS as found:
                culprit, error = name, found
                break
        return BadRow(
            str(table),
            f"of a row in the event that ends at {self._place}",
            f"the bytes in the binlog are no value of the column's type ({type(error).__name__})",
            culprit,
        )
