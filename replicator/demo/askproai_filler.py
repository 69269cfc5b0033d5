"""A few plausible rows for the many legacy tables that the new schema leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from pymysql.cursors import Cursor

Values = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type: str
    """As information_schema.columns.column_type."""
    length: int | None
    nullable: bool
    parent: str | None
    """The table whose `id` it refers to."""
    alone_unique: bool
    """A unique key, or a primary key, of its own."""


def fill(
    cursor: Cursor,
    database: str,
    tables: Iterable[str],
    parents: Mapping[str, Sequence[Any]],
    rows: int,
    rng: Random,
    insert: Callable[[str, Sequence[str], Values], None],
) -> dict[str, int]:
    """Insert about `rows` rows into each table; `parents` holds the ids of the filled tables, which foreign keys take.

    Returns the number of rows of each table. Tables are filled in the given order, parents before their children.
    """
    columns = _columns(cursor, database)
    ids = dict(parents)
    counts: dict[str, int] = {}
    for table in tables:
        # A unique column that refers to a parent has room for one row a parent.
        room = [len(ids[c.parent]) for c in columns[table] if c.alone_unique and c.parent is not None]
        counts[table] = min([rows, *room])
        values = [tuple(_value(column, number, ids, rng) for column in columns[table]) for number in range(counts[table])]
        insert(table, [column.name for column in columns[table]], values)
        ids.setdefault(table, [value[0] for value in values])
    return counts


def _columns(cursor: Cursor, database: str) -> dict[str, list[_Column]]:
    # Three questions instead of one with joins: those take MariaDB's information_schema ten seconds.
    cursor.execute(
        "SELECT table_name, column_name, referenced_table_name FROM information_schema.key_column_usage"
        " WHERE table_schema = %s AND referenced_table_name IS NOT NULL",
        (database,),
    )
    parents = {(table, column): parent for table, column, parent in cursor.fetchall()}
    cursor.execute(
        "SELECT table_name, column_name FROM information_schema.statistics"
        " WHERE table_schema = %s AND non_unique = 0 AND seq_in_index = 1",
        (database,),
    )
    unique = set(cursor.fetchall())
    cursor.execute(
        "SELECT table_name, column_name, column_type, character_maximum_length, is_nullable"
        " FROM information_schema.columns WHERE table_schema = %s ORDER BY table_name, ordinal_position",
        (database,),
    )
    columns: dict[str, list[_Column]] = {}
    for table, name, kind, length, nullable in cursor.fetchall():
        column = _Column(name, _text(kind), length, nullable == "YES", parents.get((table, name)), (table, name) in unique)
        columns.setdefault(table, []).append(column)
    return columns


def _text(value: str | bytes) -> str:
    """MySQL's information_schema gives some texts as bytes."""
    return value.decode() if isinstance(value, bytes) else value


def _value(column: _Column, number: int, ids: Mapping[str, Sequence[Any]], rng: Random) -> Any:
    """Of row `number`, which starts from 0. Unique columns get values made of the number."""
    if column.parent is not None:
        family = ids[column.parent]
        if column.nullable and rng.random() < 0.3:
            return None
        # Not the same one twice in a row where two columns refer to the same parent.
        return family[(number + (column.name.startswith("related") or not column.alone_unique)) % len(family)]
    if column.name == "id" and "int" in column.type:
        return number + 1
    if column.nullable and rng.random() < 0.4:
        return None
    kind = column.type.partition("(")[0].partition(" ")[0]
    match kind:
        case "tinyint":
            return rng.randrange(2)
        case "bigint" | "int":
            return number + 1 if column.alone_unique else rng.randrange(1, 5000)
        case "decimal":
            return f"{rng.randrange(100)}.{rng.randrange(100):02}" if "(3,2)" not in column.type else "4.50"
        case "double":
            return rng.randrange(1000) / 8
        case "enum":
            members = column.type[5:-1].split(",")
            return members[rng.randrange(len(members))].strip("'")
        case "timestamp" | "datetime":
            return f"2026-{rng.randrange(1, 11):02}-{rng.randrange(1, 29):02} {rng.randrange(24):02}:30:00"
        case "date":
            return f"2026-{rng.randrange(1, 11):02}-{rng.randrange(1, 29):02}"
        case "time":
            return f"{rng.randrange(7, 20):02}:{rng.choice(('00', '15', '30', '45'))}:00"
        case "longtext" if column.name not in ("content", "exception", "payload"):
            return f'{{"nummer": {number}, "größe": "ß"}}'
        case _:
            text = f"{column.name} {number} äöü 🙂"
            return text if column.length is None or column.length > 40 else f"{number:0{min(6, column.length)}}"
