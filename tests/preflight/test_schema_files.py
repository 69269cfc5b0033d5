"""The schema files are run in one database only, and what is wrong with them is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from replicator.binlog.words import Dialect
from replicator.errors import ConfigError
from replicator.preflight import run_checks
from replicator.schema_files import _elsewhere, _statements, run_files
from tests.preflight.migrations import TARGET, Migration, fails, run_script


@pytest.fixture
def files(migration: Migration) -> Path:
    """The folder of schema files, with those of a migration whose target is empty."""
    migration.in_target("DROP TABLE customers, orders")
    folder = migration.folder / "schema" / "target"
    folder.mkdir(parents=True)
    (folder / "a.sql").write_text(TARGET)
    return folder


def test_a_dump_that_names_a_database_changes_nothing_there(migration: Migration, files: Path) -> None:
    source = migration.source
    (files / "b.sql").write_text(
        f"-- a dump\nUSE `{source}`;\nDROP TABLE IF EXISTS orders;\n\nCREATE TABLE {source}.more (id int PRIMARY KEY);\n"
    )
    results = run_checks(migration.config())
    assert fails(results, "b.sql:2: USE: ", "take the line out", "edit ")
    assert fails(results, f"b.sql:5: CREATE names the database {source}")
    run_script(migration.server, source, "SELECT COUNT(*) FROM orders")
    with pytest.raises(ConfigError):
        run_files(migration.config().target, migration.target, files)
    run_script(migration.server, migration.target, "CREATE TABLE customers (id int)")  # nothing of a.sql was run either


def test_a_file_that_is_wrong_is_told_once_with_its_line(migration: Migration, files: Path) -> None:
    (files / "b.sql").write_text("CREATE TABLE fine (id int PRIMARY KEY);\n\n-- a word too few\nCREATE TABLE (id int);\n")
    results = run_checks(migration.config())
    assert fails(results, "b.sql:4: error 1064: ", "edit ")
    assert not [result for result in results if "target table" in result.message], "that no table is there follows from it"


def test_a_file_that_is_not_utf8(migration: Migration, files: Path) -> None:
    (files / "b.sql").write_bytes(b"-- fine\n-- gr\xfc\xdfe\n")
    assert fails(run_checks(migration.config()), "b.sql:2: is not UTF-8 text")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop`",
        "/*!40101 USE shop */",
        "drop schema shop",
        "DROP TABLE IF EXISTS a, shop.b",
        "CREATE TABLE `shop`.`a` (id int)",
        "ALTER TABLE a RENAME TO shop.a",
        "RENAME TABLE a TO shop.b",
        "TRUNCATE shop . a",
        "CREATE UNIQUE INDEX i ON shop.a (id)",
        "INSERT INTO shop.a VALUES (1)",
        "UPDATE shop.a SET b = 1",
        "DELETE FROM shop.a",
        "CREATE TRIGGER t BEFORE INSERT ON shop.a FOR EACH ROW SET NEW.b = 1",
    ],
)
def test_what_would_be_done_elsewhere(statement: str) -> None:
    text = f"CREATE TABLE a (id int);\n{statement};\n"
    (problem,) = _elsewhere(Path("a.sql"), list(_statements(text, Dialect())))
    assert problem.startswith("a.sql:2: ")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE a (id decimal(9,2) DEFAULT 1.5, b text COMMENT 'USE shop; DROP TABLE shop.a')",
        "CREATE TABLE a LIKE shop.a",
        "CREATE TABLE a AS SELECT b.id FROM shop.b",
        "ALTER TABLE a ADD b decimal(9,2) DEFAULT 1.5",
        "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES shop.b (id)",
        "INSERT INTO a SELECT b.id FROM shop.b",
        "CREATE VIEW v AS SELECT a.id FROM a",
        "/*!40101 SET NAMES utf8mb4 */",
        "-- USE shop",
    ],
)
def test_what_is_done_here(statement: str) -> None:
    assert not list(_elsewhere(Path("a.sql"), list(_statements(f"{statement};\n", Dialect()))))
