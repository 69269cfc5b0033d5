"""The examples of docs/reference/transforms.md are a migration that works, and the errors that it lists are those that come."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from replicator.demo.servers import Server
from replicator.plan import make_plan_report
from replicator.preflight.context import opened
from replicator.preflight.registry import CHECKS, run_all
from replicator.preflight.result import CheckResult
from replicator.sample import sample
from tests.preflight.migrations import Migration

PAGE = (Path(__file__).parents[2] / "docs/reference/transforms.md").read_text()
ROWS = """
INSERT INTO plans VALUES (1, 'basic'), (2, 'pro');
INSERT INTO companies VALUES (1, 'Ada Ltd', 2, '1-2-3'), (2, 'Bob & Co', NULL, NULL);
INSERT INTO customers VALUES (1, 1, 'Ann', 'Elm 1', 'new,big,new', NULL), (2, NULL, 'Ben', NULL, '', NULL),
  (3, 2, 'Cem', 'Oak 3', 'old', '2020-01-01 00:00:00');
INSERT INTO orders VALUES (1, 1, '2024-02-29 12:00:00'), (2, 3, '2024-03-01 12:00:00'), (3, 9, '2024-03-02 12:00:00');
INSERT INTO items VALUES (1, 1, 'nut', 5), (1, 2, 'bolt', 7), (2, 1, 'nut', 1), (8, 1, 'lost', 1);
INSERT INTO mails VALUES (1, 'hello');
INSERT INTO calls VALUES (1, 'rang twice'), (2, NULL);
"""
WRONG = {
    'source table "…" does not exist': 'copy_table("company", target="clients")',
    'target table "…" does not exist': 'copy_table("calls")',
    'no column "…" in …': 'copy_table("companies", omit=["facs"])',
    "has no primary key": 'copy_table("loose", target="clients")',
    "the function takes (…), it will be given (…)": 'transform("clients", source="calls")(lambda row, company: None)',
    "the target's primary key (…) is not in …": 'transform("sales", source="calls")(lambda row: None)',
    "does not name one row of": 'transform("sales", source="items", key={"sku": "sku"})(lambda row: None)',
    "key must map exactly the group_by columns":
        'transform("clients", source="items", key={"id": "number"}, group_by=["sku"])(lambda rows: None)',
    "feed the same table": 'transform("orders", source="mails")(lambda row: None)',
    "reaches through a name that is not declared":
        'transform("clients", source="mails", related={"a": one("calls", where={"id": "b.id"})})(lambda row, a: None)',
    "which the server compares in more than one way":
        'transform("clients", source="mails", related={"a": one("plans", where={"code": "id"})})(lambda row, a: None)',
    "needs where={column: column}": 'many("items", where={})',
    "group_by takes a list": 'transform("sales", source="items", group_by="sku")',
    "part_of takes a list": 'inverse("sales", part_of="items")',
    "rename it or list it in omit": 'copy_table("plans", target="clients")',
    "gets no value: write a transform function": 'copy_table("plans", target="clients")',
    "is already named elsewhere: a table has one fate": 'drop_table("orders", reason="old")',
    "needs a reason": 'keep_table("loose", reason="")',
    "has an inverse already": 'inverse("orders")(lambda row: None)',
    "there is no such target table": 'inverse("customers")(lambda row: None)',
    'the name of the legacy view "…" is taken': 'legacy_view("orders", "SELECT 1")',
    "needs a SELECT on the new tables": 'legacy_view("old", "TABLE orders")',
}  # fmt: skip
"""Message of the page → a line that brings it."""


def blocks(kind: str) -> list[str]:
    """The code blocks of the page with this info string."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def shop(build: Callable[..., Migration], server: Server) -> Migration:
    (source,), (target,) = blocks("sql source"), blocks("sql target")
    return build(server, source + ROWS, target, "\n\n".join(blocks("python")))


def looked_at(shop: Migration, *names: str) -> list[CheckResult]:
    with opened(shop.config()) as context:
        return run_all(context, {name: CHECKS[name] for name in names})


def test_the_examples_pass_the_checks_of_transforms(shop: Migration) -> None:
    results = looked_at(shop, "transforms", "unmapped", "purity", "samples", "way_back", "keys", "generated", "views")
    assert [result for result in results if result.status == "failed"] == []
    (warning,) = [result for result in results if result.status == "warning"]
    assert "no @inverse" in warning.message
    assert "client_tags, sales" in warning.message
    (lost,) = [result.message for result in results if "does not come back" in result.message]
    assert lost.endswith(": orders.plan")


def test_the_examples_make_what_the_page_says(shop: Migration) -> None:
    config = shop.config()
    report = make_plan_report(config)
    assert {(entry["table"], *entry["shape"]) for entry in report["tables"]} == {
        ("orders", "related"), ("clients", "related", "filter"), ("addresses", "filter"), ("client_tags", "split"),
        ("sales", "group"), ("messages", "row"), ("companies", "copy"),
    }  # fmt: skip

    def made(table: str, key: str) -> list[Any]:
        return [entry["made"] for one in sample(config, table, key)["samples"] for entry in one["target"]]

    assert made("orders", "1") == [{
        "id": 1, "client_id": 1, "plan": "pro", "ordered_at": "2024-02-29 12:00:00",
        "items": [{"number": 2, "sku": "bolt", "amount": 7}, {"number": 1, "sku": "nut", "amount": 5}],
    }]  # fmt: skip
    assert made("orders", "3")[0]["plan"] is None
    assert made("clients", "1") == [{"id": 1, "name": "Ann", "company": "Ada Ltd"}]
    assert made("clients", "3") == []
    assert made("client_tags", "1") == [{"client_id": 1, "tag": "big"}, {"client_id": 1, "tag": "new"}]
    assert made("sales", "1,1") == [{"sku": "nut", "amount": 6, "last_sold_at": "2024-03-01 12:00:00"}]
    assert [row["kind"] for row in made("messages", "1")] == ["mail", "call"]
    assert made("messages", "2") == []


def test_every_message_of_the_page_comes(shop: Migration) -> None:
    lines = PAGE.split("| message | what helps |")[1].splitlines()
    listed = [message for line in lines if line.startswith("| `") for message in re.findall(r"`([^`]+)`", line.split(" | ")[0])]
    assert listed == list(WRONG)
    shop.in_source("CREATE TABLE loose (id int)")
    ending = {message for message in WRONG if message.endswith(("takes a list", "where={column: column}"))}
    found = problems(shop, "\n".join(line for message, line in WRONG.items() if message not in ending))
    for message, line in WRONG.items():
        wanted = re.compile(r"\.py:\d+: .*" + re.escape(message).replace("…", ".*"))
        assert any(map(wanted.search, problems(shop, line) if message in ending else found)), (message, found)


def problems(shop: Migration, more: str) -> list[str]:
    """What is wrong with the page's migration and these lines."""
    shop.transforms("\n\n".join([*blocks("python"), more]))
    return [result.message for result in looked_at(shop, "transforms", "way_back") if result.status == "failed"]
