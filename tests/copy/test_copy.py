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
(0,0,0,0,0,0,0,0,-0e0,'','','','','',x'',x'41000000',x'00',b'0',b'0','','','2024-02-29','00:00:00','00:00:00.000001',
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
    columns = [column for column in migration.plan.sources["t"].table.columns if not column.generated]
    shown = [
        f"HEX({column.name})"
        if column.type not in ("float", "double", "bit")
        else f"{column.name} * 1e0"
        if column.type != "bit"
        else f"{column.name} + 0"
        for column in columns
    ]
    return f"SELECT {', '.join(shown)} FROM {{}} ORDER BY id"


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


def test_processes_copy_what_a_thread_copies(server: Server, migration: NewMigration) -> None:
    ddl = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, KEY (name));"
    made = migration(server, ddl, ddl, "copy_table('t')")
    fill(made.source, "t", "id, name", "n * 7 - 100000, CONCAT('name ', n)", 50_000)
    made.copy(workers=2)
    same(made, "SELECT * FROM {} ORDER BY id", "t")
    assert job_progress(made.state, made.target)["copy:t"].rows == 50_000
    assert made.progress.snapshot()["copy"]["rows"] == 50_000
