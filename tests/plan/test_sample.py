"""A sample shows one row on its way, and where the target is not as it should be."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from replicator.demo.servers import Server
from replicator.errors import ConfigError
from replicator.sample import render, sample
from tests.preflight.migrations import Migration

ROWS = """
INSERT INTO customers VALUES (1, 'Ada', 2), (2, 'Rob', 0);
"""


def only(report: dict[str, Any]) -> dict[str, Any]:
    json.dumps(report)
    assert len(report["samples"]) == 1
    found: dict[str, Any] = report["samples"][0]
    return found


def printed(report: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=200, highlight=False)
    render(report, console)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_a_row_that_stands_as_it_should(migration: Migration) -> None:
    migration.in_target(ROWS)
    report = sample(migration.config(), "customers", "1")
    one = only(report)
    assert one["rows"] == [{"id": 1, "name": "Ada", "note": None}]
    assert [(item["name"], item["table"], [row["id"] for row in item["rows"]]) for item in one["related"]] == [
        ("orders", "orders", [1, 2])
    ]
    assert one["target"] == [
        {
            "key": "1",
            "made": {"id": 1, "name": "Ada", "orders": 2},
            "stands": {"id": 1, "name": "Ada", "orders": 2},
            "differing": [],
        }
    ]
    assert "stands as the transform makes it" in printed(report)


def test_a_column_that_differs_is_marked(migration: Migration) -> None:
    migration.in_target(ROWS)
    report = sample(migration.config(), "customers", "2")
    assert only(report)["target"][0]["differing"] == ["name"]
    assert "≠  name" in printed(report)
    assert "has not begun" in printed(report)


def test_a_row_that_is_missing_in_the_target(migration: Migration) -> None:
    report = sample(migration.config(), "customers", None)
    entry = only(report)["target"][0]
    assert (entry["made"]["id"], entry["stands"]) == (1, None)
    assert "The row is not in the target." in printed(report)


def test_a_row_that_should_not_be_there(build: Callable[..., Migration], server: Server) -> None:
    migration = build(server)
    migration.transforms("""
from replicator import transform

@transform("customers")
def customers(row):
    return None if row.id == 2 else {"id": row.id, "name": row.name, "orders": 0}
""")
    migration.in_target(ROWS)
    report = sample(migration.config(), "customers", "2")
    entry = only(report)["target"][0]
    assert (entry["made"], entry["stands"]["name"]) == (None, "Rob")
    assert "should not be in the target" in printed(report)


def test_a_transform_that_fails_is_told(migration: Migration) -> None:
    migration.transforms("""
from replicator import transform

@transform("customers")
def customers(row):
    return {"id": row.id, "name": row.name * 100, "orders": 0}
""")
    one = only(sample(migration.config(), "customers", "2"))
    assert "customers.name, key id=2: a text of 300 characters" in one["error"]


GROUPS = """
from replicator import transform

@transform("baskets", source="items", group_by=["basket"], key={"basket": "basket"})
def baskets(rows):
    return [{"basket": rows[0].basket, "place": place, "at": row.at, "price": row.price, "mark": row.mark}
            for place, row in enumerate(rows)]
"""


def test_a_group_with_every_kind_of_value(build: Callable[..., Migration], server: Server) -> None:
    migration = build(
        server,
        "CREATE TABLE items (basket binary(2) NOT NULL, number int NOT NULL, at time(6), price decimal(8,2), mark varbinary(4),"
        " PRIMARY KEY (basket, number));\n"
        "INSERT INTO items VALUES (x'0102', 1, '-25:00:01.5', 1.50, x'ff'), (x'0102', 2, '24:00:00', NULL, NULL);\n",
        "CREATE TABLE baskets (basket binary(2) NOT NULL, place int NOT NULL, at time(6), price decimal(8,2),"
        " mark varbinary(4), PRIMARY KEY (basket, place));\n"
        "INSERT INTO baskets VALUES (x'0102', 0, '-25:00:01.5', 1.50, x'ff'), (x'0102', 1, '24:00:00', NULL, '');\n",
        GROUPS,
    )
    one = only(sample(migration.config(), "baskets", "0x0102,2"))
    assert one["key"] == {"basket": "0x0102"}
    assert [row["number"] for row in one["rows"]] == [1, 2]
    assert one["target"][0]["made"] == {
        "basket": "0x0102", "place": 0, "at": "-25:00:01.500000", "price": "1.50", "mark": "0xff",
    }  # fmt: skip
    assert [entry["differing"] for entry in one["target"]] == [[], ["mark"]]


def test_a_group_is_one_table_and_values_are_shown_as_they_are_written(build: Callable[..., Migration], server: Server) -> None:
    migration = build(
        server,
        "CREATE TABLE t (id int PRIMARY KEY, grp int NOT NULL);\nINSERT INTO t VALUES (1, 7), (2, 7), (3, 7);\n",
        "CREATE TABLE g (id int PRIMARY KEY, many tinyint(1) NOT NULL, ids json NOT NULL);\n",
        "from replicator import transform\n@transform('g', source='t', group_by=['grp'], key={'id': 'grp'})\n"
        "def g(rows): return {'id': rows[0].grp, 'many': len(rows) > 1, 'ids': [row.id for row in rows]}\n",
    )
    migration.in_target("INSERT INTO g VALUES (7, 1, '[1,2,3]')")
    text = printed(sample(migration.config(), "g", "2"))
    assert text.count("grp") == 1
    assert "source: 3 of t" in text
    assert [line.split() for line in text.splitlines() if line.strip().startswith("many")] == [["many", "1", "1"]]
    assert "[1,2,3]" in text


@pytest.mark.parametrize("key", ["1x", "1,2", "one", "1.0", ""])
def test_a_key_that_the_server_would_take_for_another_one(migration: Migration, key: str) -> None:
    with pytest.raises(ConfigError, match="is a whole number"):
        sample(migration.config(), "customers", key)


def test_what_cannot_be_shown(migration: Migration) -> None:
    config = migration.config()
    with pytest.raises(ConfigError, match="no transform makes or reads a table kustomers: there are customers, orders"):
        sample(config, "kustomers", None)
    with pytest.raises(ConfigError, match="no row with key 77"):
        sample(config, "customers", "77")
    migration.in_source("DELETE FROM customers")
    with pytest.raises(ConfigError, match="no row at all"):
        sample(config, "customers", None)
