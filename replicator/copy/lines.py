"""Rows as lines of LOAD DATA and as VALUES of a statement, exact for the table they are meant for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from replicator.mysql.catalog import Table
from replicator.mysql.encoding import is_binary
from replicator.mysql.sql import quote, quote_list
from replicator.transform.produce import Literals

_FORMAT = (
    "CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '''' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n'"
)


def load_statement(sql: str, table: Table, names: Sequence[str], *, replace: bool) -> str:
    """LOAD DATA for lines of literals; bytes go as hexadecimal digits, since the lines are utf8mb4."""
    targets, assignments = [], []
    for number, name in enumerate(names):
        column = table.by_name[name]
        made = "UNHEX(@v{})" if is_binary(column) else "CAST(@v{} AS UNSIGNED)" if column.type == "bit" else None
        targets.append(quote(name) if made is None else f"@v{number}")
        if made is not None:
            assignments.append(f"{quote(name)} = {made.format(number)}")
    sets = f" SET {', '.join(assignments)}" if assignments else ""
    how = "REPLACE " if replace else ""
    return f"LOAD DATA LOCAL INFILE 'rows' {how}INTO TABLE {sql} {_FORMAT} ({', '.join(targets)}){sets}"


def insert_head(sql: str, names: Sequence[str], *, replace: bool) -> str:
    """The statement up to its rows, for `(…),(…)`."""
    return f"{'REPLACE' if replace else 'INSERT'} INTO {sql} ({quote_list(names)}) VALUES "


def values_text(rows: Iterable[Literals]) -> str:
    """`(…),(…)`."""
    return ",".join([f"({','.join(row)})" for row in rows])
