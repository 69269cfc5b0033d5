"""Columns that may be joined compare in one way: by every plan, and with the literals by which a changed row is found again."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from replicator.demo.servers import Server
from replicator.mysql.catalog import Column, read_tables
from replicator.mysql.connection import Connection, connected, execute, rows
from replicator.mysql.literals import exact_expression
from replicator.mysql.reading import read_rows
from replicator.mysql.sql import key_condition
from replicator.transform.comparing import comparable_columns
from replicator.transform.units import compared_literals
from tests.preflight.migrations import Migration, fails, passes

TEXTS = ["'a'", "'A '", "'1'", "'1.0'", "' 1'", "'x'", "'2024-01-01'", "''", "'a,b'"]
WIDE = [*TEXTS, "'ß'", "'ss'", "'é'", "'ü'", "'y'"]
TYPES = {
    "tinyint": ["-128", "0", "1", "127"],
    "bigint": ["-1", "0", "1", "9007199254740992", "9007199254740993", "9223372036854775807"],
    "bigint unsigned": ["0", "1", "9007199254740993", "9223372036854775808", "18446744073709551615"],
    "decimal(30,3)": ["-1", "0", "0.5", "1", "1.5", "9007199254740993", "18446744073709551615"],
    "decimal(20,0)": ["0", "1", "2", "9007199254740993", "18446744073709551615"],
    "bit(8)": ["0", "1", "255"],
    "bit(64)": ["0", "1", "9007199254740993", "18446744073709551615"],
    "double": ["-0e0", "1", "1.5", "0.1", "16777217", "9007199254740992", "1.8446744073709552e19"],
    "float": ["0", "1", "1.5", "0.1", "16777216"],
    "year": ["0", "1970", "2001"],
    "date": ["'0000-00-00'", "'2020-00-00'", "'2024-01-01'", "'2024-01-02'"],
    "datetime": ["'0000-00-00'", "'2020-00-00'", "'2024-01-01'", "'2024-01-01 10:00:00'", "'2024-01-01 10:00:01'"],
    "datetime(6)": ["'0000-00-00'", "'2024-01-01'", "'2024-01-01 10:00:00.5'", "'2024-01-01 09:59:59.6'"],
    "timestamp(3) NULL": ["'2024-01-01'", "'2024-01-01 10:00:00.5'"],
    "time": ["'-01:00:00'", "'00:00:00'", "'10:00:00'"],
    "time(6)": ["'-01:00:00.5'", "'00:00:00'", "'09:59:59.6'", "'10:00:00'"],
    "varchar(30) COLLATE utf8mb4_general_ci": [*WIDE, "'😀'", "'😁'"],
    "char(30) COLLATE utf8mb4_general_ci": ["'a'", "'A'", "'1'", "'ß'", "''", "'x'"],
    "text COLLATE utf8mb4_general_ci": WIDE,
    "varchar(20) COLLATE utf8mb4_bin": [*WIDE, "'a '", "'😀'"],
    "varchar(30) COLLATE utf8mb4_unicode_ci": [*WIDE, "'😀'"],
    "varchar(30) COLLATE utf8mb3_general_ci": [*WIDE, "'\ufffd'"],
    "varchar(30) COLLATE latin1_swedish_ci": WIDE,
    "varchar(30) COLLATE ascii_general_ci": TEXTS,
    "enum('a','B','1','','x') COLLATE utf8mb4_general_ci": ["'a'", "'B'", "'1'", "''", "0"],
    "enum('x','1','A','b') COLLATE utf8mb4_general_ci": ["'x'", "'1'", "'A'", "'b'", "0"],
    "enum('x','A','a') COLLATE utf8mb4_bin": ["'x'", "'a'", "'A'", "0"],
    "set('a','b','1') COLLATE utf8mb4_general_ci": ["'a'", "'a,b'", "''", "'1'"],
    "set('1','b','a') COLLATE utf8mb4_general_ci": ["'a'", "'a,b'", "''", "'1'"],
    "binary(4)": ["'a'", "'1'", "'a\\0b'"],
    "varbinary(30)": ["'a'", "'a\\0\\0\\0'", "'1'", "'A '", "x'c3a9'", "x'e9'", "''"],
    "blob": ["'a'", "'a\\0\\0\\0'", "'1'", "x'c3a9'", "''"],
}
OWN = {
    "mysql": {
        "json": ["'1'", "'\"a\"'", "'{\"a\": 1}'"],
        "varchar(30) COLLATE utf8mb4_0900_ai_ci": [*WIDE, "'a '"],
        "varchar(30) COLLATE utf8mb4_0900_bin": [*WIDE, "'a '"],
    },
    "mariadb": {
        "uuid": ["'123e4567-e89b-12d3-a456-426655440000'"],
        "inet6": ["'::1'"],
        "varchar(30) COLLATE utf8mb4_general_nopad_ci": [*WIDE, "'a '"],
        "varchar(30) COLLATE utf8mb4_nopad_bin": [*WIDE, "'a '"],
    },
}


@dataclass(frozen=True)
class Kind:
    """A type, in a table without an index and in one with."""

    number: int
    column: Column
    indexed: bool
    values: list[tuple[Any, ...]]

    def table(self, alias: str, *, index: bool) -> str:
        return f"k{self.number}{'i' if index else ''} {alias}{' FORCE INDEX (c)' if index and self.indexed else ''}"


@pytest.fixture
def kinds(build: Callable[..., Migration], server: Server) -> Iterator[tuple[Connection, list[Kind]]]:
    migration = build(server, "CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE t (id int PRIMARY KEY)")
    types = {**TYPES, **OWN[server.flavour]}
    with connected(migration.config().source) as session:
        execute(session, "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
        for number, (kind, values) in enumerate(types.items()):
            index = "" if kind == "json" else ", KEY c (c(9))" if kind[:4] in ("text", "blob") else ", KEY c (c)"
            for suffix, key in ("", ""), ("i", index):
                execute(session, f"CREATE TABLE k{number}{suffix} (id int AUTO_INCREMENT PRIMARY KEY, c {kind}{key})")
                execute(session, f"INSERT INTO k{number}{suffix} (c) VALUES ({'), ('.join(values)})")
        tables = read_tables(session, migration.source)
        yield session, [_read(session, number, tables[f"k{number}"].by_name) for number in range(len(types))]


def _read(session: Connection, number: int, columns: dict[str, Column]) -> Kind:
    read = [columns["id"], columns["c"]]
    found = read_rows(session, f"SELECT id, {exact_expression(read[1], 'c')} FROM k{number}", read, exact={})
    return Kind(number, read[1], read[1].type != "json", list(found))


def test_columns_that_may_be_joined(kinds: tuple[Connection, list[Kind]]) -> None:
    session, all_kinds = kinds
    joined, wrong = 0, []
    for found, owner in itertools.product(all_kinds, repeat=2):
        if comparable_columns(found.column, owner.column):
            joined += 1
            wrong += [f"{found.column.full_type} = {owner.column.full_type}: {what}" for what in _wrong(session, found, owner)]
    assert not wrong
    assert joined > 130


def _wrong(session: Connection, found: Kind, owner: Kind) -> Iterator[str]:
    plans = {
        (index, other, order): set(rows(session, f"SELECT own.id, other.id FROM {order} ON other.c = own.c"))
        for index, other in ((False, False), (True, False), (False, True))
        for own, there in ((owner.table("own", index=index), found.table("other", index=other)),)
        for order in (f"{own} STRAIGHT_JOIN {there}", f"{there} STRAIGHT_JOIN {own}")
    }
    pairs = next(iter(plans.values()))
    if any(plan != pairs for plan in plans.values()):
        yield f"by the plan: {plans}"
    literal = compared_literals(found.column)
    for index in (False, True):
        reached = {
            (number, place)
            for place, value in found.values
            for (number,) in rows(
                session, f"SELECT id FROM {owner.table('own', index=index)} WHERE {key_condition(['c'], [[literal(value)]])}"
            )
        }
        together = key_condition(["c"], [[literal(value)] for _, value in found.values])
        all_reached = rows(session, f"SELECT id FROM {owner.table('own', index=index)} WHERE {together}")
        if pairs - reached or {number for number, _ in pairs} - {number for (number,) in all_reached}:
            yield f"not reached: {pairs - reached}"


@pytest.mark.parametrize(
    ("found", "owner"),
    [
        ("bigint", "varchar(30) COLLATE utf8mb4_general_ci"),
        ("bigint", "double"),
        ("date", "varchar(30) COLLATE utf8mb4_general_ci"),
        ("time", "datetime"),
        ("year", "bigint"),
        ("binary(4)", "varchar(30) COLLATE utf8mb4_general_ci"),
        ("varchar(30) COLLATE utf8mb4_unicode_ci", "varchar(30) COLLATE utf8mb4_general_ci"),
        ("varchar(30) COLLATE utf8mb4_general_ci", "varchar(30) COLLATE utf8mb3_general_ci"),
        ("varchar(30) COLLATE utf8mb4_general_ci", "varchar(30) COLLATE latin1_swedish_ci"),
        ("enum('a','') COLLATE utf8mb4_general_ci", "enum('a','') COLLATE utf8mb4_general_ci"),
        ("json", "json"),
        ("point", "point"),
    ],
)
def test_columns_that_are_not_joined(build: Callable[..., Migration], server: Server, found: str, owner: str) -> None:
    migration = build(
        server,
        f"CREATE TABLE others (id int PRIMARY KEY, a {found});\nCREATE TABLE t (id int PRIMARY KEY, b {owner});\n",
        "CREATE TABLE t (id int PRIMARY KEY, others int);\n",
        'from replicator import many, transform\n@transform("t", related={"others": many("others", where={"a": "b"})})\n'
        'def t(row, others):\n    return {"id": row.id, "others": len(others)}\n',
    )
    if found == "json" and server.flavour == "mariadb":  # a text there
        assert passes(migration.check("transforms"))
        return
    says = "such a column joins with none" if found == owner else f"ALTER TABLE `{migration.source}`."
    results = migration.check("transforms")
    assert fails(results, "transform of t", f"others.a is {found.split()[0]}", f"t.b is {owner.split()[0]}", says)
