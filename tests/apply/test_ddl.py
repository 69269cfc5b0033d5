"""What a statement on the source means for the rows: passed, applied, or stopped in front of. No server is needed to tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from replicator import copy_table, one, transform
from replicator.apply.ddl import Consequence, SchemaChange, judge, schema_changed
from replicator.binlog.events import Ddl
from replicator.binlog.words import Dialect
from replicator.mysql.catalog import Column, ForeignKey, Index, Table
from replicator.mysql.position import Position
from replicator.transform.declarations import Declarations, _collecting
from replicator.transform.plan import MigrationPlan
from replicator.transform.planner import make_plan

AT = Position("binlog.000007", 1234)


def column(name: str) -> Column:
    return Column(name, "int", "int", False, False, None, None, None, None, 10, 0, 0, False, False)


def table(schema: str, name: str, *columns: str) -> Table:
    made = tuple(map(column, columns))
    indexes = (
        Index("PRIMARY", True, (columns[0],), (None,)),
        Index("once", True, (columns[1],), (None,)),
        Index("by_key", False, (columns[1],), (None,)),
    )
    return Table(schema, name, "InnoDB", made, indexes, 0, 0, 0, False, by_name={one.name: one for one in made})


SOURCE = {
    "items": table("shop", "items", "id", "name", "size", "a, b"),
    "orders": table("shop", "orders", "id", "item_id", "note", "unread"),
    "Odd#name -- x": table("shop", "Odd#name -- x", "id", "name"),
    "parents": table("shop", "parents", "id", "name"),
    "Twins": table("shop", "Twins", "id", "name"),
    "TWINS": table("shop", "TWINS", "id", "size"),
}
TARGET = {
    "items": table("new", "items", "id", "name", "a, b"),
    "orders": table("new", "orders", "id", "item", "note"),
    "Odd#name -- x": table("new", "Odd#name -- x", "id", "name"),
    "Twins": table("new", "Twins", "id", "name"),
    "TWINS": table("new", "TWINS", "id", "size"),
}
KEY = ForeignKey("of_parent", "shop", "orders", ("item_id",), "shop", "parents", ("id",), "CASCADE", "RESTRICT")


def plan(*, logs_cascades: bool = True) -> MigrationPlan:
    declared = Declarations()
    token = _collecting.set(declared)
    copy_table("items", omit=["size"])
    copy_table("Odd#name -- x")
    copy_table("Twins")
    copy_table("TWINS")

    @transform("orders", related={"item": one("items", where={"id": "item_id"})})
    def orders(row: Any, item: Any) -> Any:
        return {"id": row.id, "item": item.name, "note": row.note}

    _collecting.reset(token)
    return make_plan(declared, SOURCE, TARGET, (KEY,), logs_cascades=logs_cascades)


def judged(statement: str, schema: str = "shop", **more: bool) -> SchemaChange | None:
    return judge(Ddl(schema, statement, AT, 0.0), plan(**more))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX i ON items (name)",
        "CREATE UNIQUE INDEX i ON shop.items (name)",
        "DROP INDEX by_key ON items",
        "DROP INDEX IF EXISTS once ON `items`",
        "ALTER TABLE items ADD INDEX i (name), ADD UNIQUE KEY u (size), DROP KEY by_key",
        "ALTER TABLE items ADD CONSTRAINT c CHECK (size > 0), DROP CONSTRAINT d, DROP CHECK e, DROP FOREIGN KEY f",
        "ALTER TABLE items ADD FOREIGN KEY (size) REFERENCES parents (id) ON DELETE RESTRICT ON UPDATE NO ACTION",
        "ALTER TABLE items ADD CONSTRAINT c FOREIGN KEY (size) REFERENCES parents (id) ON DELETE CASCADE",  # it is logged
        "ALTER TABLE items ENGINE=InnoDB",
        "ALTER TABLE items ENGINE = `InnoDB`, FORCE",
        "ALTER TABLE items COMMENT = 'DROP COLUMN name, \\' MODIFY name' ROW_FORMAT=DYNAMIC AUTO_INCREMENT 7",
        "ALTER TABLE items DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin, ALGORITHM=INPLACE, LOCK=NONE",
        "ALTER TABLE items ALTER COLUMN name SET DEFAULT 5, ALTER INDEX by_key INVISIBLE",
        "ALTER TABLE items RENAME INDEX once TO twice, RENAME KEY a TO b",
        "ALTER TABLE items DISABLE KEYS",
        "ALTER TABLE items ORDER BY name",
        "ALTER TABLE items ADD PARTITION (PARTITION p3 VALUES LESS THAN (7))",
        "ALTER TABLE items REORGANIZE PARTITION p1, p2 INTO (PARTITION p VALUES LESS THAN (7))",
        "ALTER TABLE items PARTITION BY HASH (id) PARTITIONS 4",
        "ALTER TABLE items ENGINE=InnoDB REMOVE PARTITIONING",
        "ALTER TABLE items REBUILD PARTITION ALL",
        "ALTER TABLE items DROP COLUMN size, MODIFY size INT, CHANGE size width BIGINT, RENAME COLUMN size TO width",
        "ALTER TABLE orders ADD COLUMN colour VARCHAR(10) DEFAULT ', DROP COLUMN note' AFTER note",
        "ALTER TABLE orders ADD (colour INT, INDEX (colour), shape ENUM('a', 'b)'))",
        "ALTER ONLINE TABLE orders DROP IF EXISTS unread",
        "alter table items /* drop column name */ force -- , drop column name\n",
        "ALTER TABLE items",
        "CREATE TABLE items (id INT)",
        "CREATE TABLE IF NOT EXISTS items (id INT)",
        "CREATE TEMPORARY TABLE items (id INT)",
        "DROP TEMPORARY TABLE items",
        "ALTER TABLE strangers EXCHANGE PARTITION p1 WITH TABLE other.items",
        "ALTER TABLE strangers CONVERT TABLE friends TO PARTITION p1 VALUES LESS THAN (7)",
        "TRUNCATE strangers",
        "TRUNCATE TABLE other.items",
        "DROP TABLE strangers, other.items",
        "RENAME TABLE strangers TO friends, other.items TO other.things",
        "ALTER TABLE strangers DROP COLUMN name, RENAME TO friends",
        "CREATE VIEW items AS SELECT 1",
        "DROP VIEW items",
        "CREATE TRIGGER items BEFORE INSERT ON items FOR EACH ROW SET NEW.name = 1",
        "CREATE PROCEDURE p() BEGIN DROP TABLE items; END",
        "ALTER DATABASE shop CHARACTER SET utf8mb4",
        "CREATE DATABASE shop2",
        "DROP DATABASE other",
        "ALTER TABLE items LOCK=DEFAULT, REBUILD PARTITION p1, p2",
        "ALTER TABLE strangers LOCK=DEFAULT, EXCHANGE PARTITION p1 WITH TABLE friends",
        "TRUNCATE TABLE items€",
        "TRUNCATE TABLE `.items`",
        "ALTER TABLE items MODIFY name€ INT",
        "TRUNCATE /*M! TABLE */ /*M!999999 items */ strangers",
        "TRUNCATE TABLE /*M!999999 items */ strangers WAIT 5",
        "TRUNCATE TABLE strangers NOWAIT DROP STORAGE",
        "CREATE OR REPLACE SEQUENCE strangers",
        "CREATE OR REPLACE SPATIAL REFERENCE SYSTEM 4120 NAME 'x'",
        "CREATE OR REPLACE DATABASE other",
        "CREATE OR REPLACE INDEX by_key ON items (size)",
        "CREATE DEFINER=`root`@`localhost` PROCEDURE p() SELECT [, \\",
        "",
    ],
)
def test_what_leaves_every_row_passes(statement: str) -> None:
    assert judged(statement) is None


@pytest.mark.parametrize(
    ("statement", "consequence", "why"),
    [
        ("TRUNCATE items", Consequence.EMPTIED, "empty"),
        ("TRUNCATE TABLE .items", Consequence.EMPTIED, "empty"),
        ("TRUNCATE TABLE /*M!999999 strangers */ items NOWAIT;", Consequence.EMPTIED, "empty"),
        ("CREATE OR REPLACE SEQUENCE items", Consequence.GONE, "gone"),
        ("CREATE OR REPLACE DATABASE shop", Consequence.GONE, "database"),
        ("CREATE OR REPLACE UNIQUE INDEX `PRIMARY` ON items (size)", Consequence.CHANGED, "told apart by PRIMARY"),
        ("TRUNCATE TABLE `shop` . `items`", Consequence.EMPTIED, "empty"),
        ("truncate /* x */ table ITEMS;", Consequence.EMPTIED, "empty"),
        ("DROP TABLE items", Consequence.GONE, "gone"),
        ("DROP TABLE IF EXISTS strangers, `items` /* generated by server */", Consequence.GONE, "gone"),
        ("DROP TABLES items CASCADE", Consequence.GONE, "gone"),
        ("CREATE OR REPLACE TABLE items (id INT)", Consequence.GONE, "gone"),
        ("DROP DATABASE shop", Consequence.GONE, "database"),
        ("DROP SCHEMA IF EXISTS `SHOP`", Consequence.GONE, "database"),
        ("RENAME TABLE items TO things", Consequence.GONE, "another name"),
        ("ALTER TABLE items RENAME things", Consequence.GONE, "another name"),
        ("ALTER TABLE items ADD KEY (size), RENAME TO other.items", Consequence.GONE, "another name"),
        ("RENAME TABLE strangers TO items", Consequence.UNKNOWN, "another table"),
        ("RENAME TABLE other.items WAIT 5 TO shop.items", Consequence.UNKNOWN, "another table"),
        ("RENAME TABLE items TO _old, _new TO items", Consequence.CHANGED, "place of"),
        ("RENAME TABLE items TO tmp, orders TO items, tmp TO orders", Consequence.CHANGED, "place of"),
        ("ALTER TABLE items DROP COLUMN name", Consequence.CHANGED, "column name"),
        ("ALTER TABLE items DROP `name`", Consequence.CHANGED, "column name"),
        ("ALTER TABLE items ADD KEY (size), DROP COLUMN IF EXISTS NAME", Consequence.CHANGED, "column NAME"),
        ("ALTER TABLE items DROP `a, b`", Consequence.CHANGED, "column a, b"),
        ("ALTER TABLE `Odd#name -- x` DROP name", Consequence.CHANGED, "column name"),
        ("ALTER TABLE items /*!80000 DROP COLUMN name */", Consequence.CHANGED, "column name"),
        ("ALTER TABLE items COMMENT '-- ', MODIFY COLUMN name TEXT", Consequence.CHANGED, "column name"),
        ("ALTER TABLE items CHANGE name title INT", Consequence.CHANGED, "column name"),
        ("ALTER TABLE items CHANGE COLUMN size name INT", Consequence.CHANGED, "column name"),
        ("ALTER TABLE items RENAME COLUMN name TO title", Consequence.CHANGED, "column name"),
        ("ALTER TABLE orders DROP item_id", Consequence.CHANGED, "column item_id"),
        ("ALTER TABLE items ADD COLUMN colour INT", Consequence.CHANGED, "every column"),
        ("ALTER TABLE items ADD (x INT, y INT)", Consequence.CHANGED, "would take x"),
        ("ALTER TABLE orders ADD note INT", Consequence.CHANGED, "column note"),
        ("ALTER TABLE items DROP PRIMARY KEY, ADD PRIMARY KEY (name)", Consequence.CHANGED, "told apart by PRIMARY"),
        ("DROP INDEX `PRIMARY` ON items", Consequence.CHANGED, "told apart by PRIMARY"),
        ("ALTER TABLE items CONVERT TO CHARACTER SET utf8mb4", Consequence.CHANGED, "not known"),
        ("ALTER TABLE items ENGINE=BLACKHOLE", Consequence.CHANGED, "not known"),
        ("ALTER TABLE items ENGINE=MyISAM COMMENT 'x'", Consequence.CHANGED, "not known"),
        ("ALTER TABLE orders ADD SYSTEM VERSIONING", Consequence.CHANGED, "not known"),
        ("ALTER TABLE orders ADD PERIOD FOR SYSTEM_TIME (a, b)", Consequence.CHANGED, "not known"),
        ("ALTER TABLE items DISCARD TABLESPACE", Consequence.CHANGED, "not known"),
        ("ALTER TABLE items SOMETHING NEW", Consequence.CHANGED, "not known"),
        ("ALTER IGNORE TABLE items ADD UNIQUE (size)", Consequence.UNKNOWN, "removed rows"),
        ("ALTER TABLE items DROP PARTITION p1, p2", Consequence.UNKNOWN, "partition"),
        ("ALTER TABLE items TRUNCATE PARTITION ALL", Consequence.UNKNOWN, "partition"),
        ("ALTER TABLE items EXCHANGE PARTITION p1 WITH TABLE strangers", Consequence.UNKNOWN, "partition"),
        ("ALTER TABLE items CONVERT PARTITION p1 TO TABLE x", Consequence.UNKNOWN, "partition"),
        ("ALTER TABLE items CONVERT TABLE x TO PARTITION p1 VALUES LESS THAN (7)", Consequence.UNKNOWN, "partition"),
        ("ALTER TABLE items ALGORITHM=INPLACE, DROP PARTITION p1", Consequence.UNKNOWN, "partition"),
        ("ALTER TABLE items LOCK=DEFAULT, ALGORITHM=COPY, TRUNCATE PARTITION p1, p2", Consequence.UNKNOWN, "partition"),
        ("ALTER TABLE strangers LOCK=DEFAULT, EXCHANGE PARTITION p WITH TABLE items", Consequence.UNKNOWN, "changed places"),
        ("ALTER TABLE strangers WITHOUT VALIDATION, EXCHANGE PARTITION p WITH TABLE .items", Consequence.UNKNOWN, "places"),
        ("ALTER TABLE strangers EXCHANGE PARTITION p1 WITH TABLE items", Consequence.UNKNOWN, "changed places"),
        ("ALTER TABLE other.t EXCHANGE PARTITION p1 WITH TABLE `shop`.items WITHOUT VALIDATION", Consequence.UNKNOWN, "places"),
        ("ALTER TABLE strangers CONVERT TABLE items TO PARTITION p1 VALUES LESS THAN (7)", Consequence.UNKNOWN, "places"),
        ("ALTER TABLE strangers CONVERT PARTITION p1 TO TABLE items", Consequence.UNKNOWN, "changed places"),
    ],
)
def test_what_does_not_pass(statement: str, consequence: Consequence, why: str) -> None:
    change = judged(statement)
    assert change is not None
    assert change.consequence == consequence
    assert why in change.why


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER",
        "DROP TABLE",
        "ALTER SOMETHING",
        "IMPORT TABLE FROM 'items.sdi'",
        "TRUNCATE TABLE [items]",
        "TRUNCATE TABLE strangers items",
        "TRUNCATE TABLE\u00a0items",
        "TRUNCATE TABLE /*!8000012items*/",
        "DROP TABLE strangers, [items]",
        "DROP TABLE strangers items",
        "RENAME TABLE strangers TO friends, [items] TO things",
        "ALTER TABLE strangers DROP COLUMN `a",
        "ALTER TABLE items ADD KEY (size) COMMENT 'x' 'y",
        "ALTER TABLE strangers EXCHANGE PARTITION p WITH TABLE 'items' \\",
        "CREATE OR REPLACE TABLE [items] (id INT)",
    ],
)
def test_what_is_not_understood_does_not_pass(statement: str) -> None:
    for change in (judged(statement), judged(f"{statement} /* shop */", schema="other")):
        assert change is not None
        assert (change.consequence, change.tables) == (Consequence.UNKNOWN, tuple(plan().sources))
    assert judged(statement, schema="other") is None


def test_quotes_and_comments_of_the_session() -> None:
    def judged(statement: str, **how: bool) -> SchemaChange | None:
        return judge(Ddl("shop", statement, AT, 0.0, Dialect(**how)), plan())

    assert judged("ALTER TABLE items /*M!100100 DROP COLUMN name */") is None
    assert judged("ALTER TABLE items /*M!100100 DROP COLUMN name */", mariadb=True) is not None
    assert judged('TRUNCATE "strangers\\"', ansi=True) is None
    assert judged('TRUNCATE "items"', ansi=True) is not None
    assert judged("TRUNCATE strangers", readable=False) is not None


@pytest.mark.parametrize("mark", ["'", '"'])
def test_a_backslash_at_the_end_of_a_text(mark: str) -> None:
    """It escapes the quote in one session and not in another: what stands behind it is either a part of the text or not."""
    text = f"ALTER TABLE items ALTER size SET DEFAULT {mark}C:\\{mark}, DROP COLUMN name -- {mark}"
    assert judge(Ddl("shop", text, AT, 0.0), plan()) is None
    change = judge(Ddl("shop", text, AT, 0.0, dialect=Dialect(escapes=False)), plan())
    assert change is not None
    assert "column name" in change.why


def test_columns_that_others_are_made_of() -> None:
    items = SOURCE["items"]
    made = [replace(one, generated=True, expression="`sizes` + `Size`") if one.name == "name" else one for one in items.columns]
    more = replace(items, columns=tuple(made), by_name={one.name: one for one in made})
    read = replace(plan(), sources={"items": replace(plan().sources["items"], table=more)})
    for statement in ("ALTER TABLE items MODIFY size BIGINT", "ALTER TABLE items CHANGE size size TEXT"):
        change = judge(Ddl("shop", statement, AT, 0.0), read)
        assert change is not None
        assert "made of size" in change.why
    assert judge(Ddl("shop", "ALTER TABLE items MODIFY siz INT", AT, 0.0), read) is None


def test_a_primary_key_leaves_no_null() -> None:
    """A session that is not strict turns those that are there into 0 or ''."""
    items = SOURCE["items"]
    columns = tuple(replace(one, nullable=one.name in ("name", "size")) for one in items.columns)
    nullable = replace(items, columns=columns, by_name={one.name: one for one in columns})
    read = replace(plan(), sources={"items": replace(plan().sources["items"], table=nullable)})
    for actions in ("ADD CONSTRAINT k PRIMARY KEY (id, Name)", "ADD (PRIMARY KEY USING BTREE (name), colour INT)"):
        change = judge(Ddl("shop", f"ALTER TABLE items {actions}", AT, 0.0), read)
        assert change is not None
        assert "column name" in change.why.lower()
    for actions in ("ADD PRIMARY KEY (id, size)", "ADD UNIQUE (name)"):
        assert judge(Ddl("shop", f"ALTER TABLE items {actions}", AT, 0.0), read) is None


def test_names_of_temporary_tables() -> None:
    change = judge(Ddl("shop", "TRUNCATE items", AT, 0.0, temporary=True), plan())
    assert change is not None
    assert change.consequence == Consequence.CHANGED
    assert "temporary table" in change.why


def test_names_belong_to_the_session_s_schema() -> None:
    assert judged("TRUNCATE items", schema="other") is None
    assert judged("TRUNCATE shop.items", schema="other") is not None


def test_tables_whose_names_differ_by_case_alone() -> None:
    for name, read in (("Twins", "name"), ("TWINS", "size")):
        change = judged(f"ALTER TABLE {name} DROP COLUMN {read}")
        assert change is not None
        assert change.tables == (name,)
        assert judged(f"ALTER TABLE {name} DROP COLUMN other") is None


def test_foreign_keys_whose_actions_are_not_logged() -> None:
    added = "ALTER TABLE orders ADD FOREIGN KEY (unread) REFERENCES parents (id) ON DELETE SET NULL"
    inline = "ALTER TABLE orders ADD COLUMN parent INT REFERENCES parents (id) ON DELETE CASCADE"
    dropped = "ALTER TABLE orders DROP FOREIGN KEY of_parent"
    for statement in (added, inline, dropped, "ALTER TABLE orders DROP CONSTRAINT `Of_Parent`"):
        assert judged(statement) is None
        change = judged(statement, logs_cascades=False)
        assert change is not None, statement
        assert "foreign key" in change.why


@pytest.mark.parametrize(
    ("statement", "exact", "advice"),
    [
        ("ALTER TABLE items DROP name", True, "replicator run --set stream.accept_schema_change=binlog.000007:1234`"),
        ("DROP TABLE items", True, "as if all its rows had been deleted"),
        ("ALTER TABLE items DROP PARTITION p", True, "abort and run again"),
        ("DROP TABLE items", False, "The copy was not complete: abort and run again"),
    ],
)
def test_the_message_says_what_to_do(statement: str, exact: bool, advice: str) -> None:
    change = judged(statement)
    assert change is not None
    text = str(schema_changed(change, exact=exact))
    assert statement in text
    assert str(AT) in text
    assert advice in text
