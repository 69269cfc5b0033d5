"""Every type with its edge values: what the decoder gives is what SELECT through PyMySQL gives."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from replicator.binlog.events import Wanted
from replicator.demo.servers import Server
from replicator.errors import Unsupported
from replicator.mysql.connection import Connection
from tests.binlog.reading import Story, changes, read

_MEMBERS_300 = ",".join(f"'m{index}'" for index in range(300))
_MEMBERS_64 = ",".join(f"'s{index}'" for index in range(64))
_MEMBERS_33 = ",".join(f"'s{index}'" for index in range(33))

TYPES: list[tuple[str, list[str]]] = [
    ("tinyint", ["-128", "127", "0", "-1"]),
    ("tinyint unsigned", ["255", "0", "128"]),
    ("smallint", ["-32768", "32767"]),
    ("smallint unsigned", ["65535"]),
    ("mediumint", ["-8388608", "8388607", "-1", "0"]),
    ("mediumint unsigned", ["16777215", "8388608"]),
    ("int", ["-2147483648", "2147483647"]),
    ("int unsigned", ["4294967295"]),
    ("bigint", ["-9223372036854775808", "9223372036854775807", "-1"]),
    ("bigint unsigned", ["18446744073709551615", "9223372036854775808"]),
    ("bit(1)", ["b'1'", "b'0'"]),
    ("bit(9)", ["b'100000001'", "3"]),
    ("bit(24)", ["70000"]),
    ("bit(64)", ["x'ffffffffffffffff'", "1"]),
    ("double", ["1.7976931348623157e308", "5e-324", "-0.1", "3.141592653589793", "-0e0"]),
    ("decimal(10,2)", ["12345678.90", "-12345678.99", "0", "-0.01", "0.05"]),
    ("decimal(65,30)", ["12345678901234567890123456789012345.123456789012345678901234567890", "-1e-30"]),
    ("decimal(65,0)", ["9" * 65, "-" + "9" * 65]),
    ("decimal(2,2)", ["0.99", "-0.99"]),
    ("decimal(9,0)", ["999999999"]),
    ("decimal(18,9)", ["123456789.987654321", "-123456789.000000001"]),
    ("decimal(20,10) unsigned", ["1234567890.0123456789"]),
    ("decimal(1,0)", ["-9"]),
    ("decimal(30,30)", ["0." + "1" * 30]),
    ("date", ["'2020-02-29'", "'1000-01-01'", "'9999-12-31'", "'0000-00-00'", "'2020-00-00'", "'2020-01-00'"]),
    ("datetime", ["'2020-02-29 23:59:59'", "'0000-00-00 00:00:00'", "'2020-00-00 01:02:03'", "'0999-01-01 00:00:00'"]),
    ("timestamp null", ["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "0", "'2020-10-25 01:30:00'"]),
    ("time", ["'-838:59:59'", "'838:59:59'", "'00:00:00'", "'-00:00:01'", "'12:34:56'"]),
    *(
        (f"datetime({digits})", ["'2020-02-29 23:59:59.987654'", "'0000-00-00 00:00:00'", "'1000-01-01 00:00:00.000001'"])
        for digits in range(1, 7)
    ),
    *(
        (f"timestamp({digits}) null", ["'2020-02-29 23:59:59.987654'", "0", "'1970-01-01 00:00:01.000001'"])
        for digits in range(1, 7)
    ),
    *(
        (f"time({digits})", ["'-838:59:58.999999'", "'-00:00:00.5'", "'838:59:58.123456'", "'-00:00:00.000001'"])
        for digits in range(1, 7)
    ),
    ("year", ["0", "1901", "2155", "2024"]),
    ("char(10)", ["'abc'", "'ä€ 😀'", "''", "'a  '"]),
    ("char(255)", ["repeat('€', 255)", "''"]),
    ("varchar(20)", ["'abc  '", "''", "'ä€😀'"]),
    ("varchar(300)", ["repeat('x', 300)", "''"]),
    ("varchar(16000)", ["repeat('ä', 16000)"]),
    ("varchar(255) character set latin1", ["'äöü€'", "x'81'", "x'8d8f909d80'", "''"]),
    ("binary(5)", ["x'0102000000'", "x''", "x'ff'"]),
    ("binary(16)", ["x'00112233445566778899aabbccddeeff'", "x'00'"]),
    ("binary(255)", ["x'01'"]),
    ("varbinary(10)", ["x''", "x'00'", "x'ff00fe00'"]),
    ("varbinary(1000)", ["repeat(x'fe', 1000)"]),
    ("tinytext", ["''", "'ä'"]),
    ("text", ["repeat('z', 65535)", "''"]),
    ("mediumtext", ["repeat('z', 70000)", "'a'"]),
    ("longtext", ["repeat('😀', 100000)"]),
    ("tinyblob", ["x''", "x'00ff'"]),
    ("blob", ["repeat(x'00', 65535)"]),
    ("mediumblob", ["repeat(x'ab', 70000)"]),
    ("longblob", ["repeat(x'cd', 20000000)", "x''"]),
    ("enum('a','b','ä€','')", ["'a'", "'ä€'", "1", "''", "'nothing'"]),
    (f"enum({_MEMBERS_300})", ["'m299'", "'m0'"]),
    ("set('x','y','z')", ["'x,z'", "''", "'z,y,x'"]),
    ("set('a','b','c','d','e','f','g','h','i')", ["'i,a'"]),
    (f"set({_MEMBERS_33})", ["8589934591"]),
    (f"set({_MEMBERS_64})", ["18446744073709551615", "1", "''"]),
    ("geometry", ["st_geomfromtext('point(1 2)')", "st_geomfromtext('linestring(0 0,1 1)')"]),
    ("point", ["st_geomfromtext('point(1 2)', 4326)"]),
    ("polygon", ["st_geomfromtext('polygon((0 0,0 1,1 1,0 0))')"]),
]

MARIADB_TYPES: list[tuple[str, list[str]]] = [
    (
        "uuid",
        [
            "'6ccd780c-baba-1026-9564-5b8c656024db'",
            "'ffffffff-ffff-4fff-bfff-ffffffffff00'",
            "'00000000-0000-0000-0000-000000000000'",
            "'01890a5d-ac96-774b-bcce-b302099a8057'",
        ],
    ),
    ("inet4", ["'0.0.0.0'", "'255.1.2.0'"]),
    (
        "inet6",
        [
            *("'::1'", "'::'", "'2001:db8::ff00:42:8329'", "'::ffff:192.168.1.1'", "'::192.168.1.2'"),
            *("'fe80::1:0:0:1'", "'1:0:3:4:5:6:7:8'", "'1:2:3:4:5:6:7:0'", "'ffff::'"),
        ],
    ),
    ("varchar(1000) compressed", ["repeat('ab', 400)", "'x'", "''", "'ä'"]),
    ("text compressed", ["repeat('ä', 20000)", "''"]),
    ("blob compressed", ["repeat(x'00ff', 9000)", "x'01'"]),
    ("varchar(100) character set latin1 compressed", ["'äää'", "''"]),
    ("varbinary(500) compressed", ["repeat(x'00', 400)"]),
    ("json", ["'{\"a\": 1}'"]),
]

MYSQL_TYPES: list[tuple[str, list[str]]] = [
    (
        "json",
        [
            *("'null'", "'true'", "'[]'", "'{}'", "'\"a\\\\nb\"'", "'1'", "'-1'", "'1.5'", "'1e300'", "'100.0'"),
            *("'18446744073709551615'", "'-9223372036854775808'"),
            '\'[1, [2, {"b": null, "a": "x"}]]\'',
            "cast(cast('2020-01-02' as date) as json)",
            "cast(cast('2020-01-02 03:04:05.678' as datetime(3)) as json)",
            "cast(cast('-12:34:56.5' as time(1)) as json)",
            "cast(12.340 as json)",
            "json_array(b'101', x'616263', cast(1.5 as decimal(30,10)), timestamp'2020-01-01 00:00:00', 1e20)",
            "json_array(cast(2020 as year))",
            "json_object('k', repeat('long', 20000), 'b', json_array(70000, -70000, 5000000000))",
            "json_array(point(1, 2))",
            "json_array(repeat(x'ff', 200))",
        ],
    ),
]


def _identity(value: Any) -> tuple[type, str]:
    """Tells -0.0 from 0.0, 1 from True and 1.50 from 1.5."""
    return str if isinstance(value, str) else type(value), repr(value)


def test_images_hold_what_select_gives(story: Story) -> None:
    """No value may differ in inserts, nor in either image of an update."""
    kinds = TYPES + (MARIADB_TYPES if story.server.flavour == "mariadb" else MYSQL_TYPES)
    expected: dict[str, list[tuple[type, str]]] = {}
    names = {}
    start, end = story.run()
    with story.connection.cursor() as cursor:
        for number, (kind, literals) in enumerate(kinds):
            table = f"t{number}"
            names[table] = kind
            cursor.execute(f"CREATE TABLE {table} (id int PRIMARY KEY AUTO_INCREMENT, a tinyint, v {kind}, z varchar(5))")
            for literal in [*literals, "NULL"]:
                cursor.execute(f"INSERT INTO {table} (a, v, z) VALUES (7, {literal}, 'end')")
            cursor.execute(f"UPDATE {table} SET z = 'x'")
            cursor.execute(f"SELECT v FROM {table} ORDER BY id")
            expected[table] = [_identity(value) for (value,) in cursor.fetchall()]
        _, end = story.run()
    found = changes(read(story.server, start, end, dict.fromkeys(names, Wanted(("v",), ("v",)))))
    for table, kind in names.items():
        inserted = [_identity(after[0]) for what, name, _, after in found if name == table and what == "insert"]
        before = [_identity(row[0]) for what, name, row, _ in found if name == table and what == "update"]
        after = [_identity(row[0]) for what, name, _, row in found if name == table and what == "update"]
        assert inserted == expected[table], kind
        assert before == expected[table], kind
        assert after == expected[table], kind


def test_floats_are_exact(story: Story) -> None:
    """SELECT prints six digits of a FLOAT; the image holds all of it."""
    events = story.events(
        ["CREATE TABLE f (v float)", "INSERT INTO f VALUES (16777217), (0.1), (-1.5), (NULL)"], {"f": Wanted((), ("v",))}
    )
    assert [after[0] for *_, after in changes(events)] == [16777216.0, 0.10000000149011612, -1.5, None]


def test_vector_is_bytes(story: Story) -> None:
    if story.server.flavour != "mysql":
        pytest.skip("MariaDB has vectors from 11.7 on")
    events = story.events(
        ["CREATE TABLE v (v vector(3))", "INSERT INTO v VALUES (string_to_vector('[1,2,3]'))"], {"v": Wanted((), ("v",))}
    )
    assert [after for *_, after in changes(events)] == [(bytes.fromhex("0000803f0000004000004040"),)]


def _random_column(draw: random.Random, kinds: list[tuple[str, list[str]]]) -> tuple[str, list[str]]:
    kind, literals = draw.choice(kinds)
    short = [literal for literal in literals if "repeat(" not in literal or "255" in literal]
    return kind, [*short, "NULL"] if draw.random() < 0.7 else short or ["NULL"]


@pytest.mark.parametrize("seed", range(6))
def test_any_choice_of_columns_in_any_table(story: Story, seed: int) -> None:
    """Wide random tables with random NULLs, of which a random choice of columns is wanted, in a random order."""
    draw = random.Random(seed)
    kinds = [kind for kind in TYPES if not kind[0].startswith(("longblob", "longtext", "text", "blob", "medium"))]
    columns = [_random_column(draw, kinds) for _ in range(draw.choice((3, 9, 20, 70)))]
    columns = [column for column in columns if column[1]]
    names = [f"c{index}" for index in range(len(columns))]
    definition = ", ".join(f"{name} {kind}" for name, (kind, _) in zip(names, columns, strict=True))
    before = tuple(draw.sample(names, draw.randrange(len(names) + 1)))
    after = tuple(draw.sample(names, draw.randrange(1, len(names) + 1)))
    start, _ = story.run(f"CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, {definition})")
    quoted = ", ".join(names)
    for _ in range(120):
        story.run(f"INSERT INTO t ({quoted}) VALUES ({', '.join(draw.choice(literals) for _, literals in columns)})")
    _, end = story.run("UPDATE t SET id = id + 1000 ORDER BY id DESC")
    with story.connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(('id', *after))} FROM t ORDER BY id")
        expected_after = [[_identity(value) for value in row] for row in cursor.fetchall()]
        cursor.execute(f"SELECT {', '.join(('id', *before))} FROM t ORDER BY id")
        expected_before = [[_identity(value) for value in row[1:]] for row in cursor.fetchall()]
    found = changes(read(story.server, start, end, {"t": Wanted(("id", *before), ("id", *after))}))
    inserted = [[_identity(value) for value in row] for what, _, _, row in found if what == "insert"]
    updates = sorted((row for row in found if row[0] == "update"), key=lambda row: row[3][0])
    assert [row[1:] for row in inserted] == [row[1:] for row in expected_after]
    assert [[_identity(value) for value in row[3]] for row in updates] == expected_after
    assert [[_identity(value) for value in row[2][1:]] for row in updates] == expected_before


def test_more_null_patterns_than_get_a_function_of_their_own(story: Story) -> None:
    """Behind the limit the general function takes over."""
    names = [f"c{index}" for index in range(9)]
    start, _ = story.run(
        f"CREATE TABLE t (id int PRIMARY KEY, {', '.join(f'{name} varchar(9)' for name in names)}, z int NOT NULL)"
    )
    rows = [(number, *(f"v{bit}" if number >> bit & 1 else None for bit in range(9)), number * 2) for number in range(512)]
    with story.connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO t VALUES ({', '.join(['%s'] * 11)})", rows)
    _, end = story.run()
    found = changes(read(story.server, start, end, {"t": Wanted((), ("id", *names, "z"))}))
    assert [after for *_, after in found] == rows


def test_generated_and_invisible_columns_are_read(story: Story) -> None:
    invisible = "b int DEFAULT 5 INVISIBLE"
    events = story.events(
        [
            f"CREATE TABLE t (a int, {invisible}, c int AS (a * 2) STORED, d int AS (a + 1) VIRTUAL)",
            "INSERT INTO t (a) VALUES (1)",
            "UPDATE t SET a = 2",
        ],
        {"t": Wanted(("a", "b", "c", "d"), ("d", "c", "b", "a"))},
    )
    assert changes(events) == [("insert", "t", None, (2, 2, 5, 1)), ("update", "t", (1, 5, 2, 2), (3, 4, 5, 2))]


def test_names_of_any_kind(story: Story) -> None:
    """Reserved words, quotes, percent signs, dots, spaces and letters of other scripts."""
    table, column = "sel`ect %s .\"' ä", "wh`ere %s .\"' 日本"
    quoted_table, quoted_column = (name.replace("`", "``") for name in (table, column))
    events = story.events(
        [f"CREATE TABLE `{quoted_table}` (`{quoted_column}` int)", f"INSERT INTO `{quoted_table}` VALUES (1)"],
        {table: Wanted((), (column,))},
    )
    assert changes(events) == [("insert", table, None, (1,))]


def test_a_thousand_columns(story: Story) -> None:
    names = [f"c{index}" for index in range(1017)]
    events = story.events(
        [
            f"CREATE TABLE t ({', '.join(f'{name} int' for name in names)})",
            f"INSERT INTO t VALUES ({', '.join(str(index) if index % 3 else 'NULL' for index in range(1017))})",
        ],
        {"t": Wanted((), tuple(names))},
    )
    assert [after for *_, after in changes(events)] == [tuple(index if index % 3 else None for index in range(1017))]


def test_temporal_types_of_old_mariadb(
    new_server: Callable[..., Server], database: Callable[..., str], connect: Callable[..., Connection]
) -> None:
    """Exact without fractions; with them they look the same in the binlog, and are refused."""
    server = new_server("mariadb", options=("--mysql56-temporal-format=OFF",))
    connection = connect(server, database(server))
    story = Story(server, connection)
    story.run("SET sql_mode = '', time_zone = '+00:00'", "CREATE TABLE o (a time, b datetime, c timestamp NULL)")
    story.run("CREATE TABLE f (a datetime(6), z int)")
    events = story.events(
        [
            "INSERT INTO o VALUES ('-838:59:59', '2020-01-02 03:04:05', '2020-01-02 03:04:05')",
            "INSERT INTO o VALUES ('12:34:56', '0000-00-00', 0), (NULL, '2020-00-00 00:00:01', NULL)",
        ],
        {"o": Wanted((), ("a", "b", "c"))},
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM o")
        assert [after for *_, after in changes(events)] == list(cursor.fetchall())
    with pytest.raises(Unsupported, match=r"\.f\.a: .*mysql56_temporal_format = ON"):
        story.events(["INSERT INTO f VALUES ('2020-01-02 03:04:05.678', 7)"], {"f": Wanted((), ("z",))})
