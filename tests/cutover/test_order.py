"""What the binlog tells: the order in which transactions touch tables, and whether anything was touched."""

from __future__ import annotations

from collections.abc import Callable

from replicator.binlog.safe_position import current_position
from replicator.cutover.order import lock_order, sampled, touched
from replicator.demo.servers import Server
from replicator.mysql.connection import Connection, execute


def test_tables_are_locked_in_the_order_of_the_transactions() -> None:
    assert lock_order([["c", "a"], ["c", "b"], ["a", "b"], ["c", "a", "b"]]) == ["c", "a", "b"]
    assert lock_order([]) == []
    # Where transactions contradict each other most of them decide.
    assert lock_order([["a", "b"], ["a", "b"], ["b", "a"]]) == ["a", "b"]


def test_touched_and_sampled(server: Server, database: Callable[..., str], connect: Callable[..., Connection]) -> None:
    schema, other = database(server), database(server, "other")
    connection = connect(server, schema)
    for table in ("a", "b", "c", "d"):
        execute(connection, f"CREATE TABLE {schema}.{table} (id int AUTO_INCREMENT PRIMARY KEY, v text)")
        execute(connection, f"CREATE TABLE {other}.{table} (id int AUTO_INCREMENT PRIMARY KEY, v text)")
    start = current_position(connection)
    assert touched(connection, start, schema, {"a", "b"}) == set()
    connection.begin()
    for table in ("b", "a", "b"):
        execute(connection, f"INSERT INTO {table} (v) VALUES ('c d')")
    connection.commit()
    execute(connection, f"INSERT INTO {other}.c (v) VALUES ('a')")
    assert touched(connection, start, schema, {"a", "b", "c"}) == {"a", "b"}
    assert sampled(connection, start, schema, {"a", "b", "c"}) == [["b", "a"]]
    middle = current_position(connection)
    execute(connection, "FLUSH BINARY LOGS")
    execute(connection, "INSERT INTO c (v) VALUES ('x')")
    assert touched(connection, middle, schema, {"a", "b", "c", "d"}) == {"c"}
    statement = f"ALTER TABLE {schema}.d ADD COLUMN w int"
    execute(connect(server), statement)
    assert touched(connection, middle, schema, {"a", "d"}) == {"d"}
    assert touched(connection, middle, schema, {"a", "d"}, [statement]) == set()
    end = current_position(connection)
    execute(connection, "CREATE ALGORITHM = TEMPTABLE SQL SECURITY INVOKER VIEW seen AS SELECT * FROM a")
    execute(connection, "CREATE OR REPLACE VIEW seen AS SELECT * FROM b")
    execute(connection, "DROP VIEW IF EXISTS seen")
    assert touched(connection, end, schema, {"a", "b", "seen"}) == set()


def test_compressed_transactions_are_seen(
    server: Server, database: Callable[..., str], connect: Callable[..., Connection]
) -> None:
    schema = database(server)
    connection = connect(server, schema)
    execute(connection, "CREATE TABLE a (id int AUTO_INCREMENT PRIMARY KEY, v text)")
    start = current_position(connection)
    if server.flavour == "mysql":
        execute(connection, "SET SESSION binlog_transaction_compression = ON")
    execute(connection, "INSERT INTO a (v) VALUES (REPEAT('x', 1000))")
    assert touched(connection, start, schema, {"a"}) == {"a"}
    assert sampled(connection, start, schema, {"a"}) == [["a"]]
