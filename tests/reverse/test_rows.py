"""Edits written to one old table whose texts the server compares without case."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from replicator.demo.servers import Server
from replicator.mysql.catalog import read_tables
from replicator.mysql.connection import Connection, connected, execute, rows
from replicator.mysql.literals import encoder
from replicator.reverse.edits import Edits
from replicator.reverse.rows import OldTable


@pytest.fixture
def written(server: Server, database: Callable[..., str], connect: Callable[..., Connection]) -> Callable[..., object]:
    """Makes a table `t` with these columns and rows, writes edits to it, and gives the rows that are there then."""
    name = database(server)
    root = connect(server, name)

    def write(ddl: str, values: str, make: Callable[[Callable[[str, object], str]], Edits]) -> tuple[tuple[object, ...], ...]:
        execute(root, f"CREATE TABLE t ({ddl}) COLLATE utf8mb4_general_ci")
        execute(root, f"INSERT INTO t VALUES {values}")
        table = read_tables(root, name)["t"]

        def literal(column: str, value: object) -> str:
            return encoder(table.by_name[column])(value)

        endpoint = server.endpoint("target", name)
        with connected(endpoint, write=True) as connection:
            old = OldTable(table, endpoint, alias=server.flavour == "mysql", staged=None, staging="", follow=None)
            old.write(connection, make(literal))
        return rows(root, "SELECT * FROM t ORDER BY 1, BINARY 2")

    return write


def test_a_key_is_spelled_otherwise(written: Callable[..., object]) -> None:
    """With a second unique key, of which two rows may swap values."""

    def respelled(literal: Callable[[str, object], str]) -> Edits:
        before, after = (literal("k", "zz"),), (literal("k", "ZZ"),)
        named = {"k": after[0], "u": literal("u", 7), "name": literal("name", "new")}
        return Edits(removed={before}, wanted={after: named}, changed={after: named})

    ddl = "k VARCHAR(10) PRIMARY KEY, u INT NOT NULL UNIQUE, name VARCHAR(10) NOT NULL"
    assert written(ddl, "('a', 1, 'one'), ('zz', 7, 'old')", respelled) == (("a", 1, "one"), ("ZZ", 7, "new"))


def test_an_element_goes_and_its_other_spelling_stays(written: Callable[..., object]) -> None:
    def taken(literal: Callable[[str, object], str]) -> Edits:
        return Edits(taken={(("item", "tag"), (literal("item", 1), literal("tag", "a")))})

    ddl = "id INT PRIMARY KEY AUTO_INCREMENT, item INT NOT NULL, tag VARCHAR(10) NOT NULL"
    assert written(ddl, "(1, 1, 'a'), (2, 1, 'A'), (3, 2, 'a')", taken) == ((2, 1, "A"), (3, 2, "a"))
