"""Ranges of keys in the order of the server that has them, and how many rows one may hold."""

from __future__ import annotations

from collections.abc import Sequence

from replicator.mysql.catalog import Column, Table
from replicator.mysql.connection import Connection, row, rows
from replicator.mysql.literals import encoder, select_expression
from replicator.mysql.sql import after_condition, quote, until_condition
from replicator.transform.plan import PlannedTransform
from replicator.transform.produce import Literals, Values

MOST_ROWS, FEWEST_ROWS = 4_000, 100
"""Source rows of a chunk."""
CHUNK_BYTES = 8 << 20
"""About what a chunk may weigh, by the server's own estimate of the row length."""

_ENUMERATED = ("enum", "set")


class KeyRanges:
    """Cuts the keys of one side into ranges, in that side's own order."""

    def __init__(self, relation: str, columns: Sequence[Column], condition: str = "", *, prefix: str = "") -> None:
        self._from = f"{relation} AS t0" if prefix else relation
        self._condition = condition.removeprefix(" AND ")
        self._columns = [prefix + quote(column.name) for column in columns]
        # An enum is sorted by the place of its members, but compared with a text by its text.
        enumerated = [column.type in _ENUMERATED for column in columns]
        self._bounds = [
            f"CAST({sql} AS UNSIGNED)" if by_place else sql for sql, by_place in zip(self._columns, enumerated, strict=True)
        ]
        self._encoders = [str if by_place else encoder(column) for column, by_place in zip(columns, enumerated, strict=True)]
        self._bound_select = ", ".join(
            bound if by_place else select_expression(column, bound)
            for bound, by_place, column in zip(self._bounds, enumerated, columns, strict=True)
        )
        self._width = len(columns)
        select = [select_expression(column, sql) for column, sql in zip(columns, self._columns, strict=True)]
        # DISTINCT must not merge values that are only equal by collation.
        select += [f"CAST({sql} AS BINARY)" for column, sql in zip(columns, self._columns, strict=True) if column.is_text]
        self._select = ", ".join(select)
        nullable = [sql for column, sql in zip(columns, self._columns, strict=True) if column.nullable]
        self._not_null = [f"{sql} IS NOT NULL" for sql in nullable]
        self._any_null = " OR ".join(f"{sql} IS NULL" for sql in nullable)

    def condition(self, low: Literals | None, high: Literals | None) -> str:
        """Keys behind `low`, up to and including `high`; None is the open end. Keys with NULLs are in no range."""
        parts = [*self._not_null, self._condition] if self._condition else list(self._not_null)
        if low is not None:
            parts.append(after_condition(self._bounds, low))
        if high is not None:
            parts.append(until_condition(self._bounds, high))
        return " AND ".join(parts) or "TRUE"

    def boundary(self, connection: Connection, low: Literals | None, size: int) -> tuple[Literals, Values] | None:
        """The key `size` rows behind `low`, as bound and as values; None when there are fewer."""
        found = row(
            connection,
            f"SELECT {self._bound_select} FROM {self._from} WHERE {self.condition(low, None)}"
            f" ORDER BY {', '.join(self._columns)} LIMIT 1 OFFSET {size - 1}",
        )
        if found is None:
            return None
        return tuple([encode(one) for encode, one in zip(self._encoders, found, strict=True)]), found

    def keys(self, connection: Connection, low: Literals | None, high: Literals | None) -> list[Values]:
        """The distinct keys of a range."""
        return self._distinct(connection, self.condition(low, high))

    def null_keys(self, connection: Connection) -> list[Values]:
        """The distinct keys with a NULL."""
        if not self._any_null:
            return []
        narrowed = f" AND {self._condition}" if self._condition else ""
        return self._distinct(connection, f"({self._any_null}){narrowed}")

    def _distinct(self, connection: Connection, condition: str) -> list[Values]:
        found = rows(connection, f"SELECT DISTINCT {self._select} FROM {self._from} WHERE {condition}")
        return [record[: self._width] for record in found]


def chunk_rows(transform: PlannedTransform) -> int:
    """Source rows of a chunk, by the estimated size of what comes with a row."""
    own = max(1, transform.source.row_estimate)
    size = _row_bytes(transform.source) + _row_bytes(transform.target)
    for related in transform.related:
        size += _row_bytes(related.table) * max(1, related.table.row_estimate // own if related.many else 1)
    return max(FEWEST_ROWS, min(MOST_ROWS, CHUNK_BYTES // size))


def _row_bytes(table: Table) -> int:
    return max(16, table.data_bytes // max(1, table.row_estimate)) if table.row_estimate > 100 else 200
