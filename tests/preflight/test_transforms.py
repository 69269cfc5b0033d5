"""Checks of the transforms: loaded, held against the schemas, read for clocks and chance, and run on samples."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from replicator.demo.servers import Server
from replicator.mysql.connection import rows as read
from replicator.preflight import run_checks, samples
from replicator.preflight.context import opened
from replicator.preflight.purity import impure_calls
from replicator.transform.loader import load
from tests.preflight.migrations import Migration, fails, only, passes

Build = Callable[..., Migration]


def test_transforms(migration: Migration) -> None:
    assert passes(migration.check("transforms"))
    migration.transforms("from replicator import copy_table\ncopy_table('orders', omit=['sum'])\ncopy_table('nothing')\n")
    results = migration.check("transforms")
    assert fails(results, "shop.py:2", 'no column "sum"')
    assert fails(results, "shop.py:3", '"nothing" does not exist')


def test_transforms_that_cannot_be_loaded(migration: Migration) -> None:
    migration.transforms("import nothing_of_that_name\n")
    results = run_checks(migration.config())
    assert fails(results, "shop.py:1", "ModuleNotFoundError")
    assert fails(results, "not looked at until the transforms are right", "unmapped")


def test_a_wrong_transform_does_not_hide_the_others(migration: Migration) -> None:
    migration.in_source("ALTER TABLE orders ENGINE=MyISAM")
    migration.transforms("from replicator import copy_table\ncopy_table('orders')\ncopy_table('nothing')\n")
    assert fails(migration.check("engine"), "orders")


def test_unmapped(migration: Migration) -> None:
    assert passes(migration.check("unmapped"))
    migration.in_source("CREATE TABLE logs (id int);\nCREATE TABLE cache (id int);\nCREATE TABLE sessions (id int)")
    text = (migration.folder / "transforms" / "shop.py").read_text()
    assert fails(migration.check("unmapped"), "3 source tables", "cache, logs, sessions", 'drop_table("cache"')
    migration.transforms(
        text + "from replicator import drop_table, keep_table\n"
        "drop_table('logs', reason='old')\nkeep_table('cache', reason='ours')\nkeep_table('sessions', reason='ours')\n"
    )
    assert "5 source tables = 2 read + 2 kept + 1 dropped" in only(migration.check("unmapped")).message


def test_tables_that_are_no_plain_tables(build: Build, mariadb: Server) -> None:
    migration = build(mariadb)
    migration.in_source("ALTER TABLE orders ADD SYSTEM VERSIONING;\nCREATE SEQUENCE numbers")
    results = migration.check("unmapped")
    assert fails(results, "orders", "system versioned", "DROP SYSTEM VERSIONING")
    assert fails(results, "numbers", "sequence", "another database")


def test_way_back(migration: Migration) -> None:
    # orders is copied by names, and copied back by them.
    assert fails(migration.check("way_back"), "customers", '@inverse("customers")', status="warning")
    text = (migration.folder / "transforms" / "shop.py").read_text() + "from replicator import inverse\n"

    def back(returned: str, target: str = "customers") -> None:
        migration.transforms(text + f"\n@inverse('{target}')\ndef customers_back(row):\n    return {returned}\n")

    back("{'id': row.id, 'name': row.name}")
    assert passes(migration.check("way_back"))
    assert "customers.orders" in migration.check("way_back")[-1].message  # which is not in the source at all
    back("{'id': row.id}")
    assert fails(migration.check("way_back"), "takes no row without name", "name it")
    back("{'id': row.id, 'name': row.name.upper()}")
    assert fails(migration.check("way_back"), "makes another name of it", "correct the inverse")
    back("{'id': row.id, 'name': row.name, 'nick': None}")
    assert fails(migration.check("way_back"), '"customers.nick"', "correct the inverse")
    back("{'id': row.id, 'name': row.surname}")
    assert fails(migration.check("way_back"), 'no column "surname"', "correct the inverse")
    back("{'id': row.id}", "clients")
    assert fails(migration.check("way_back"), 'no such target table', "correct the inverse")


TRANSFORM = """
import datetime as clock
import itertools
import random
import uuid
from datetime import date
from random import choice
from time import time

from replicator import transform

counter = itertools.count()


def helped(row):
    return uuid.uuid4().hex


@transform("customers")
def customers(row):
    return {{"id": row.id, "name": {name}, "orders": {orders}}}
"""


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("str(clock.datetime.now())", "datetime.datetime.now"),
        ("str(date.today())", "datetime.date.today"),
        ("choice('ab')", "random.Random.choice"),
        ("str(random.random())", "random.random"),
        ("str(time())", "time.time"),
        ("helped(row)", "uuid.uuid4"),
        ("open('/etc/hostname').read()", "io.open"),
        ("str(hash(row.name))", "hash"),
    ],
)
def test_clocks_and_chance(tmp_path: Path, expression: str, name: str) -> None:
    assert [found for _, found in impure(tmp_path, expression)] == [name]


def test_pure_expressions(tmp_path: Path) -> None:
    assert impure(tmp_path, "date(2020, 1, row.id).isoformat() + row.name.now") == []


def impure(folder: Path, expression: str) -> list[tuple[str, str]]:
    (folder / "shop.py").write_text(TRANSFORM.format(name=expression, orders=0))
    [transform] = load(folder).transforms
    assert transform.function is not None
    return list(impure_calls(transform.function, folder))


def test_purity(migration: Migration) -> None:
    assert passes(migration.check("purity"))
    migration.transforms(TRANSFORM.format(name="helped(row)", orders=0))
    assert fails(migration.check("purity"), "shop.py:16", "calls uuid.uuid4,", "from a column")


def test_samples(migration: Migration) -> None:
    assert "2 transforms were run twice on 6 sampled units" in only(migration.check("samples")).message
    migration.in_source("DELETE FROM orders")
    assert "without rows to try: orders" in only(migration.check("samples")).message


@pytest.mark.parametrize(
    ("name", "orders", "expected"),
    [
        ("row.name", "next(counter)", ("customers.orders, key id=1", "another value")),
        ("row.name * 50", "0", ("customers.name, key id=1", "a text of 150 characters for varchar(100)")),
        ("row.name", "2**31 if row.id == 3 else 0", ("customers.orders, key id=3", "outside")),
        ("row.name", "row.note", ("customers.orders, key id=1", "NULL for a NOT NULL column")),
        ("row.name[9]", "0", ("customers, key id=1", "raised IndexError at", "shop.py:21")),
        ("1", "0", ("customers.name", "a int for a column of type varchar: return a str")),
    ],
)
def test_samples_that_go_wrong(
    build: Build, server: Server, name: str, orders: str, expected: tuple[str, ...]
) -> None:
    migration = build(server)
    migration.transforms(TRANSFORM.format(name=name, orders=orders))
    assert fails(migration.check("samples"), *expected)


def test_samples_name_several_errors(build: Build, mariadb: Server) -> None:
    migration = build(mariadb)
    wrong = "[][0] if row.id == 1 else {}['x'] if row.id == 2 else 1 // 0"
    migration.transforms(TRANSFORM.format(name=wrong, orders=0))
    results = migration.check("samples")
    for key, error in ((1, "IndexError"), (2, "KeyError"), (3, "ZeroDivisionError")):
        assert fails(results, f"id={key}", error)


def test_groups_that_take_too_long_to_find(build: Build, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    migration = build(
        server,
        "CREATE TABLE digits (d int PRIMARY KEY);\n"
        "INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);\n"
        "CREATE TABLE items (id int AUTO_INCREMENT PRIMARY KEY, a int NOT NULL, b char(200) NOT NULL);\n"
        "INSERT INTO items (a, b) SELECT v.d * 100 + w.d * 10 + x.d, '' FROM digits v, digits w, digits x, digits y,"
        " digits z WHERE v.d < 3;\n",
        "CREATE TABLE counts (a int NOT NULL PRIMARY KEY, n int NOT NULL);\n",
        "from replicator import transform\n\n"
        "@transform('counts', source='items', group_by=['a'], key={'a': 'a'})\n"
        "def counts(rows):\n    return {'a': rows[0].a, 'n': len(rows)}\n",
    )
    monkeypatch.setattr(samples, "_STATEMENT_SECONDS", 0.002)
    assert fails(migration.check("samples"), "could not be sampled", "ADD INDEX (`a`)", status="warning")


def test_a_number_of_rows_that_changes(build: Build, mariadb: Server) -> None:
    migration = build(mariadb)
    text = TRANSFORM.format(name="row.name", orders=0).replace("    return {", "    return next(counter) % 4 or {")
    migration.transforms(text.replace("next(counter) % 4 or", "None if next(counter) % 4 else"))
    assert fails(migration.check("samples"), "another number of rows")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("bigint", "{}"), ("varchar(36)", "'{:08x}-key'"), ("varbinary(8)", "x'{:08x}'"),
        ("datetime", "'2000-01-01' + INTERVAL {} DAY"),
    ],
)  # fmt: skip
def test_samples_are_spread(build: Build, server: Server, column: str, value: str) -> None:
    keys = range(-500_000, 0, 500) if column == "bigint" else range(0, 16**8 - 1, 4_300_000)
    if column == "datetime":
        keys = range(1000)
    rows = ", ".join(f"({value.format(key)}, 1)" for key in keys)
    table = f"CREATE TABLE t (id {column} NOT NULL PRIMARY KEY, a int);\n"
    filled = f"{table}INSERT INTO t VALUES {rows};\nANALYZE TABLE t;\n"
    migration = build(server, filled, table, "from replicator import copy_table\ncopy_table('t')\n")
    with opened(migration.config()) as context:
        connection, transform = context.source.connection, context.plan.transforms[0]
        found = [key for (key,) in samples.sample_keys(connection, transform)]
        everything = [key for (key,) in read(connection, f"SELECT id FROM {transform.source.sql} ORDER BY id")]
    assert len(found) == len(set(found))
    assert set(everything[:100]) <= set(found)
    assert set(everything[-100:]) <= set(found)
    between = sorted(everything.index(key) for key in found if key in everything[100:-100])
    if column != "datetime":
        ends = [100, *between, len(everything) - 100]
        assert max(after - before for before, after in pairwise(ends)) < len(everything) / 5
