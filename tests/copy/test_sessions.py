"""Global values that a server's sessions begin with, for the sake of its applications: ours have values of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from replicator.demo.servers import FLAVOURS, Flavour, Server
from replicator.mysql.connection import Connection, execute, value
from tests.copy.conftest import NewMigration, fill

ROWS = 900
ITEMS = "CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(20), INDEX (name));"
SUMS = """
    copy_table("items")
    @transform("sums", source="items", group_by=["name"], key={"name": "name"})
    def sums(rows):
        return {"name": rows[0].name, "items": len(rows)}
    """

EITHER: Mapping[str, str] = {
    "sql_select_limit": "750", "max_join_size": "5", "sql_safe_updates": "1", "unique_checks": "0", "autocommit": "0",
    "completion_type": "CHAIN", "sql_quote_show_create": "0", "wait_timeout": "2",
}  # fmt: skip
GLOBALS: Mapping[Flavour, Mapping[str, str]] = {
    "mariadb": {**EITHER, "max_statement_time": "0.000001", "tx_read_only": "1", "idle_transaction_timeout": "1",
                "old_mode": "'UTF8_IS_UTF8MB3,NO_DUP_KEY_WARNINGS_WITH_IGNORE'"},
    "mysql": {**EITHER, "max_execution_time": "1", "transaction_read_only": "1"},
}  # fmt: skip


@pytest.fixture(params=FLAVOURS)
def own_server(request: pytest.FixtureRequest, new_server: Callable[..., Server]) -> Server:
    """One whose global values may be changed."""
    return new_server(request.param)


@contextmanager
def globally(root: Connection, settings: Mapping[str, str]) -> Iterator[None]:
    """Set and put back; `root` keeps the values that it began with."""
    before = {name: value(root, f"SELECT @@GLOBAL.{name}") for name in settings}
    for name, text in settings.items():
        execute(root, f"SET GLOBAL {name} = {text}")
    try:
        yield
    finally:
        for name, old in before.items():
            execute(root, f"SET GLOBAL {name} = %s", (old,))


def test_every_row_is_copied(own_server: Server, migration: NewMigration, connect: Callable[..., Connection]) -> None:
    """Each of these would hide rows, refuse statements, end them or their sessions, or leave what they wrote uncommitted."""
    target = ITEMS + "CREATE TABLE sums (name VARCHAR(20) PRIMARY KEY, items INT);"
    new = migration(own_server, ITEMS, target, SUMS)
    fill(new.source, "items", "id, name", "n, n", ROWS)
    with globally(connect(own_server), GLOBALS[own_server.flavour]):
        new.copy()
        new.build()
    assert new.read("SELECT COUNT(*) FROM items") == [(ROWS,)]
    assert new.read("SELECT COUNT(*), SUM(items) FROM sums") == [(ROWS, ROWS)]


def test_rows_that_nobody_has_committed(
    own_server: Server, migration: NewMigration, connect: Callable[..., Connection]
) -> None:
    """No event would ever take away what was read of a transaction that is rolled back."""
    new = migration(own_server, ITEMS, ITEMS, 'copy_table("items")')
    isolation = "tx_isolation" if own_server.flavour == "mariadb" else "transaction_isolation"
    fill(new.source, "items", "id, name", "n, n", 10)
    application: Any = connect(own_server, new.config.source.database, autocommit=False)
    execute(application, "INSERT INTO items VALUES (11, 'eleven')")
    execute(application, "UPDATE items SET name = 'other'")
    with globally(connect(own_server), {isolation: "'READ-UNCOMMITTED'"}):
        new.copy()
    application.rollback()
    assert new.read("SELECT id, name FROM items ORDER BY id") == [(number, str(number)) for number in range(1, 11)]


def test_a_load_tells_of_every_row_that_it_leaves_out(new_server: Callable[..., Server], migration: NewMigration) -> None:
    """MariaDB may be told to raise no warnings about them."""
    server = new_server("mariadb", options=("--old-mode=NO_DUP_KEY_WARNINGS_WITH_IGNORE",))
    new = migration(server, ITEMS, ITEMS, 'copy_table("items")')
    for connection in (new.source, new.target):
        assert "NO_DUP_KEY" not in value(connection, "SELECT @@SESSION.old_mode")
