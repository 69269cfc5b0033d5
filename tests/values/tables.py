"""Wide tables of random columns, made so that every kind of column stands in one of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from replicator.mysql.sql import quote, quote_list
from tests.values.kind import BYTES, NUMBER, UNICODE, Kind, quoted

_NAMES = (
    *("select", "wh`ere", "100%s", "a.b", "two words", "quo'te", 'dou"ble', "größe", "日本", "n" * 64, "`", "%", "Key", "-- x"),
)
"""Names that somebody forgets to quote."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a random table."""

    name: str
    kind: Kind
    nullable: bool
    default: str | None = None
    invisible: bool = False
    generated: str | None = None
    """The expression, with STORED or VIRTUAL behind it."""

    def ddl(self, *, plain: bool = False, wide: bool = False) -> str:
        """As in CREATE TABLE; `plain` makes an ordinary column of a generated one, `wide` one in utf8mb4 of any text."""
        kind = self.kind.wide if wide and self.kind.wide is not None else self.kind.sql
        text = f"{quote(self.name)} {kind}"
        if self.generated is not None and not plain:
            return f"{text} GENERATED ALWAYS AS {self.generated}"
        text += f" {self.kind.attributes} {'NULL' if self.nullable else 'NOT NULL'}"
        if self.default is not None:
            text += f" DEFAULT {self.default}"
        return text + " INVISIBLE" * self.invisible

    def shown(self, *, wide: bool = False) -> str:
        """The template of what is compared."""
        if wide and self.kind.wide is not None:
            return UNICODE
        return self.kind.shown


@dataclass(frozen=True, slots=True)
class Key:
    """The primary key: types, and the literals of the n-th row."""

    columns: tuple[tuple[str, str], ...]
    literals: Callable[[int], tuple[str, ...]]


def _moment(number: int) -> str:
    clock = f"{number % 24:02d}:{number % 60:02d}:{number % 59:02d}.{number:06d}"
    return f"'{1000 + number // 100:04d}-01-{number % 28 + 1:02d} {clock}'"


def _clock(number: int) -> str:
    return f"'{'-' * (number % 2)}{number % 838}:{number % 60:02d}:00.{number % 1000:03d}'"


KEYS = (
    Key((("id", "bigint"),), lambda n: (str((n - 300) * (2**63 // 5000)),)),
    Key((("id", "bigint unsigned"),), lambda n: (str(2**64 - 1 - n * 977),)),
    Key((("id", "decimal(30,10)"),), lambda n: (f"{'-' * (n % 2)}{n}.{n * 7 % 10**10:010d}",)),
    Key((("id", "varchar(30) COLLATE utf8mb4_unicode_ci"),), lambda n: (quoted(f"{'Kké%'[n % 4]}'\\{n:05d}"),)),
    Key((("id", "binary(6)"),), lambda n: (f"x'{n * 7919 % 65536:04x}{n:04x}{'00' * (n % 3)}'",)),
    Key((("id", "varbinary(9)"),), lambda n: (f"x'{n:04x}{'00' * (n % 5)}'",)),
    Key((("id", "datetime(6)"),), lambda n: (_moment(n),)),
    Key((("a", "smallint"), ("id", "date")), lambda n: (str(n % 7 - 3), f"'{n:04d}-{n % 13:02d}-{n % 32:02d}'")),
    Key((("a", "varchar(9) CHARACTER SET cp1251"), ("id", "int")), lambda n: (quoted("ключ"[n % 4]), str(-n))),
    Key((("a", "enum('x','y','z')"), ("id", "time(3)")), lambda n: (f"'{'xyz'[n % 3]}'", _clock(n))),
    Key((("id", "char(12) CHARACTER SET latin1 COLLATE latin1_bin"),), lambda n: (quoted(f"ÿ€\x81{n}"),)),
    Key((("a", "bit(12)"), ("id", "mediumint unsigned")), lambda n: (str(n % 4096), str(16777215 - n))),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """A random table; `columns` come behind those of the key."""

    name: str
    key: Key
    columns: tuple[Column, ...]

    @property
    def written(self) -> list[Column]:
        """Columns that an INSERT gives values."""
        return [column for column in self.columns if column.generated is None]

    def ddl(self, *, plain: bool = False, wide: bool = False, name: str | None = None) -> str:
        """CREATE TABLE, as itself, with ordinary columns for generated ones, or in utf8mb4."""
        parts = [f"{quote(column)} {kind} NOT NULL" for column, kind in self.key.columns]
        parts += [column.ddl(plain=plain or wide, wide=wide) for column in self.columns]
        parts.append(f"PRIMARY KEY ({quote_list(column for column, _ in self.key.columns)})")
        return f"CREATE TABLE {quote(name or self.name)} ({', '.join(parts)}) ENGINE=InnoDB CHARACTER SET utf8mb4"

    def insert(self, draw: random.Random, numbers: Sequence[int]) -> str:
        """One INSERT of rows with these numbers."""
        written = self.written
        drawn = [[_literal(column, draw) for _ in numbers] for column in written]
        names = quote_list([*(column for column, _ in self.key.columns), *(column.name for column in written)])
        values = zip(numbers, zip(*drawn, strict=True), strict=True)
        rows = (f"({','.join((*self.key.literals(number), *row))})" for number, row in values)
        return f"INSERT INTO {quote(self.name)} ({names}) VALUES {','.join(rows)}"

    def places(self, number: int, *, between: str = " AND ", alias: str = "") -> str:
        """The key of the row with this number: as a condition, or with a comma `between` as an assignment."""
        pairs = zip(self.key.columns, self.key.literals(number), strict=True)
        return between.join(f"{alias}{quote(column)} = {literal}" for (column, _), literal in pairs)


def _literal(column: Column, draw: random.Random) -> str:
    if column.nullable and draw.random() < 0.15:
        return "NULL"
    if column.default is not None and draw.random() < 0.1:
        return "DEFAULT"
    return column.kind.draw(draw)


def tables(draw: random.Random, kinds: Sequence[Kind], number: int, width: int) -> list[Table]:
    """So many tables of about so many columns; every kind stands in at least one."""
    left: list[Kind] = []
    found = []
    names = list(_NAMES)
    draw.shuffle(names)
    keys = list(KEYS)
    draw.shuffle(keys)
    for index in range(number):
        columns = []
        for place in range(width):
            if not left:
                left = list(kinds)
                draw.shuffle(left)
            name = names.pop() if names and draw.random() < 0.08 else f"c{place}"
            columns.append(_column(name, left.pop(), draw))
        columns += _generated(columns, draw)
        draw.shuffle(columns)
        found.append(Table(f"t{index}" if index else "ta`b.l%s 'é", keys[index % len(keys)], tuple(columns)))
    return found


def _column(name: str, kind: Kind, draw: random.Random) -> Column:
    nullable = draw.random() < 0.7
    default = kind.draw(draw) if kind.has_default and draw.random() < 0.3 else None
    # MariaDB wants a default of an invisible column that is not NULL.
    return Column(name, kind, nullable, default, invisible=(nullable or default is not None) and draw.random() < 0.1)


def _generated(columns: Sequence[Column], draw: random.Random) -> list[Column]:
    number = next((column for column in columns if column.kind.sql == "int"), None)
    text = next((column for column in columns if column.kind.sql == "varchar(40) CHARACTER SET utf8mb4"), None)
    found = []
    if number is not None:
        kind = Kind("bigint", lambda draw: "0", NUMBER)
        found.append(Column("g0", kind, True, generated=f"({quote(number.name)} * 3) VIRTUAL"))
    if text is not None:
        kind = Kind("varchar(50) CHARACTER SET utf8mb4", lambda draw: "''", BYTES)
        found.append(Column("g1", kind, True, generated=f"(CONCAT('<', {quote(text.name)}, '>')) STORED"))
    draw.shuffle(found)
    return found
