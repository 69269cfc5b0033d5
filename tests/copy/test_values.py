"""The generated reader gives what PyMySQL gives, the generated encoder what the column's own encoder gives."""

from __future__ import annotations

import string
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.demo.servers import Server
from replicator.errors import SourceConnectionLost
from replicator.mysql.catalog import Column, Table, read_tables
from replicator.mysql.connection import Connection, connected, execute, rows, value
from replicator.mysql.encoding import row_encoder
from replicator.mysql.literals import comparable, encoder, select_expression
from replicator.mysql.reading import read_batches, read_rows
from tests.copy.conftest import NewMigration, fill
from tests.copy.test_copy import ROWS, VALUES

TYPES: dict[str, dict[str, Any]] = {
    "tinyint": {}, "tinyint unsigned": {}, "smallint": {}, "mediumint": {}, "int": {}, "bigint": {}, "bigint unsigned": {},
    "decimal(10,2)": {"precision": 10, "scale": 2}, "decimal(5,0)": {"precision": 5, "scale": 0},
    "decimal(6,6)": {"precision": 6, "scale": 6}, "decimal(65,30) unsigned": {"precision": 65, "scale": 30},
    "float": {}, "double": {}, "double unsigned": {}, "char(5)": {"characters": 5}, "varchar(7)": {"characters": 7},
    "tinytext": {}, "longtext": {}, "json": {}, "enum('a','b''c','')": {"members": ("a", "b'c", "")},
    "set('x','y')": {"members": ("x", "y")}, "binary(4)": {"octets": 4}, "varbinary(6)": {"octets": 6},
    "blob": {"octets": 65535}, "bit(12)": {"precision": 12}, "date": {}, "time": {}, "time(3)": {"fraction": 3}, "datetime": {},
    "datetime(2)": {"fraction": 2}, "timestamp(6)": {"fraction": 6}, "year": {}, "point": {},
}  # fmt: skip


def column(full_type: str, nullable: bool = True) -> Column:
    """As the catalog would describe it."""
    known: dict[str, Any] = dict.fromkeys(("charset", "collation", "characters", "octets", "precision", "scale"))
    known |= {"fraction": 0, "members": ()} | TYPES[full_type]
    kind = full_type.partition("(")[0].partition(" ")[0]
    return Column(
        name="c",
        type=kind,
        full_type=full_type,
        nullable=nullable,
        has_default=False,
        generated=False,
        auto_increment=False,
        **known,
    )


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-300, 300),
    st.floats(),
    st.decimals(),
    st.decimals(-1000, 1000, places=2),
    st.decimals(0, 1, places=6),
    st.text(max_size=8),
    st.text(string.ascii_letters + "\\'\", \n", max_size=8),
    st.sampled_from(["a", "b'c", "", "x,y", "y,x", "0000-00-00", "2020-00-01", "0000-00-00 00:00:00"]),
    st.binary(max_size=8),
    st.dates(),
    st.datetimes(),
    st.datetimes().map(lambda moment: moment.replace(microsecond=0)),
    st.datetimes(timezones=st.timezones()),
    st.times(),
    st.timedeltas(timedelta(hours=-838), timedelta(hours=838)),
    st.timedeltas(timedelta(hours=-838), timedelta(hours=838)).map(lambda span: timedelta(seconds=int(span.total_seconds()))),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)


def outcome(encode: Callable[[Any], str], given: Any) -> str:
    try:
        return encode(given)
    except (ValueError, TypeError):
        return "refused"


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(TYPES)), st.booleans(), ANYTHING)
def test_a_row_encoder_agrees_with_the_encoders_of_its_columns(full_type: str, nullable: bool, anything: Any) -> None:
    described = column(full_type, nullable)
    single = encoder(described)
    whole = row_encoder([described])
    assert outcome(lambda given: whole((given,))[0], anything) == outcome(single, anything)


@pytest.mark.parametrize("full_type", sorted(TYPES))
def test_usual_values_and_limits_of_every_type(full_type: str) -> None:
    described = column(full_type)
    single, whole = encoder(described), row_encoder([described])
    for usual in (
        0, 1, -1, 127, 128, -128, 255, 32767, 2**31 - 1, 2**63 - 1, 2**64 - 1, 0.5, 1e300, -1e-300, 16777217.0, 3.5, -0.0,
        Decimal("0.00"), Decimal("-0.00"), Decimal("99999999.99"), Decimal("100000000.00"), Decimal("1E+2"), Decimal("1.2E-10"),
        Decimal("0.123456"), Decimal("1.000000"), Decimal(7), "abcde", "abcdef", "ab ", "it's \\", "x" * 63, "x" * 256,
        "é" * 128, b"", b"1234", b"12345678", date(1, 1, 1), date(9999, 12, 31), datetime(999, 1, 2, 3, 4, 5),
        datetime(2024, 1, 1, 0, 0, 0, 10), 10**400, Decimal("Infinity"), Decimal("sNaN"), float("nan"), float("inf"),
        datetime(2024, 1, 1, 0, 0, 0, 120000), timedelta(hours=-1, microseconds=5), time(1, 2, 3),
    ):  # fmt: skip
        assert outcome(lambda given: whole((given,))[0], usual) == outcome(single, usual), usual


def test_digits_are_the_inside_of_the_literal() -> None:
    described = [column("varbinary(6)"), column("binary(4)"), column("point"), column("varchar(7)")]
    assert row_encoder(described, digits=True)((b"\0'", None, b"\1", "x")) == ("0027", "NULL", "01", "'x'")
    assert row_encoder(described)((b"\0'", None, b"\1", "x")) == ("x'0027'", "NULL", "x'01'", "'x'")


# Reading ----------------------------------------------------------------------------------------------------


def table(connection: Connection, schema: str) -> Table:
    return read_tables(connection, schema)["t"]


def test_reads_what_pymysql_reads(server: Server, migration: NewMigration) -> None:
    zero = "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';"
    made = migration(server, zero + VALUES + ROWS, VALUES, "copy_table('t')")
    described = table(made.source, made.config.source.database).columns
    selected = ", ".join(select_expression(column, column.name) for column in described)
    query = f"SELECT {selected} FROM t ORDER BY id"
    expected = rows(made.source, query)
    found = tuple(read_rows(made.source, query, described))
    assert found == expected
    for mine, theirs in zip(found, expected, strict=True):
        assert [type(one) for one in mine] == [type(one) for one in theirs]
        assert [repr(one) for one in mine] == [repr(one) for one in theirs]
    # A pass through the fields of LOAD DATA leaves as many columns.
    assert {len(row) for batch in read_batches(made.source, query, described, fields=True) for row in batch} == {len(described)}


def test_a_result_of_many_blocks_comes_whole_and_the_connection_goes_on(server: Server, migration: NewMigration) -> None:
    ddl = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(300) NOT NULL);"
    made = migration(server, ddl, ddl, "copy_table('t')")
    fill(made.source, "t", "id, name", "n, REPEAT('x', n % 300)", 20_000)
    described = table(made.source, made.config.source.database).columns
    query = "SELECT id, name FROM t ORDER BY id"
    assert [(number, len(name)) for number, name in read_rows(made.source, query, described)] == [
        (number, number % 300) for number in range(1, 20_001)
    ]
    assert value(made.source, "SELECT 7") == 7
    assert list(read_rows(made.source, query + " LIMIT 0", described)) == []
    assert value(made.source, "SELECT 8") == 8


def test_a_reader_that_stops_ends_its_connection(server: Server, migration: NewMigration) -> None:
    ddl = "CREATE TABLE t (id INT PRIMARY KEY);"
    made = migration(server, ddl, ddl, "copy_table('t')")
    fill(made.source, "t", "id", "n", 100_000)
    with connected(made.config.source) as connection:
        reading = read_rows(connection, "SELECT id FROM t ORDER BY id", table(made.source, made.config.source.database).columns)
        assert next(iter(reading)) == (1,)
        reading.close()  # type: ignore[attr-defined]
        assert not connection.open


def test_a_session_that_ends_while_it_is_read_from_is_lost(server: Server, migration: NewMigration) -> None:
    """Nobody but the session itself says whose it was."""
    ddl = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(300) NOT NULL);"
    made = migration(server, ddl, ddl, "copy_table('t')")
    fill(made.source, "t", "id, name", "n, REPEAT('x', 300)", 100_000)
    described = table(made.source, made.config.source.database).columns

    def is_killed(source: Connection) -> None:
        identity = value(source, "SELECT CONNECTION_ID()")
        for number, _ in read_rows(source, "SELECT id, name FROM t ORDER BY id", described):
            if number == 1:
                execute(made.source, f"KILL {identity}")

    with pytest.raises(SourceConnectionLost), connected(made.config.source) as source, connected(made.config.target):
        is_killed(source)


def test_a_truth_in_a_json_column_is_compared_as_the_number_that_it_is_written_as() -> None:
    assert encoder(column("json"))(True) == "'1'"
    assert comparable(column("json"))(True) == comparable(column("json"))("1")
