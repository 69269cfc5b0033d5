"""Where transactions begin and end, and what is refused because the binlog does not tell it exactly."""

from __future__ import annotations

import itertools

import pymysql
import pytest

from replicator.binlog.events import BinlogEvent, Ddl, HeldEvent, RowsEvent, TransactionEnd, Wanted, XaStep
from replicator.binlog.safe_position import current_position
from replicator.errors import SchemaChanged, StreamError, Unsupported
from replicator.mysql.position import Position
from tests.binlog.reading import Story, changes, only, read, transactions

WANTED = {"t": only("id", "v"), "m": only("id"), "x": only("id")}
TABLES = (
    "CREATE TABLE t (id int PRIMARY KEY, v varchar(20))",
    "CREATE TABLE m (id int PRIMARY KEY) ENGINE=MyISAM",
    "CREATE TABLE u (id int PRIMARY KEY)",
)


@pytest.fixture(autouse=True)
def _tables(story: Story) -> None:
    story.run(*TABLES)


def test_one_transaction_of_many_statements(story: Story) -> None:
    events = story.events(
        [
            "BEGIN",
            "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
            "UPDATE t SET v = 'c' WHERE id = 1",
            "INSERT INTO u VALUES (1)",
            "DELETE FROM t WHERE id = 2",
            "COMMIT",
            "BEGIN",
            "INSERT INTO t VALUES (9, 'never')",
            "ROLLBACK",
            "INSERT INTO t VALUES (3, 'd')",
        ],
        WANTED,
    )
    assert transactions(events) == [
        [
            ("insert", "t", None, (1, "a")),
            ("insert", "t", None, (2, "b")),
            ("update", "t", (1, "a"), (1, "c")),
            ("delete", "t", (2, "b"), None),
        ],
        [("insert", "t", None, (3, "d"))],
    ]
    assert [event.rows for event in events if isinstance(event, TransactionEnd)] == [4, 1]


def test_savepoints_do_not_end_a_transaction(story: Story) -> None:
    """They stand as queries inside it."""
    events = story.events(
        [
            *("BEGIN", "INSERT INTO t VALUES (1, 'a')", "SAVEPOINT `S 1`", "INSERT INTO t VALUES (2, 'b')"),
            *("ROLLBACK TO `S 1`", "INSERT INTO t VALUES (3, 'c')", "SAVEPOINT b", "RELEASE SAVEPOINT b", "COMMIT"),
        ],
        WANTED,
    )
    assert transactions(events) == [[("insert", "t", None, (1, "a")), ("insert", "t", None, (3, "c"))]]


def test_tables_without_transactions_end_with_a_commit_query(story: Story) -> None:
    """There is no XID."""
    events = story.events(["INSERT INTO m VALUES (1), (2)", "DELETE FROM m WHERE id = 1"], WANTED)
    assert transactions(events) == [
        [("insert", "m", None, (1,)), ("insert", "m", None, (2,))],
        [("delete", "m", (1,), None)],
    ]


def test_a_rolled_back_transaction_leaves_the_rows_of_tables_without_transactions(story: Story) -> None:
    if story.server.flavour == "mysql":
        pytest.skip("enforce_gtid_consistency forbids it")
    events = story.events(
        ["BEGIN", "INSERT INTO t VALUES (1, 'a')", "INSERT INTO m VALUES (1)", "ROLLBACK", "INSERT INTO m VALUES (2)"], WANTED
    )
    assert transactions(events) == [[("insert", "m", None, (1,))], [("insert", "m", None, (2,))]]


def test_rolling_back_to_a_savepoint_behind_such_rows_is_refused(story: Story) -> None:
    if story.server.flavour == "mysql":
        pytest.skip("enforce_gtid_consistency forbids it")
    statements = [
        *("BEGIN", "INSERT INTO t VALUES (1, 'a')", "SAVEPOINT s", "INSERT INTO t VALUES (2, 'b')"),
        *("INSERT INTO m VALUES (5)", "ROLLBACK TO s", "COMMIT"),
    ]
    with pytest.raises(Unsupported, match="undone by ROLLBACK TO SAVEPOINT"):
        story.events(statements, {"t": only("id")})
    story.run("DELETE FROM t", "DELETE FROM m")
    assert story.events(statements, {}) != []  # rows of other tables do not matter


def test_create_table_select_is_ddl_with_rows_in_one_transaction(story: Story) -> None:
    events = story.events(["CREATE TABLE x SELECT 1 AS id UNION SELECT 2"], WANTED)
    assert [type(event) for event in events] == [Ddl, RowsEvent, TransactionEnd]
    assert changes(events) == [("insert", "x", None, (1,)), ("insert", "x", None, (2,))]


def test_ddl_comes_with_its_default_schema_and_position(story: Story) -> None:
    start, end = story.run(
        "ALTER TABLE t ADD COLUMN z int", "INSERT INTO t VALUES (1, 'a', 2)", "RENAME TABLE t TO `q w`", "TRUNCATE u"
    )
    events = read(story.server, start, end, WANTED)
    ddl = [event for event in events if isinstance(event, Ddl)]
    assert [event.statement.split()[0].upper() for event in ddl] == ["ALTER", "RENAME", "TRUNCATE"]
    with story.connection.cursor() as cursor:
        cursor.execute("SELECT DATABASE()")
        assert {event.schema for event in ddl} == {(cursor.fetchone() or ("",))[0]}
    for event, following in itertools.pairwise(events):
        if isinstance(event, Ddl):
            assert isinstance(following, TransactionEnd)
            assert following.position == event.position
            assert following.timestamp == event.timestamp


def test_statements_without_consequence_are_boundaries_only(story: Story) -> None:
    """Also accounts: their statements hold password hashes, which nobody must log."""
    events = story.events(
        [
            "CREATE TEMPORARY TABLE tmp (id int)",
            "INSERT INTO tmp VALUES (1)",
            "DROP TEMPORARY TABLE tmp",
            "CREATE USER somebody@localhost IDENTIFIED BY 'se-cret-1'",
            "GRANT SELECT ON *.* TO somebody@localhost",
            "DROP USER somebody@localhost",
            "FLUSH TABLES",
            "ANALYZE TABLE t",
            "OPTIMIZE TABLE t",
        ],
        WANTED,
    )
    assert {type(event) for event in events} == {TransactionEnd}


def test_switched_off_foreign_keys_are_told(story: Story) -> None:
    events = story.events(
        [
            "SET foreign_key_checks = 0",
            "INSERT INTO t VALUES (1, 'a')",
            "SET foreign_key_checks = 1",
            "INSERT INTO t VALUES (2, 'b')",
        ],
        WANTED,
    )
    assert [event.foreign_keys for event in events if isinstance(event, RowsEvent)] == [False, True]


def test_statement_format_is_refused(story: Story) -> None:
    with pytest.raises(Unsupported, match=r"INSERT is logged as a statement.*binlog_format = ROW"):
        story.events(["SET SESSION binlog_format = STATEMENT", "INSERT INTO u VALUES (77)"], WANTED)


def test_an_alter_table_that_is_logged_ahead(story: Story) -> None:
    """With binlog_alter_two_phase it stands there twice: where it starts, and where it has come to be, or has failed."""
    if story.server.flavour == "mysql":
        pytest.skip("MariaDB's")
    story.run("SET SESSION binlog_alter_two_phase = ON", "INSERT INTO t VALUES (1, 'a'), (2, 'a')")
    start = current_position(story.connection)
    with pytest.raises(pymysql.IntegrityError):
        story.run("ALTER TABLE t ADD UNIQUE (v), ADD COLUMN never int")
    _, end = story.run("ALTER TABLE t ADD COLUMN z int", "INSERT INTO t VALUES (3, 'c', 3)")
    events = read(story.server, start, end, WANTED)
    assert [event.statement for event in events if isinstance(event, Ddl)] == ["ALTER TABLE t ADD COLUMN z int"]
    assert len([event for event in events if isinstance(event, TransactionEnd)]) == 5
    assert changes(events) == [("insert", "t", None, (3, "c"))]


def test_a_delete_that_a_session_logs_as_a_statement_is_refused(story: Story) -> None:
    """It reads like what a restarted server writes for its MEMORY tables, and may be of a view of a wanted table."""
    with story.connection.cursor() as cursor:
        cursor.execute("SELECT DATABASE()")
        (schema,) = cursor.fetchone() or ("",)
    story.run("CREATE VIEW v AS SELECT * FROM t", "INSERT INTO t VALUES (1, 'a')")
    with pytest.raises(Unsupported, match="DELETE is logged as a statement"):
        story.events(["SET SESSION binlog_format = STATEMENT", f"DELETE FROM `{schema}`.`v`"], WANTED)


def test_a_truncate_may_be_of_a_temporary_table(story: Story) -> None:
    begin = ["SET SESSION binlog_format = STATEMENT", "CREATE TEMPORARY TABLE u (id int)"]
    events = story.events([*begin, "TRUNCATE TABLE u", "TRUNCATE t", "DROP TEMPORARY TABLE u"], WANTED)
    ddl = {event.statement: event.temporary for event in events if isinstance(event, Ddl)}
    assert ddl == {"TRUNCATE TABLE u": True, "TRUNCATE t": False}


def test_xa_transactions(story: Story) -> None:
    """Their rows are handed on as they are, and when they are decided is told."""
    xa = ["XA START 'x', X'00FF', 7", "INSERT INTO u VALUES (1)", "XA END 'x', X'00FF', 7", "XA PREPARE 'x', X'00FF', 7"]
    commit, rollback = "XA COMMIT 'x', X'00FF', 7", "XA ROLLBACK 'x', X'00FF', 7"
    xid = "X'78',X'00ff',7"
    assert steps(story.events([*xa, "XA COMMIT 'x', X'00FF', 7"], WANTED)) == [XaStep(xid, "prepare"), XaStep(xid, "commit")]
    xa[1] = "INSERT INTO t VALUES (1, 'a')"
    events = story.events([*xa, rollback, *xa, commit], WANTED)
    assert [type(event) for event in events] == [HeldEvent, HeldEvent, TransactionEnd, TransactionEnd] * 2
    assert {event.xid for event in events if isinstance(event, HeldEvent)} == {xid}
    assert [step.step for step in steps(events)] == ["prepare", "rollback", "prepare", "commit"]
    assert [event.rows for event in events if isinstance(event, TransactionEnd)] == [0, 0, 0, 0]


def test_xa_transactions_of_one_phase(story: Story) -> None:
    """On MySQL that shows at their end only; on MariaDB they are like any other."""
    one_phase = ["XA START 'y'", "INSERT INTO t VALUES (1, 'a')", "XA END 'y'", "XA COMMIT 'y' ONE PHASE"]
    events = story.events(one_phase, WANTED)
    if story.server.flavour == "mariadb":
        assert changes(events) == [("insert", "t", None, (1, "a"))]
    else:
        assert steps(events) == [XaStep("X'79',X'',1", "one phase")]


def steps(events: list[BinlogEvent]) -> list[XaStep]:
    """What becomes of XA transactions."""
    return [event.xa for event in events if isinstance(event, TransactionEnd) and event.xa]


def test_minimal_images_are_refused_only_where_something_wanted_is_missing(story: Story) -> None:
    story.run("SET SESSION binlog_row_image = MINIMAL", "INSERT INTO t VALUES (1, 'a')")
    with pytest.raises(Unsupported, match=r"\.t: the row image does not hold column id.*binlog_row_image = FULL"):
        story.events(["UPDATE t SET v = 'b'"], {"t": Wanted((), ("id",))})
    events = story.events(["UPDATE t SET v = 'c'", "UPDATE t SET v = NULL"], {"t": Wanted(("id",), ("v",))})
    assert changes(events) == [("update", "t", (1,), ("c",)), ("update", "t", (1,), (None,))]


def test_metadata_without_names_is_refused_only_for_wanted_tables(story: Story) -> None:
    with story.connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.binlog_row_metadata")
        (before,) = cursor.fetchone() or ("FULL",)
        cursor.execute("SET GLOBAL binlog_row_metadata = MINIMAL")
    try:
        statements = ["INSERT INTO t VALUES (1, 'a')", "DELETE FROM t"]
        assert changes(story.events(statements, {"u": only("id")})) == []
        with pytest.raises(Unsupported, match="binlog_row_metadata = FULL"):
            story.events(statements, WANTED)
    finally:
        story.run(f"SET GLOBAL binlog_row_metadata = {before}")


def test_a_column_that_the_table_did_not_have_then_is_named(story: Story) -> None:
    with pytest.raises(SchemaChanged, match=r"\.t: the table has no column later"):
        story.events(["INSERT INTO t VALUES (1, 'a')"], {"t": only("later")})


def test_columns_are_those_of_the_position_not_of_today(story: Story) -> None:
    start, _ = story.run("INSERT INTO t VALUES (1, 'a')", "ALTER TABLE t ADD COLUMN first_ int DEFAULT 5 FIRST")
    _, end = story.run(
        "INSERT INTO t VALUES (6, 2, 'b')", "ALTER TABLE t MODIFY v varchar(300)", "UPDATE t SET v = 'long' WHERE id = 1"
    )
    assert [row[2:] for row in changes(read(story.server, start, end, WANTED))] == [
        (None, (1, "a")),
        (None, (2, "b")),
        ((1, "a"), (1, "long")),
    ]


def test_partial_json_is_refused(story: Story) -> None:
    if story.server.flavour == "mariadb":
        pytest.skip("MariaDB does not log parts of documents")
    story.run(
        "CREATE TABLE x (id int PRIMARY KEY, j json)", "INSERT INTO x VALUES (1, JSON_OBJECT('a', 1, 'b', REPEAT('x', 50)))"
    )
    update = ["SET SESSION binlog_row_value_options = PARTIAL_JSON", "UPDATE x SET j = JSON_SET(j, '$.a', j->'$.a' + 1)"]
    assert changes(story.events(update, {"t": only("id")})) == []
    with pytest.raises(Unsupported, match=r"\.x: .*parts of a JSON document"):
        story.events(update, {"x": only("id")})


def test_compressed_transactions(story: Story) -> None:
    """MySQL packs a transaction into one event, MariaDB packs the images of each."""
    if story.server.flavour == "mysql":
        switch, back = "SET SESSION binlog_transaction_compression = ON", "SET SESSION binlog_transaction_compression = OFF"
    else:
        switch, back = "SET GLOBAL log_bin_compress = ON", "SET GLOBAL log_bin_compress = OFF"
        story.run("SET GLOBAL log_bin_compress_min_len = 10")
    comment = "c" * 300
    try:
        events = story.events(
            [
                switch,
                "BEGIN",
                "INSERT INTO t VALUES (1, REPEAT('a', 20)), (2, REPEAT('b', 20))",
                "UPDATE t SET v = REPEAT('c', 20)",
                "DELETE FROM t WHERE id = 1",
                "COMMIT",
                f"CREATE TABLE x (id int COMMENT '{comment}')",
                f"INSERT INTO x VALUES {', '.join(f'({number})' for number in range(1, 901))}",
            ],
            WANTED,
        )
    finally:
        story.run(back)
    first, second = transactions(events)
    assert first == [
        ("insert", "t", None, (1, "a" * 20)),
        ("insert", "t", None, (2, "b" * 20)),
        ("update", "t", (1, "a" * 20), (1, "c" * 20)),
        ("update", "t", (2, "b" * 20), (2, "c" * 20)),
        ("delete", "t", (1, "c" * 20), None),
    ]
    assert [after for *_, after in second] == [(number,) for number in range(1, 901)]
    assert any(isinstance(event, Ddl) and comment in event.statement for event in events)


def test_a_row_of_many_packets(story: Story) -> None:
    story.run("CREATE TABLE x (id int PRIMARY KEY, b longblob, c longblob)")
    with story.connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.max_allowed_packet")
        before = cursor.fetchone()
        cursor.execute("SET GLOBAL max_allowed_packet = 268435456")
    try:
        check_long_rows(story)
    finally:
        with story.connection.cursor() as cursor:
            cursor.execute("SET GLOBAL max_allowed_packet = %s", before)


def check_long_rows(story: Story) -> None:
    events = story.events(
        [
            "INSERT INTO x VALUES (1, REPEAT('x', 16777215 - 60), NULL)",
            "UPDATE x SET c = b",
            *(f"INSERT INTO x VALUES ({2 + n}, REPEAT('y', 16777215 - 60 + {n}), 'z')" for n in range(0, 60, 7)),
        ],
        {"x": Wanted((), ("id", "b", "c"))},
    )
    rows = [(after[0], len(after[1]), after[2] and len(after[2])) for *_, after in changes(events)]
    long = 16_777_155
    assert rows == [(1, long, None), (1, long, long), *((2 + n, long + n, 1) for n in range(0, 60, 7))]


def test_a_start_inside_a_transaction_is_noticed(story: Story) -> None:
    """Rows in front of it would be lost."""
    start, end = story.run("BEGIN", "INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES (2, 'b')", "COMMIT")
    with story.connection.cursor() as cursor:
        cursor.execute(f"SHOW BINLOG EVENTS IN '{start.file}' FROM {start.pos}")
        inside = [row[1] for row in cursor.fetchall() if row[2] in ("Table_map", "Annotate_rows")][-1]
    with pytest.raises(StreamError, match="does not stand between two transactions"):
        read(story.server, Position(start.file, inside), end, WANTED)
