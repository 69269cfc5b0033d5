"""Random histories: transactions over all tables of a schema, a pure function of the seed.

Many statements fail (a duplicate key, a missing parent) or touch no row; that is meant, for servers and applications do
the same. What succeeded is for the writer to find out.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.differential.shape import MARKER, Column, Table

Kind = Literal["plain", "rolled back", "long", "xa", "xa rolled back"]


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction; one that is `long` or `xa` stays open while `span` others are committed."""

    serial: int
    kind: Kind
    statements: tuple[str, ...]
    span: int = 0

    @property
    def session(self) -> int:
        """1, or 2 where it is open beside others."""
        return 1 if self.kind in ("plain", "rolled back") else 2


def marker(session: int, serial: int) -> str:
    """Leaves the transaction's serial number in the data."""
    return f"UPDATE {MARKER} SET serial = {serial} WHERE session = {session}"


def first_rows(tables: Sequence[Table], seed: int) -> Iterator[str]:
    """Fills the tables."""
    rng = random.Random(f"first rows {seed}")
    yield f"INSERT INTO {MARKER} VALUES (1, 0), (2, 0)"
    for table in tables:
        for start in range(0, table.rows, 500):
            yield _insert(rng, table, min(500, table.rows - start), "INSERT IGNORE")


def transactions(tables: Sequence[Table], seed: int, *, xa: bool) -> Iterator[Transaction]:
    """Without end; the same for the same seed. `xa`: also two-phase ones."""
    rng = random.Random(f"transactions {seed}")
    serial = 0
    while True:
        serial += 1
        drawn = rng.random()
        if drawn < 0.012:
            yield Transaction(serial, "plain", (*_big(rng, tables), marker(1, serial)))
        elif drawn < 0.06:
            kind: Kind = rng.choice(("long", "long", "xa", "xa", "xa rolled back")) if xa else "long"
            statements = [_of_one_row(rng, rng.choice(tables)) for _ in range(rng.randint(1, 3))]
            yield Transaction(serial, kind, (*statements, marker(2, serial)), rng.randint(1, 5))
        elif drawn < 0.12:
            yield Transaction(serial, "rolled back", (*_several(rng, tables), marker(1, serial)))
        else:
            yield Transaction(serial, "plain", (*_several(rng, tables), marker(1, serial)))


def _several(rng: random.Random, tables: Sequence[Table]) -> Iterator[str]:
    count = min(1 + int(rng.expovariate(0.5)), 10)
    saved = False
    for _ in range(count):
        if count > 2 and rng.random() < 0.15:
            yield "ROLLBACK TO s" if saved and rng.random() < 0.7 else "SAVEPOINT s"
            saved = True
        yield from _statements(rng, tables)


def _statements(rng: random.Random, tables: Sequence[Table]) -> Iterator[str]:
    # Children outnumber their parents, and a parent's delete takes many rows with it.
    table = rng.choices(tables, [table.rows**0.75 for table in tables])[0]
    drawn = rng.random()
    if drawn < 0.36:
        yield _insert(rng, table, rng.randint(1, 4), rng.choice(("INSERT", "INSERT IGNORE", "REPLACE", "UPSERT")))
    elif drawn < 0.60:
        yield _update(rng, table)
    elif drawn < 0.68:
        yield _new_key(rng, table)
    elif drawn < 0.72:
        yield from _shift(rng, table)
    elif drawn < 0.78:
        yield from _swap(rng, tables)
    elif drawn < 0.88:
        yield f"DELETE FROM {table.name} WHERE {_where(rng, table)}"
    elif drawn < 0.93:
        yield from _joined(rng, tables)
    elif drawn < 0.97:
        yield _insert(rng, table, rng.randint(40, 150), "INSERT IGNORE")
    else:
        # Without the checks there are no actions either, and orphans are left behind.
        yield "SET foreign_key_checks = 0"
        yield rng.choice((_new_key, _delete_one))(rng, table)
        yield _insert(rng, table, 1, "REPLACE")
        yield "SET foreign_key_checks = 1"


def _big(rng: random.Random, tables: Sequence[Table]) -> Iterator[str]:
    """Thousands of rows; sometimes more than the engine holds in one piece."""
    large = sorted(tables, key=lambda table: table.rows)[-3:]
    table = rng.choice(large)
    drawn = rng.random()
    if drawn < 0.4:
        yield _insert(rng, table, 1500, "INSERT IGNORE")
    elif drawn < 0.7:
        for _ in range(rng.randint(1, 2)):
            column = rng.choice(_settable(table))
            yield f"UPDATE {table.name} SET {column.name} = {column.literal(rng)}{_part(rng, table)}"
    else:
        for _ in range(rng.randint(4, 9)):
            column = rng.choice(_settable(table))
            yield f"UPDATE {table.name} SET {column.name} = {column.literal(rng)}{_part(rng, table)}"
            yield f"DELETE FROM {table.name} WHERE {_range(rng, table)}"
            yield _insert(rng, table, 300, "REPLACE")


def _part(rng: random.Random, table: Table) -> str:
    """A condition for a few thousand rows."""
    parts = table.rows // 5000 + 1
    return f" WHERE MOD({table.key[0]}, {parts}) = {rng.randrange(parts)}" if parts > 1 else ""


def _settable(table: Table) -> list[Column]:
    """Columns that all rows may have the same value in."""
    return [column for column in table.others if column.name not in table.unique] or list(table.others)


def _insert(rng: random.Random, table: Table, count: int, how: str) -> str:
    rows = ", ".join(f"({', '.join(column.literal(rng) for column in table.columns)})" for _ in range(count))
    names = ", ".join(column.name for column in table.columns)
    if how == "REPLACE" and not table.replaceable:
        how = "UPSERT"
    verb = "INSERT" if how == "UPSERT" else how
    text = f"{verb} INTO {table.name} ({names}) VALUES {rows}"
    if how != "UPSERT":
        return text
    changed = [column for column in table.columns if column.name not in table.key or rng.random() < 0.1]
    settings = ", ".join(f"{column.name} = {column.literal(rng)}" for column in rng.sample(changed, min(2, len(changed))))
    return f"{text} ON DUPLICATE KEY UPDATE {settings or f'{table.key[0]} = {table.key[0]}'}"


def _update(rng: random.Random, table: Table) -> str:
    columns = table.others or table.columns
    chosen = rng.sample(columns, min(len(columns), rng.choice((1, 1, 2))))
    settings = ", ".join(
        f"{column.name} = {column.name + ' + 1' if column.number and rng.random() < 0.2 else column.literal(rng)}"
        for column in chosen
    )
    return f"UPDATE {table.name} SET {settings} WHERE {_where(rng, table)}"


def _new_key(rng: random.Random, table: Table) -> str:
    name = rng.choice(table.key)
    return f"UPDATE {table.name} SET {name} = {table.column(name).literal(rng)} WHERE {_one(rng, table)}"


def _delete_one(rng: random.Random, table: Table) -> str:
    return f"DELETE FROM {table.name} WHERE {_one(rng, table)}"


def _of_one_row(rng: random.Random, table: Table) -> str:
    """Locks as little as can be."""
    if rng.random() < 0.4:
        return _insert(rng, table, 1, "INSERT")
    columns = table.others or table.columns
    column = rng.choice(columns)
    return rng.choice((
        f"UPDATE {table.name} SET {column.name} = {column.literal(rng)} WHERE {_one(rng, table)}",
        _delete_one(rng, table),
    ))


def _shift(rng: random.Random, table: Table) -> Iterator[str]:
    """Every key of a range moves to its neighbour's place, in one statement."""
    last = table.column(table.key[-1])
    if not last.number:
        return
    fixed = [f"{name} = {table.column(name).literal(rng)}" for name in table.key[:-1]]
    low = int(float(last.literal(rng)))
    condition = " AND ".join([*fixed, f"{last.name} BETWEEN {low} AND {low + rng.randint(1, 8)}"])
    step, order = rng.choice((("+ 1", "DESC"), ("- 1", "ASC")))
    yield f"UPDATE {table.name} SET {last.name} = {last.name} {step} WHERE {condition} ORDER BY {last.name} {order}"


def _swap(rng: random.Random, tables: Sequence[Table]) -> Iterator[str]:
    """Two rows exchange the values of a unique column."""
    able = [table for table in tables if table.unique]
    if not able:
        return
    table = rng.choice(able)
    name = rng.choice(table.unique)
    one, other = _one(rng, table), _one(rng, table)
    yield "SET @one = NULL, @other = NULL"
    yield f"SELECT {name} INTO @one FROM {table.name} WHERE {one} FOR UPDATE"
    yield f"SELECT {name} INTO @other FROM {table.name} WHERE {other} FOR UPDATE"
    yield f"UPDATE {table.name} SET {name} = '~' WHERE {one}"
    yield f"UPDATE {table.name} SET {name} = @one WHERE {other}"
    yield f"UPDATE {table.name} SET {name} = @other WHERE {one}"


def _joined(rng: random.Random, tables: Sequence[Table]) -> Iterator[str]:
    """Statements of two tables at once."""
    able = [table for table in tables if table.references]
    if not able:
        return
    child = rng.choice(able)
    reference = rng.choice(child.references)
    parent = next(table for table in tables if table.name == reference.parent)
    pairs = zip(reference.columns, reference.parent_columns, strict=True)
    on = " AND ".join(f"c.{ours} = p.{theirs}" for ours, theirs in pairs)
    where = " AND ".join(f"p.{name} = {parent.column(name).literal(rng)}" for name in parent.key)
    if rng.random() < 0.2:
        yield f"DELETE c, p FROM {child.name} c JOIN {parent.name} p ON {on} WHERE {where}"
        return
    settings = []
    for alias, table, taken in (("c", child, reference.columns), ("p", parent, reference.parent_columns)):
        columns = [column for column in _settable(table) if column.name not in taken]
        if columns:
            column = rng.choice(columns)
            settings.append(f"{alias}.{column.name} = {column.literal(rng)}")
    if settings:
        yield f"UPDATE {child.name} c JOIN {parent.name} p ON {on} SET {', '.join(settings)} WHERE {where}"


def _where(rng: random.Random, table: Table) -> str:
    drawn = rng.random()
    if drawn < 0.6:
        return _one(rng, table)
    if drawn < 0.8:
        return _range(rng, table)
    column = rng.choice(table.columns)
    first = table.key[0]
    literal = column.literal(rng)
    return f"{column.name} <=> {literal} AND {first} > {table.column(first).literal(rng)}"


def _one(rng: random.Random, table: Table) -> str:
    return " AND ".join(f"{name} = {table.column(name).literal(rng)}" for name in table.key)


def _range(rng: random.Random, table: Table) -> str:
    fixed = [f"{name} = {table.column(name).literal(rng)}" for name in table.key[:-1]]
    last = table.column(table.key[-1])
    if not last.number:
        return _one(rng, table)
    low = int(last.literal(rng))
    return " AND ".join([*fixed, f"{last.name} BETWEEN {low} AND {low + rng.randint(1, 12)}"])
