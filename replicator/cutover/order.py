"""What the binlog tells about the application: in which order its transactions touch tables, and which it touched."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from replicator.binlog.safe_position import current_position
from replicator.mysql.connection import Connection, rows
from replicator.mysql.position import Position

_SAMPLE = 2000
"""Events to look at: MariaDB holds its binlog's lock while it shows them, which is some 10 ms of that."""
_ENDS = re.compile(r"(COMMIT|ROLLBACK)\b", re.IGNORECASE)
_VIEW = (
    r"(use `[^`]*`; )?"
    r"(DROP|CREATE (OR REPLACE )?(ALGORITHM ?= ?\w+ )?(DEFINER ?= ?`[^`]*`@`[^`]*` )?(SQL SECURITY \w+ )?)\s?VIEW"
)
_HARMLESS = re.compile(rf"(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|XA|RELEASE|#|{_VIEW})\b|# ", re.IGNORECASE)


def _events(connection: Connection, since: Position, limit: int | None = None) -> Iterator[tuple[str, str]]:
    """Type and text of the binlog events from `since` to the end, over all files."""
    last = current_position(connection)
    files = [str(found[0]) for found in rows(connection, "SHOW BINARY LOGS")]
    between = [name for name in files if since.file_number <= _number(name) <= last.file_number]
    for name in between:
        start = f" FROM {since.pos}" if name == since.file else ""
        bound = f" LIMIT {limit}" if limit is not None else ""
        for _, _, kind, _, _, text in rows(connection, f"SHOW BINLOG EVENTS IN '{name}'{start}{bound}"):
            yield str(kind), str(text)


def _number(file: str) -> int:
    return int(file.rpartition(".")[2])


def touched(
    connection: Connection, since: Position, schema: str, tables: Collection[str], ours: Sequence[str] = ()
) -> set[str]:
    """The tables of `tables` that a transaction behind `since` has changed.

    A statement that stands in the binlog as text counts where it mentions the table's name, unless it is one of `ours`.
    """
    found: set[str] = set()
    shown = {f"({schema}.{table})": table for table in tables}
    for kind, text in _events(connection, since):
        if kind == "Table_map":
            found |= {table for place, table in shown.items() if text.endswith(place)}
        elif kind.startswith("Query") and not _HARMLESS.match(text) and not text.startswith(tuple(ours)):
            found |= {table for table in tables if re.search(rf"(?<!\w){re.escape(table)}(?!\w)", text)}
    return found


def sampled(connection: Connection, since: Position, schema: str, tables: Collection[str]) -> list[list[str]]:
    """The tables that each of the transactions behind `since` touched, in the order of the first touch."""
    shown = {f"({schema}.{table})": table for table in tables}
    transactions: list[list[str]] = [[]]
    for kind, text in _events(connection, since, _SAMPLE):
        if kind == "Xid" or (kind.startswith("Query") and _ENDS.match(text)):
            transactions.append([])
        elif kind == "Table_map":
            name = text.partition(" ")[2].partition(" ")[2]
            if (table := shown.get(name)) is not None and table not in transactions[-1]:
                transactions[-1].append(table)
    return [transaction for transaction in transactions if transaction]


def lock_order(transactions: Iterable[Sequence[str]]) -> list[str]:
    """The tables that are written to, those that transactions touch first in front.

    Whoever is stopped at its first table holds nothing that another waits for; so by locking in this order each
    transaction either ends undisturbed or does not begin. Greedy: the table that follows the fewest others is next.
    """
    after: dict[str, Counter[str]] = {}
    for transaction in transactions:
        for index, table in enumerate(transaction):
            after.setdefault(table, Counter()).update(transaction[:index])
    order: list[str] = []
    while after:
        first = min(after, key=lambda table: (sum(after[table][other] for other in after), table))
        order.append(first)
        del after[first]
    return order
