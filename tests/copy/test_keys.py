"""Chunks of seven rows over every kind of key: no row is lost between two of them, none stands in both."""

from __future__ import annotations

import pytest

from replicator.copy import chunks, session
from replicator.copy.chunks import progress as job_progress
from replicator.copy.jobs import build_jobs, copy_jobs
from replicator.demo.servers import Server
from replicator.mysql.connection import rows, value
from tests.copy.conftest import NewMigration, fill


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "FIRST_CHUNK_ROWS", 7)
    monkeypatch.setattr(session, "next_size", lambda *arguments: None)


KEYS = {
    "compound": (
        "a INT, b VARCHAR(10), c DATE",
        "a, b, c",
        "n % 3, ELT(n % 5 + 1, 'a', 'B', 'b c', '', 'é'), '2024-01-01' + INTERVAL n DAY",
    ),
    "string that differs by case": ("a VARCHAR(20) COLLATE utf8mb4_bin", "a", "CONCAT(ELT(n % 4 + 1, 'a', 'A', 'á', 'b'), n)"),
    "string, case ignored": (
        "a VARCHAR(20) COLLATE utf8mb4_general_ci",
        "a",
        "CONCAT(ELT(n % 4 + 1, 'a', 'B', 'c ', '\\\\'), '''', n)",
    ),
    "string in latin1": ("a VARCHAR(20) CHARACTER SET latin1", "a", "CONCAT(ELT(n % 4 + 1, 'ä', 'Ö', 'ß', '€'), n)"),
    "string that ends with spaces": ("a VARCHAR(20) COLLATE utf8mb4_bin, b INT", "a, b", "CONCAT('x', REPEAT(' ', n % 3)), n"),
    "negative and zero": ("a BIGINT", "a", "n - 100"),
    "limits": ("a BIGINT UNSIGNED", "a", "IF(n % 2, n, 18446744073709551615 - n)"),
    "sparse": ("a BIGINT", "a", "n * n * n * n"),
    "uuid text": ("a CHAR(36)", "a", "INSERT(SHA2(n, 256), 37, 99, '')"),
    "bytes": ("a VARBINARY(20)", "a", "CONCAT(ELT(n % 5 + 1, x'00', x'27', x'5C', x'FF00', x'0A2C'), CHAR(n), x'00')"),
    "fixed bytes": ("a BINARY(6)", "a", "CONCAT(CHAR(n), x'2700')"),
    "members first": ("a ENUM('z','m','a'), b INT", "a, b", "ELT(n % 3 + 1, 'z', 'm', 'a'), n"),
    "members last": ("a INT, b ENUM('z','m','a')", "a, b", "n DIV 3, ELT(n % 3 + 1, 'z', 'm', 'a')"),
    "decimal": ("a DECIMAL(20,6)", "a", "n / 7 - 11"),
    "time": ("a TIME(3), b YEAR", "a, b", "SEC_TO_TIME(n * 400 - 40000), 1901 + n"),
    "timestamp": ("a TIMESTAMP(6)", "a", "'2024-03-31 00:00:00' + INTERVAL n * 600 SECOND"),
    "bits": ("a BIT(40)", "a", "n * 4294967295 % 1099511627776"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KEYS)
def test_every_key_is_walked_once(server: Server, migration: NewMigration, kind: str) -> None:
    columns, key, values = KEYS[kind]
    ddl = f"CREATE TABLE t ({columns}, n INT NOT NULL, PRIMARY KEY ({key})) CHARACTER SET utf8mb4;"
    made = migration(server, ddl, ddl, "copy_table('t')")
    fill(made.source, "t", f"{key}, n", f"{values}, n", 200)
    made.copy()
    shown = ", ".join(f"HEX({name})" for name in key.split(", "))
    assert made.read(f"SELECT {shown}, n FROM t ORDER BY n") == list(
        made.read(f"SELECT {shown}, n FROM `{made.config.source.database}`.t ORDER BY n")
    )
    # Rows that stand in two chunks would be counted twice.
    assert job_progress(made.state, made.target)["copy:t"].rows == 200


def test_a_table_without_a_usable_key_is_one_chunk(server: Server, migration: NewMigration) -> None:
    ddl = "CREATE TABLE t (kind ENUM('a','b','c') PRIMARY KEY);"
    made = migration(server, ddl + "INSERT INTO t VALUES ('c'), ('a');", ddl, "copy_table('t')")
    assert copy_jobs(made.plan)[0].key == ()
    made.copy()
    assert made.read("SELECT kind FROM t ORDER BY kind") == [("a",), ("c",)]


def test_an_empty_table_is_done(server: Server, migration: NewMigration) -> None:
    ddl = "CREATE TABLE t (id INT PRIMARY KEY);"
    made = migration(server, ddl, ddl, "copy_table('t')")
    made.copy()
    assert job_progress(made.state, made.target)["copy:t"].done


def test_a_unique_key_stands_in_for_a_primary_key(server: Server, migration: NewMigration) -> None:
    made = migration(
        server,
        "CREATE TABLE t (id INT NOT NULL, n INT NULL, UNIQUE KEY (id), KEY (n));",
        "CREATE TABLE t (id INT PRIMARY KEY, n INT NULL);",
        "copy_table('t')",
    )
    fill(made.source, "t", "id, n", "n * 3, IF(n % 2, NULL, n)", 100)
    made.copy()
    assert made.read("SELECT COUNT(*), SUM(id), SUM(n) FROM t") == made.read(
        f"SELECT COUNT(*), SUM(id), SUM(n) FROM `{made.config.source.database}`.t"
    )


GROUPS = """
@transform("g", source="t", group_by=["who", "what"], key={"who": "who", "what": "what"})
def g(rows):
    return {"id": rows[0].id, "who": rows[0].who, "what": rows[0].what, "number": len(rows)}
"""


def test_groups_are_built_whole_also_those_of_null(server: Server, migration: NewMigration) -> None:
    made = migration(
        server,
        "CREATE TABLE t (id INT PRIMARY KEY, who VARCHAR(10) COLLATE utf8mb4_general_ci NULL, what INT NULL);",
        "CREATE TABLE g (id INT PRIMARY KEY, who VARCHAR(10) COLLATE utf8mb4_general_ci NULL, what INT NULL,"
        " number INT NOT NULL, UNIQUE KEY (who, what));",
        GROUPS,
    )
    fill(made.source, "t", "id, who, what", "n, ELT(n % 7 + 1, 'a', 'A', 'b', 'c', 'd'), IF(n % 4, n % 5, NULL)", 300)
    made.copy()
    made.build()
    assert made.read("SELECT LOWER(who), what, number FROM g ORDER BY 1, 2") == made.read(
        f"SELECT LOWER(who) AS who, what, COUNT(*) FROM `{made.config.source.database}`.t GROUP BY 1, 2 ORDER BY 1, 2"
    )
    (job,) = build_jobs(made.plan)
    assert [column.name for column in job.key] == ["who"]
    assert job_progress(made.state, made.target)[job.name].rows == 300


def test_rows_added_behind_the_end_do_not_keep_it_from_ending(server: Server, migration: NewMigration) -> None:
    ddl = "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT NOT NULL);"
    transforms = """
    import pymysql, os
    def add():
        if not hasattr(add, "connection"):
            place = os.environ["TEST_SOURCE"].split("|")
            add.connection = pymysql.connect(
                unix_socket=place[0], user="root", password=place[1], database=place[2], autocommit=True
            )
        add.connection.cursor().execute("INSERT INTO t (n) VALUES (0)")

    @transform("t")
    def t(row):
        if row.id % 3 == 0:
            add()
        return {"id": row.id, "n": row.n}
    """
    made = migration(server, ddl, ddl, transforms)
    fill(made.source, "t", "n", "n", 100)
    with pytest.MonkeyPatch.context() as environment:
        place = f"{server.socket}|{server.password}|{made.config.source.database}"
        environment.setenv("TEST_SOURCE", place)
        made.copy()
    last = value(made.target, "SELECT MAX(id) FROM t")
    there = f"SELECT id FROM t WHERE id <= {last} ORDER BY id"
    assert rows(made.target, there) == rows(made.source, there)
