"""The plan names every table and column, and says what becomes of it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from replicator.demo.servers import Server
from replicator.errors import ConfigError, SourceError
from replicator.plan import make_plan_report, render
from tests.preflight.migrations import Migration

SOURCE = """
CREATE TABLE customers (id bigint NOT NULL PRIMARY KEY, name varchar(100) NOT NULL, fax varchar(40), pager varchar(40));
CREATE TABLE orders (id bigint NOT NULL PRIMARY KEY, customer_id bigint NOT NULL, total int NOT NULL, day date);
CREATE TABLE items (order_id bigint NOT NULL, number int NOT NULL, sku varchar(20), PRIMARY KEY (order_id, number));
CREATE TABLE mails (id bigint NOT NULL PRIMARY KEY, kind varchar(10));
CREATE TABLE sessions (id bigint NOT NULL PRIMARY KEY);
CREATE TABLE old_logs (id bigint NOT NULL PRIMARY KEY);
CREATE TABLE forgotten (id bigint NOT NULL PRIMARY KEY);
INSERT INTO customers VALUES (1, 'Ada', NULL, NULL);
"""
TARGET = """
CREATE TABLE customers (id bigint NOT NULL PRIMARY KEY, name varchar(100) NOT NULL, pager varchar(40));
CREATE TABLE orders (id bigint NOT NULL PRIMARY KEY, customer varchar(100), total int NOT NULL);
CREATE TABLE days (order_id bigint NOT NULL, part varchar(10) NOT NULL, PRIMARY KEY (order_id, part));
CREATE TABLE baskets (order_id bigint NOT NULL, sku varchar(20) NOT NULL, PRIMARY KEY (order_id, sku));
CREATE TABLE letters (id bigint NOT NULL PRIMARY KEY);
CREATE TABLE archive (id bigint NOT NULL PRIMARY KEY);
"""
TRANSFORMS = """
from replicator import copy_table, drop_table, keep_table, one, transform

copy_table("customers", omit=["fax"])
keep_table("sessions", reason="the framework's own")
drop_table("old_logs", reason="never read")


@transform("orders", related={"customer": one("customers", where={"id": "customer_id"})})
def orders(row, customer):
    return {"id": row.id, "customer": customer.name if customer else None, "total": row.total}


@transform("days", source="orders", key={"order_id": "id"})
def days(row):
    return [{"order_id": row.id, "part": part} for part in ("year", "month")]


@transform("baskets", source="items", group_by=["order_id"], key={"order_id": "order_id"})
def baskets(rows):
    return [{"order_id": rows[0].order_id, "sku": sku} for sku in sorted({row.sku for row in rows})]


@transform("letters", source="mails")
def letters(row):
    if row.kind != "letter":
        return None
    return {"id": row.id}
"""


@pytest.fixture
def shop(build: Callable[..., Migration], server: Server) -> Migration:
    return build(server, SOURCE, TARGET, TRANSFORMS)


def test_every_table_and_column_is_named(shop: Migration) -> None:
    report = json.loads(json.dumps(make_plan_report(shop.config())))
    shapes = {entry["table"]: entry["shape"] for entry in report["tables"]}
    assert shapes == {
        "customers": ["copy"], "orders": ["related"], "days": ["split"], "baskets": ["group"], "letters": ["filter"],
    }  # fmt: skip
    staged = {entry["table"]: (entry["columns"], entry["for"]) for entry in report["staging"]}
    assert staged["orders"] == (["id", "customer_id", "total"], ["orders"])
    assert staged["customers"] == (["id", "name"], ["orders"])
    assert staged["items"] == (["order_id", "number", "sku"], ["baskets"])
    unread = {entry["table"]: (entry["columns"], entry["omitted"]) for entry in report["unread"]}
    assert unread == {"customers": ([], ["fax"]), "orders": (["day"], [])}
    assert [(entry["table"], entry["reason"]) for entry in report["kept"]] == [("sessions", "the framework's own")]
    assert [(entry["table"], entry["reason"]) for entry in report["dropped"]] == [("old_logs", "never read")]
    assert report["unmapped"] == ["forgotten"]
    assert report["empty"] == ["archive"]
    totals = report["totals"]
    assert totals["text"] == "7 = 4 read + 1 kept + 1 dropped + 1 unmapped"
    assert totals["source_tables"] == sum(totals[name] for name in ("read", "kept", "dropped", "unmapped"))
    assert totals["target_tables"] == 5
    assert totals["seconds"] > 0


def test_what_people_see(shop: Migration) -> None:
    console = Console(file=io.StringIO(), width=300, highlight=False)
    render(make_plan_report(shop.config()), console)
    file = console.file
    assert isinstance(file, io.StringIO)
    text = file.getvalue()
    for word in ("customers", "related", "split", "group", "filter", "fax", "day", "sessions", "never read", "forgotten",
                 "archive", "transforms/shop.py:", "7 = 4 read"):  # fmt: skip
        assert word in text
    assert shop.server.password not in text


def test_schema_files_are_planned_before_the_tables_are_there(build: Callable[..., Migration], server: Server) -> None:
    shop = build(server, SOURCE, "", TRANSFORMS)
    (shop.folder / "schema" / "target").mkdir(parents=True)
    (shop.folder / "schema" / "target" / "tables.sql").write_text(TARGET)
    report = make_plan_report(shop.config())
    assert not report["target_exists"]
    assert report["totals"]["target_tables"] == 5


def test_problems_are_all_told(shop: Migration) -> None:
    shop.transforms("from replicator import copy_table\ncopy_table('customerz')\ncopy_table('orderz')\n")
    with pytest.raises(ConfigError) as caught:
        make_plan_report(shop.config())
    assert any("customerz" in problem for problem in caught.value.problems)
    assert any("orderz" in problem for problem in caught.value.problems)


@pytest.mark.parametrize(("kind", "first", "second", "says"), [
    ("VARCHAR(9) COLLATE utf8mb4_general_ci", "mail", "call", ""),
    ("VARCHAR(9) COLLATE utf8mb4_general_ci", "mail", "Mail", "feed the same table"),
    ("VARCHAR(9) COLLATE utf8mb4_bin", "mail", "mail ", "feed the same table"),
    ("VARCHAR(9) COLLATE utf8mb4_bin", "mail", "Mail", ""),
    ("VARCHAR(9) COLLATE utf8mb4_general_ci", "e", "é", "feed the same table"),
    ("SET('a', 'b')", "a,b", "b,a", "feed the same table"),
    ("SET('a', 'b')", "a", "b", ""),
    ("DATETIME", "2024-01-01 00:00:00", "2024-01-01 00:00:00.0", "feed the same table"),
    ("INT", 1, "2", "key: const('2') for t.kind: a str for a column of type integer"),
    ("TINYINT", 1, 200, "key: const(200) for t.kind: a number outside"),
    ("VARCHAR(3)", "mail", "tel", "key: const('mail') for t.kind: a text of 4 characters"),
    ("ENUM('mail', 'tel')", "mail", "call", "key: const('call') for t.kind: a text that is not a member"),
])  # fmt: skip
def test_constants_of_one_column(
    build: Callable[..., Migration], server: Server, kind: str, first: str | int, second: str | int, says: str
) -> None:
    made = build(
        server,
        "CREATE TABLE one (id INT PRIMARY KEY);\nCREATE TABLE two (id INT PRIMARY KEY);",
        f"CREATE TABLE t (kind {kind}, id INT, PRIMARY KEY (kind, id));",
        "from replicator import const, transform\n"
        f'transform("t", source="one", key={{"kind": const({first!r}), "id": "id"}})(lambda row: None)\n'
        f'transform("t", source="two", key={{"kind": const({second!r}), "id": "id"}})(lambda row: None)\n',
    )
    if not says:
        make_plan_report(made.config())
        return
    with pytest.raises(ConfigError) as caught:
        make_plan_report(made.config())
    assert any(says in problem for problem in caught.value.problems)


def test_a_server_that_is_gone(shop: Migration) -> None:
    config = shop.config()
    with pytest.raises(SourceError):
        make_plan_report(replace(config, source=replace(config.source, unix_socket=None, host="127.0.0.1", port=1)))
