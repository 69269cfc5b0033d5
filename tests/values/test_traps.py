"""Single values that others lost, one by one: each arrives to the last bit, or is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from replicator.copy import copy_jobs
from replicator.demo.servers import Server
from replicator.errors import BadRow, SourceError
from replicator.mysql.catalog import read_tables
from replicator.mysql.connection import Connection, connected, execute, rows
from replicator.mysql.literals import encoder
from replicator.mysql.members import NO_MEMBER, NoMembers
from replicator.mysql.sql import quote
from tests.copy.conftest import NewMigration
from tests.values.world import begin, forget

LENIENT = "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'"


@dataclass(slots=True)
class Case:
    """A table, what is written before and behind the copy, and how its columns are compared."""

    columns: str
    rows: list[str]
    later: list[str]
    shown: str
    """The SELECT list that has to be alike on both sides."""


MEMBERS = "ENUM('x','y') NULL, b ENUM('x','','y') NULL, c ENUM('0','00') CHARACTER SET latin1 NULL"
WIDE = ", ".join(f"c{number} INT NULL" for number in range(1016))
CASES = {
    "the bytes that a text of one byte a character may have": Case(
        "id INT PRIMARY KEY, a TINYTEXT CHARACTER SET latin1 NULL",
        ["(1, REPEAT('é', 255))"],
        ["(2, REPEAT('ÿ', 255))", "(3, REPEAT('x', 255))"],
        "id, HEX(a)",
    ),
    "keys of two columns in a charset of their own": Case(
        "a VARCHAR(9) CHARACTER SET cp1251, id INT, n INT, PRIMARY KEY (a, id)",
        [f"('{'ключ'[n % 4]}', {n}, {n})" for n in range(40)],
        ["DELETE FROM {t} WHERE id % 3 = 0", "UPDATE {t} SET id = id + 100 WHERE id % 5 = 0", "UPDATE {t} SET n = n + 1"],
        "HEX(a), id, n",
    ),
    "members that information_schema does not show as they are": Case(
        r"id INT PRIMARY KEY, a ENUM('a\\b','é😀','two\nlines','it''s',',') NULL, b SET('a\\b','😀','it''s') NULL",
        [r"(1, 'a\\b', 'a\\b,😀')", "(2, 'é😀', '😀')"],
        [r"(3, 'two\nlines', 'it''s,😀,a\\b')", "(4, ',', '')", "(5, 'it''s', NULL)"],
        "id, a + 0, HEX(a), b + 0, HEX(b)",
    ),
    "days that there are not": Case(
        "id DATE PRIMARY KEY, a DATETIME(3) NULL",
        ["('2021-02-29', '2020-02-30 01:02:03.004')", "('0000-00-00', '2020-00-00 00:00:00.1')", "('2020-04-31', NULL)"],
        ["('2023-06-31', '2023-11-31 00:00:00')", "DELETE FROM {t} WHERE id = '2020-04-31'"],
        "HEX(id), HEX(a)",
    ),
    "an enum without any of its members": Case(
        f"id INT PRIMARY KEY, a {MEMBERS}",
        ["(1, 'none', 'none', 'none')", "(2, 'x', '', '0')", "(3, 'y', 'y', NULL)"],
        ["(4, 'none', '', 'none')", "(5, '', 'none', '00')", "UPDATE {t} SET b = 'none' WHERE id = 2"],
        "id, a + 0, HEX(a), b + 0, HEX(b), c + 0, HEX(c)",
    ),
    "as many columns as there may be": Case(
        f"id INT PRIMARY KEY, {WIDE}",
        ["(1" + ", 7" * 1016 + ")", "(2" + ", NULL" * 1016 + ")"],
        ["(3" + ", -1, NULL" * 508 + ")", "UPDATE {t} SET c0 = 8, c1015 = 9"],
        "id, " + ", ".join(f"c{number}" for number in range(1016)),
    ),
}
MYSQL = {
    "texts behind a vector": Case(
        "id INT PRIMARY KEY, v VECTOR(2), a CHAR(9) CHARACTER SET utf16, b VARCHAR(9) CHARACTER SET latin1, c BLOB",
        ["(1, x'0000803f', 'ä', 'ä', x'00ff')"],
        ["(2, x'0000803f00000080', '日', 'ÿ', x'ff00')"],
        "id, HEX(v), HEX(a), HEX(b), HEX(c)",
    ),
    "a document of values that its text does not tell": Case(
        "id INT PRIMARY KEY, j JSON NULL",
        ["(1, JSON_OBJECT('d', CAST(12345678901234567890.12 AS DECIMAL(30,5)), 't', NOW(6)))", "(2, CAST(1.50 AS JSON))"],
        ["(3, JSON_ARRAY(CAST(3 AS UNSIGNED), x'00', JSON_OBJECT('a', CURTIME(3))))", "(4, CAST(CURDATE() AS JSON))"],
        "id, HEX(CAST(j AS CHAR)), JSON_TYPE(j), JSON_TYPE(JSON_EXTRACT(j, '$.d')), JSON_TYPE(JSON_EXTRACT(j, '$.t')),"
        " JSON_TYPE(JSON_EXTRACT(j, '$[0]')), JSON_TYPE(JSON_EXTRACT(j, '$[1]')), JSON_TYPE(JSON_EXTRACT(j, '$[2].a'))",
    ),
}  # fmt: skip


def test_single_values_arrive(server: Server, database: Callable[..., str], tmp_path: Path) -> None:
    """By names and by a function, through the copy and through the stream."""
    cases = list((CASES | (MYSQL if server.flavour == "mysql" else {})).items())
    source, target = database(server, "source"), database(server, "target")
    declared, schema = "from replicator import copy_table, transform\n", []
    with connected(server.endpoint("source", source)) as session:
        execute(session, LENIENT)
        for number, (_, case) in enumerate(cases):
            execute(session, f"CREATE TABLE t{number} ({case.columns})")
            execute(session, f"CREATE TABLE f{number} ({case.columns})")
            schema += [f"CREATE TABLE {kind}{number} ({case.columns})" for kind in "tf"]
            declared += f"copy_table('t{number}')\n@transform('f{number}')\ndef f(row):\n"
            declared += "    return dict(zip(row.__places__, row))\n"
            _write(session, number, case.rows)
        way = begin("traps", server, source, target, tmp_path / "m", transforms=declared, schema=schema)
        way.copy()
        for number, (name, case) in enumerate(cases):
            _same(session, source, target, number, name, case.shown)
            _write(session, number, case.later[:1])
        way.catch_up()
        for number, (_, case) in enumerate(cases):
            _write(session, number, case.later[1:])
        way.follow()
        for number, (name, case) in enumerate(cases):
            _same(session, source, target, number, name, case.shown)
        forget(session, way)


def _write(session: Connection, number: int, what: list[str]) -> None:
    for text in what:
        for table in (f"t{number}", f"f{number}"):
            execute(session, text.replace("{t}", table) if text[0] != "(" else f"INSERT INTO {table} VALUES {text}")


def _same(session: Connection, source: str, target: str, number: int, name: str, shown: str) -> None:
    for table in (f"t{number}", f"f{number}"):
        expected, found = (
            rows(session, f"SELECT {shown} FROM {quote(schema, table)} ORDER BY 1, 2") for schema in (source, target)
        )
        assert expected, name
        assert found == expected, name


REFUSED = {
    "cp1251 has no character for this byte": ("VARCHAR(9) CHARACTER SET cp1251", "x'e098'", None),
    "nor gbk for these": ("TEXT CHARACTER SET gbk", "x'fefe'", None),
    "half a surrogate pair in ucs2": ("CHAR(9) CHARACTER SET ucs2", "x'd800'", None),
    "a whole one, which ucs2 has not": ("CHAR(9) CHARACTER SET ucs2", "x'd83dde00'", None),
    "no character of latin1": ("VARCHAR(9) CHARACTER SET utf8mb4", "'ä😀'", "VARCHAR(9) CHARACTER SET latin1"),
    "no character of gbk": ("TEXT CHARACTER SET utf8mb4", "'你好\u00ff'", "TEXT CHARACTER SET gbk"),
    "one that the server would replace": ("VARCHAR(9) CHARACTER SET utf8mb4", "'晡'", "VARCHAR(9) CHARACTER SET cp932"),
    "a set with a member that is nothing": ("SET('', 'a')", "3", None),
    "an enum in ucs2 without any of its members": ("ENUM('x') CHARACTER SET ucs2", "'none'", None),
    "too long for it": ("VARCHAR(300)", "REPEAT('é', 129)", "TINYTEXT CHARACTER SET utf8mb4"),
    "too large a number": ("BIGINT UNSIGNED", "18446744073709551615", "BIGINT"),
    "too many digits": ("DECIMAL(10,5)", "1.00001", "DECIMAL(10,4)"),
    "more than a float holds": ("DOUBLE", "0.1e0", "FLOAT"),
    "a fraction of a second": ("DATETIME(6)", "'2020-01-01 00:00:00.000001'", "DATETIME(5)"),
}
REFUSED_BY_MARIADB = {
    "ascii has no character for this byte": ("VARCHAR(9) CHARACTER SET ascii", "x'80'", None),
    "half a surrogate pair in utf8mb4": ("VARCHAR(9) CHARACTER SET utf8mb4", "x'eda080'", None),
}
REFUSED_BY_MYSQL = {
    "bytes of a column in a document": ("JSON", "JSON_ARRAY((SELECT b FROM blobs))", None),
}


@pytest.mark.parametrize("how", ["by names", "by a function"])
def test_what_does_not_fit_is_refused_by_name(server: Server, migration: NewMigration, how: str) -> None:
    """Each in a column of a table of its own, whose copy names table, column and key."""
    more = REFUSED_BY_MARIADB if server.flavour == "mariadb" else REFUSED_BY_MYSQL
    cases = list((REFUSED | more).items())
    source = f"{LENIENT}; CREATE TABLE blobs (b BLOB); INSERT INTO blobs VALUES (x'00');"
    target, declared = "", "drop_table('blobs', reason='only read here')\n"
    for number, (_, (kind, value, other)) in enumerate(cases):
        source += f"CREATE TABLE t{number} (id INT PRIMARY KEY, v {kind} NULL);"
        source += f"INSERT INTO t{number} VALUES (7, NULL), (8, {value});"
        target += f"CREATE TABLE t{number} (id INT PRIMARY KEY, v {other or kind} NULL);"
        declared += f"copy_table('t{number}')\n" if how == "by names" else _FUNCTION.format(number)
    made = migration(server, source, target, declared)
    plan = made.plan
    jobs = {job.table.name: job for job in copy_jobs(plan)}
    wrong: list[tuple[str, object]] = []
    for number, (name, _) in enumerate(cases):
        try:
            made.run([jobs[f"t{number}"]], plan=plan)
            wrong.append((name, made.read(f"SELECT HEX(v) FROM t{number}")))
        except BadRow as error:
            if not (error.table.endswith(f"t{number}") and "8" in error.key and error.column == "v"):
                wrong.append((name, str(error)))
    assert wrong == []


_FUNCTION = "@transform('t{0}')\ndef t{0}(row):\n    return {{'id': row.id, 'v': row.v}}\n"


@pytest.mark.parametrize("how", ["copied", "streamed"])
def test_a_row_that_is_larger_than_a_packet_of_the_target(
    server: Server, database: Callable[..., str], connect: Callable[..., Connection], tmp_path: Path, how: str
) -> None:
    """Named, with what to do; once that is done it arrives."""
    source, target = database(server, "source"), database(server, "target")
    ddl = "CREATE TABLE t (id INT PRIMARY KEY, a LONGTEXT, b LONGTEXT)"
    session = connect(server, source)
    execute(session, ddl)
    way = begin("large", server, source, target, tmp_path / "m", transforms=_COPY, schema=[ddl])
    before = rows(session, "SELECT @@GLOBAL.max_allowed_packet")[0][0]
    if how == "streamed":
        way.copy()
        way.catch_up()
    execute(session, "INSERT INTO t VALUES (7, REPEAT('x', 900000), REPEAT('ä', 450000))")
    phase = way.copy if how == "copied" else way.follow
    execute(session, f"SET GLOBAL max_allowed_packet = {1 << 20}, GLOBAL local_infile = 0")  # a load would take it
    try:
        with pytest.raises(BadRow, match=r"^t, key .*7.*max_allowed_packet \(1048576 bytes\): raise it there"):
            phase()
    finally:
        execute(session, f"SET GLOBAL max_allowed_packet = {before}, GLOBAL local_infile = 1")
    phase()
    shown = "SELECT id, SHA2(a, 256), SHA2(b, 256) FROM {}"
    assert rows(session, shown.format("t")) == rows(session, shown.format(quote(target, "t")))
    forget(session, way)


_COPY = "from replicator import copy_table\ncopy_table('t')\n"


def test_a_text_that_is_longer_than_a_packet_of_the_source(
    server: Server, migration: NewMigration, connect: Callable[..., Connection]
) -> None:
    """Some functions of the server give NULL in its place, with no more than a warning: the copy uses none of them."""
    kinds = ["LONGTEXT CHARACTER SET gbk", "LONGTEXT CHARACTER SET ucs2", "LONGTEXT CHARACTER SET utf8mb4"]
    columns = ", ".join(f"c{number} {kind} NULL" for number, kind in enumerate(kinds))
    ddl = f"CREATE TABLE t (id INT PRIMARY KEY, {columns}); CREATE TABLE typed (id INT PRIMARY KEY, v JSON NULL);"
    made = migration(server, ddl, ddl, "copy_table('t')\ncopy_table('typed')")
    execute(made.source, f"INSERT INTO t VALUES (7{', REPEAT(%s, 1100000)' * 3})", ("x", "y", "z"))
    execute(made.source, "INSERT INTO typed VALUES (7, JSON_ARRAY(CAST(1 AS UNSIGNED), REPEAT('x', 1100000)))")
    plan = made.plan
    jobs = {job.table.name: job for job in copy_jobs(plan)}
    session = connect(server, made.config.source.database)
    before = rows(session, "SELECT @@GLOBAL.max_allowed_packet")[0][0]
    execute(session, f"SET GLOBAL max_allowed_packet = {1 << 20}")
    try:
        made.run([jobs["t"]], plan=plan)
        if server.flavour == "mysql":
            with pytest.raises(SourceError, match=r"max_allowed_packet"):
                made.run([jobs["typed"]], plan=plan)
    finally:
        execute(session, f"SET GLOBAL max_allowed_packet = {before}")
    shown = ", ".join(f"SHA2(c{number}, 256)" for number in range(len(kinds)))
    expected = rows(made.source, f"SELECT {shown} FROM t")
    assert None not in expected[0]
    assert made.read(f"SELECT {shown} FROM t") == list(expected)


def test_no_other_value_slips_through_with_an_enum_without_its_members(
    mariadb: Server, database: Callable[..., str], connect: Callable[..., Connection]
) -> None:
    """What is written leniently is taken back where the server changed more than the enum."""
    name = database(mariadb)
    session = connect(mariadb, name, autocommit=False)
    execute(session, "CREATE TABLE t (e ENUM('x'), v VARCHAR(2))")
    columns = read_tables(session, name)["t"].columns
    no_members = NoMembers(columns)
    zero = encoder(columns[0])(NO_MEMBER)
    written = [no_members.write(session, f"INSERT INTO t VALUES ({zero}, {v})", (zero, v)) for v in ("'ab'", "'abc'")]
    assert written == [True, False]
    assert rows(session, "SELECT e + 0, v FROM t") == ((0, "ab"),)
    assert no_members.among([(zero, "'ab'")])
    assert not no_members.among([("'x'", zero)])
