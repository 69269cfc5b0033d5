"""Every row arrives, once and exactly: the server itself compares source and target byte by byte."""

from __future__ import annotations

import pytest

from replicator.copy.chunks import progress as job_progress
from replicator.demo.servers import Server
from tests.copy.conftest import Migration, NewMigration, fill

VALUES = """
CREATE TABLE t (
  id BIGINT NOT NULL, tiny TINYINT NULL, wide BIGINT UNSIGNED NULL, middle MEDIUMINT UNSIGNED NULL,
  amount DECIMAL(65,30) NULL, price DECIMAL(10,2) NULL, whole DECIMAL(10,0) NULL,
  single FLOAT NULL, exact DOUBLE NULL,
  fixed CHAR(5) NULL, name VARCHAR(100) NULL, words TEXT NULL, lots LONGTEXT NULL,
  latin VARCHAR(20) CHARACTER SET latin1 NULL, bin VARBINARY(300) NULL, pad BINARY(4) NULL, blo BLOB NULL,
  bits BIT(64) NULL, one_bit BIT(1) NULL,
  kind ENUM('a','b''c','d,e','') NULL, tags SET('x','y','z') NULL,
  d DATE NULL, t0 TIME NULL, t6 TIME(6) NULL, dt DATETIME NULL, dt3 DATETIME(3) NULL, dt6 DATETIME(6) NULL,
  ts TIMESTAMP NULL, y YEAR NULL, j JSON NULL, twice BIGINT GENERATED ALWAYS AS (id DIV 2) STORED,
  PRIMARY KEY (id)
) CHARACTER SET utf8mb4;
"""
ROWS = r"""
INSERT INTO t VALUES
(-9223372036854775808,-128,18446744073709551615,16777215,-99999999999999999999999999999999999.999999999999999999999999999999,
 99999999.99,-9999999999,16777217,1.7976931348623157e308,'ab','NULL','\\N','a\nb\tc\r\0d''e"f,g\\','\xe4\x80',
 x'00FF27225C0A2C0D09',x'00000000',x'',b'1111111111111111111111111111111111111111111111111111111111111111',b'1',
 'b''c','x,z','0000-00-00','-838:59:59','-838:59:59.000000','0000-00-00 00:00:00','1000-01-01 00:00:00.001',
 '9999-12-31 23:59:59.999999','1970-01-01 00:00:01','1901','{"a": [1, 1.5, "x\\"y", null, true], "ü": "😀"}',DEFAULT),
(0,0,0,0,0,0,0,-0e0,-0e0,'','','','','',x'',x'41000000',x'00',b'0',b'0','','','2024-02-29','00:00:00','00:00:00.000001',
 '2024-02-29 12:34:56','2024-02-29 12:34:56.700','2024-02-29 12:34:56.000001','2038-01-19 03:14:07','2155','[]',DEFAULT),
(9223372036854775807,127,9223372036854775808,1,0.000000000000000000000000000001,-0.01,1,3.4e38,5e-324,'ü😀','日本語 ','''',
 '😀''\\''','x',x'5c',x'5c5c5c5c',x'C3A4FF',b'101',NULL,'d,e','z','1999-12-31','23:59:59','23:59:59.999999',
 '1969-12-31 23:59:59','2024-01-01 00:00:00.999','0001-01-01 00:00:00.100000','2024-03-31 02:30:00','0000',
 '{"deep": {"n": -12345678901234567890, "f": 0.1, "e": 1e20}}',DEFAULT),
(5,NULL,NULL,NULL,NULL,NULL,NULL,0.1,0.1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,
 NULL,NULL,NULL,NULL,NULL,DEFAULT),
(6,1,1,1,1,1,1,1e-3,2e22,'a''b','a\\','\'','","',"\\N",'NULL',x'27000000',x'5C4E',b'1',b'1','a','x,y,z','2020-00-00','01:02:03',
 '-00:00:00.000001','2020-01-00 00:00:00','2020-01-01 00:00:00','2020-01-01 00:00:00','2020-01-01 00:00:00','2000','"text"',
 DEFAULT);
"""


def same(migration: Migration, query: str, *tables: str) -> None:
    """The query gives the same rows on both sides, byte by byte."""
    left = f"`{migration.config.source.database}`.{tables[0]}"
    right = tables[1] if len(tables) > 1 else f"`{migration.config.target.database}`.{tables[0]}"
    expected, found = (migration.read(query.format(table)) for table in (left, right))
    assert expected, "nothing to compare"
    assert found == expected


def hexed(migration: Migration) -> str:
    """All columns as bytes; numbers with a point as all their digits and their sign."""
    shown = {"float": "CONCAT({} * 1e0)", "double": "CONCAT({})", "bit": "{} + 0"}
    columns = [column for column in migration.plan.sources["t"].table.columns if not column.generated]
    return (
        f"SELECT {', '.join(shown.get(column.type, 'HEX({})').format(column.name) for column in columns)} FROM {{}} ORDER BY id"
    )


@pytest.mark.parametrize("how", ["by names", "by a function", "staged"])
def test_every_type_arrives_as_it_is(server: Server, migration: NewMigration, how: str) -> None:
    names = "id tiny wide middle amount price whole single exact fixed name words lots latin bin pad blo bits one_bit kind tags"
    names += " d t0 t6 dt dt3 dt6 ts y j"
    body = f"return {{name: row[name] for name in {names.split()!r}}}"
    transforms = {
        "by names": "copy_table('t')",
        "by a function": f"@transform('t')\ndef t(row):\n    {body}\n",
        "staged": f"@transform('t', related={{'other': one('t', where={{'id': 'tiny'}})}})\ndef t(row, other):\n    {body}\n",
    }[how]
    zero = "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';"
    made = migration(server, zero + VALUES + ROWS, VALUES, transforms)
    made.copy()
    if how == "staged":
        same(made, hexed(made), "t", made.relation("t"))
        made.build()
    same(made, hexed(made), "t")


def test_geometry_arrives_as_it_is(server: Server, migration: NewMigration) -> None:
    ddl = "CREATE TABLE t (id INT PRIMARY KEY, place POINT NULL, area GEOMETRY NULL);"
    values = (
        "INSERT INTO t VALUES (1, ST_GeomFromText('POINT(1 2)', 4326), ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))')),"
        " (2, NULL, ST_GeomFromText('POINT(-1.5 2e9)'));"
    )
    made = migration(server, ddl + values, ddl, "copy_table('t')")
    made.copy()
    same(made, "SELECT id, HEX(place), HEX(area) FROM {} ORDER BY id", "t")


def test_types_of_one_flavour_arrive_as_they_are(server: Server, migration: NewMigration) -> None:
    column, value = ("v VECTOR(3) NULL", "STRING_TO_VECTOR('[1,-2.5,3e9]')")
    if server.flavour == "mariadb":
        column, value = ("v UUID NULL, i INET6 NULL", "'123e4567-e89b-12d3-a456-426655440000', '::ffff:1.2.3.4'")
    ddl = f"CREATE TABLE t (id INT PRIMARY KEY, {column});"
    made = migration(server, ddl + f"INSERT INTO t VALUES (1, {value});", ddl, "copy_table('t')")
    made.copy()
    names = ", ".join(f"HEX({column.name})" for column in made.plan.sources["t"].table.columns)
    same(made, f"SELECT {names} FROM {{}}", "t")


def test_rows_wider_than_a_packet(server: Server, migration: NewMigration) -> None:
    ddl = "CREATE TABLE t (id INT PRIMARY KEY, words LONGTEXT NULL, bytes LONGBLOB NULL, after INT NOT NULL);"
    made = migration(server, ddl, ddl, "copy_table('t')")
    for number, size in enumerate((0, 250, 251, 252, 65535, 65536, (1 << 24) - 40, (1 << 24) + 7, 17 << 20)):
        made.source.cursor().execute(
            f"INSERT INTO t VALUES ({number}, REPEAT('x', {size}), REPEAT(x'00FF', {min(size, 1 << 20)}), {number} + 7)"
        )
    made.copy()
    same(made, "SELECT id, LENGTH(words), SHA2(words, 256), SHA2(bytes, 256), after FROM {} ORDER BY id", "t")


def test_processes_copy_what_a_thread_copies(server: Server, migration: NewMigration) -> None:
    ddl = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, KEY (name));"
    made = migration(server, ddl, ddl, "copy_table('t')")
    fill(made.source, "t", "id, name", "n * 7 - 100000, CONCAT('name ', n)", 50_000)
    made.copy(workers=2)
    same(made, "SELECT * FROM {} ORDER BY id", "t")
    assert job_progress(made.state, made.target)["copy:t"].rows == 50_000
    assert made.progress.snapshot()["copy"]["rows"] == 50_000
