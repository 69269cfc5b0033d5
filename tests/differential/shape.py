"""What random statements need to know of a schema. The comments in source.sql say which values a column takes.

A table's comment is `rows=N`, a column's is one of

    -20..400        numbers; with a point in them as many digits behind it
    word            texts that are hard on quoting, case, accents and padding
    name 300        300 names by the column's collation, spelled in several ways
    uuid 300        300 UUIDs, some in capitals
    bytes 300       300 byte strings, some ending in zeros
    day, moment     dates, date-times

Enums need none. A nullable column is NULL now and then.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pymysql

Connection = Any  # pymysql's, here without its type parameters
Literal = Callable[[random.Random], str]

MARKER = "marker"
"""The table that each transaction writes its serial number to."""

NULLS = 0.12
WORDS = (
    "alpha", "Alpha", "ALPHA", "beta", "Strasse", "Straße", "älter", "alter", "Ünïcode", "emoji 😀", "back\\slash", "it's",
    '"double"', "", " lead", "trail ", "tab\tin", "NULL", "0", "50%", "ö", "new\nline", "ﬁ", "x" * 20,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `literal` draws a value as SQL."""

    name: str
    number: bool
    nullable: bool
    literal: Literal


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key to another table."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table."""

    name: str
    rows: int
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unique: tuple[str, ...]
    """Columns that are unique by themselves and not the key."""
    references: tuple[Reference, ...]
    replaceable: bool
    """Whether REPLACE may be used. MySQL 9.7 loses its way where it replaces the parent of a cascade: it deletes rows
    that have nothing to do with it, or keeps grandchildren."""

    @property
    def others(self) -> tuple[Column, ...]:
        """Columns that are not part of the key."""
        return tuple(column for column in self.columns if column.name not in self.key)

    def column(self, name: str) -> Column:
        """By name."""
        return next(column for column in self.columns if column.name == name)


def read_shape(connection: Connection, schema: str) -> list[Table]:
    """All tables but the marker, parents before children."""
    ((version,),) = _rows(connection, "SELECT VERSION()")
    parents = set() if "MariaDB" in version else {parent for (parent,) in _rows(
        connection,
        "SELECT DISTINCT referenced_table_name FROM information_schema.key_column_usage WHERE table_schema = %s"
        " AND referenced_table_name IS NOT NULL",
        schema,
    )}
    tables = {
        name: _read_table(connection, schema, name, comment, replaceable=name not in parents)
        for name, comment in _rows(
            connection,
            "SELECT table_name, table_comment FROM information_schema.tables WHERE table_schema = %s ORDER BY table_name",
            schema,
        )
        if name != MARKER
    }
    ordered: list[Table] = []
    while len(ordered) < len(tables):
        known = {table.name for table in ordered}
        ordered += [
            table
            for table in tables.values()
            if table.name not in known
            and all(reference.parent in known | {table.name} for reference in table.references)
        ]
    return ordered


def _read_table(connection: Connection, schema: str, name: str, comment: str, *, replaceable: bool) -> Table:
    columns = tuple(
        _column(column, kind, full, nullable == "YES", length, charset, text)
        for column, kind, full, nullable, length, charset, text in _rows(
            connection,
            "SELECT column_name, data_type, column_type, is_nullable, character_maximum_length, character_set_name,"
            " column_comment FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
            " ORDER BY ordinal_position",
            schema,
            name,
        )
    )
    indexes: dict[str, list[str]] = {}
    for index, column in _rows(
        connection,
        "SELECT index_name, column_name FROM information_schema.statistics WHERE table_schema = %s AND table_name = %s"
        " AND non_unique = 0 ORDER BY index_name, seq_in_index",
        schema,
        name,
    ):
        indexes.setdefault(index, []).append(column)
    key = indexes.pop("PRIMARY", None)
    if key is None:
        key = indexes.pop(min(indexes))
    references: dict[str, list[tuple[str, str, str]]] = {}
    for constraint, column, parent, parent_column in _rows(
        connection,
        "SELECT constraint_name, column_name, referenced_table_name, referenced_column_name"
        " FROM information_schema.key_column_usage WHERE table_schema = %s AND table_name = %s"
        " AND referenced_table_name IS NOT NULL ORDER BY constraint_name, ordinal_position",
        schema,
        name,
    ):
        references.setdefault(constraint, []).append((column, parent, parent_column))
    return Table(
        name,
        int(comment.removeprefix("rows=")),
        columns,
        tuple(key),
        tuple(names[0] for names in indexes.values() if len(names) == 1),
        tuple(
            Reference(tuple(part[0] for part in parts), parts[0][1], tuple(part[2] for part in parts))
            for parts in references.values()
        ),
        replaceable,
    )


def _column(
    name: str, kind: str, full: str, nullable: bool, length: int | None, charset: str | None, domain: str
) -> Column:
    draw = _literal(kind, full, int(length or 0), charset, domain)

    def literal(rng: random.Random) -> str:
        return "NULL" if nullable and rng.random() < NULLS else draw(rng)

    return Column(name, ".." in domain, nullable, literal)


def _literal(kind: str, full: str, length: int, charset: str | None, domain: str) -> Literal:
    if kind == "enum":
        members = full.removeprefix("enum(").removesuffix(")").split(",")
        return lambda rng: rng.choice(members)
    if ".." in domain:
        low, high = map(Decimal, domain.split(".."))
        exponent = low.as_tuple().exponent
        assert isinstance(exponent, int)
        scale = 10**-exponent
        first, last = int(low * scale), int(high * scale)
        return lambda rng: str(Decimal(rng.randint(first, last)) / scale)
    what, _, count = domain.partition(" ")
    if what == "word":
        return lambda rng: quoted(rng.choice(WORDS)[:length])
    if what == "name":
        return lambda rng: quoted(_spelled(rng, rng.randrange(int(count)), charset != "ascii"))
    if what == "uuid":
        return lambda rng: quoted(_uuid(rng, rng.randrange(int(count))))
    if what == "bytes":
        return lambda rng: f"x'{_bytes(rng.randrange(int(count)), kind, length).hex()}'"
    if what == "day":
        return lambda rng: f"'2024-02-{rng.randint(1, 29):02d}'"
    if what == "moment":
        return lambda rng: f"'{rng.choice((1000, 1969, 2024))}-12-31 23:59:{rng.randrange(60):02d}.{rng.randrange(1000):03d}'"
    raise ValueError(f"no values for a column of type {full} with the comment {domain!r}")


def _spelled(rng: random.Random, number: int, accents: bool) -> str:
    """One of the ways to write a name that a case- and accent-insensitive collation takes for the same."""
    initial = rng.choice("nN" if not accents or rng.random() < 0.8 else "ñÑ")
    return f"{initial}{number:04d}{' ' if accents and rng.random() < 0.05 else ''}"


def _uuid(rng: random.Random, number: int) -> str:
    text = str(uuid.UUID(bytes=hashlib.sha256(b"%d" % number).digest()[:16]))
    return text.upper() if rng.random() < 0.2 else text


def _bytes(number: int, kind: str, length: int) -> bytes:
    digest = hashlib.sha256(b"%d" % number).digest()
    if kind == "varbinary":
        return digest[: 4 + number % (length - 3)]
    return (digest[: length - 3] + bytes(3)) if number % 3 == 0 else digest[:length]


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _rows(connection: Connection, statement: str, *arguments: str) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        found: Sequence[tuple[Any, ...]] = cursor.fetchall()
        return found


def connect(arguments: dict[str, Any], database: str | None = None, **more: Any) -> Connection:
    """A session for statements of this test."""
    return pymysql.connect(**{**arguments, "database": database, "charset": "utf8mb4", **more})
