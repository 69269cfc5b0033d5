"""What kind of statement stands in the binlog. No server is needed to tell."""

from __future__ import annotations

import pytest

from replicator.binlog.statements import Kind, classify, decode_statement, savepoint_name
from replicator.binlog.words import Dialect

MYSQL, MARIADB = Dialect(), Dialect(mariadb=True)


@pytest.mark.parametrize("dialect", [MYSQL, MARIADB])
@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("BEGIN WORK;", Kind.BEGIN),
        ("BEGIN NOT ATOMIC DELETE FROM t; END", Kind.DML),
        ("START TRANSACTION READ WRITE", Kind.BEGIN),
        ("ROLLBACK /* c */ TO `S 1`", Kind.ROLLBACK_TO),
        ("ROLLBACK WORK AND CHAIN", Kind.ROLLBACK),
        ("XA/**/COMMIT X'01',X'',1", Kind.XA_COMMIT),
        ("XA ROLLBACK X'01',X'',1", Kind.XA_ROLLBACK),
        ("# c\n/* c */ -- c\n/*!40000 TRUNCATE */ t", Kind.DDL),
        ("TRUNCATE user", Kind.DDL),
        ("CREATE OR/**/REPLACE USER somebody", Kind.HARMLESS),
        ("CREATE TEMPORARY TABLE t (id INT)", Kind.HARMLESS),
        ("DROP /*!40005 TEMPORARY */ TABLE t", Kind.HARMLESS),
        ("CREATE /*TEMPORARY*/ OR REPLACE TABLE t (id INT)", Kind.DDL),
        ("CREATE /* TEMPORARY no */ OR REPLACE TABLE t (id INT)", Kind.DDL),
        ("CREATE TABLE t (id INT, `select` INT) PARTITION BY LIST (id) (PARTITION p VALUES IN (1))", Kind.DDL),
        ("CREATE TABLE t (id INT) PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (1))", Kind.DDL),
        ("CREATE TABLE t (id INT COMMENT 'SELECT') -- SELECT", Kind.DDL),
        ("CREATE TABLE t AS SELECT f()", Kind.DML),
        ("CREATE TEMPORARY TABLE t (SELECT f())", Kind.DML),
        ("CREATE OR REPLACE TABLE t (id INT) WITH q AS (SELECT 1) SELECT * FROM q", Kind.DML),
        ("CREATE TABLE t VALUES ROW(f())", Kind.DML),
        ("CREATE TABLE t /*!8000012SELECT f() */", Kind.DML),
        ("CREATE VIEW v AS SELECT f()", Kind.DDL),
        ("SET PASSWORD = 'x'", Kind.HARMLESS),
        ("SET/**/STATEMENT max_statement_time=100 FOR TRUNCATE TABLE t", Kind.DDL),
        ("SET STATEMENT a=' FOR ', b=SUBSTRING('a' FROM 1 FOR 1) FOR/*x*/TRUNCATE TABLE t", Kind.DDL),
        ("SET STATEMENT a=1", Kind.DML),
        ("ANALYZE TABLE t", Kind.HARMLESS),
        ("ANALYZE UPDATE t SET v = 1", Kind.DML),
        ("ANALYZE FORMAT=JSON DELETE FROM t", Kind.DML),
        ("(SELECT f())", Kind.DML),
        ("", Kind.DML),
        ("`", Kind.DML),
        ("INSERT INTO mysql.beat (id, n) VALUES (1, NOW()), (2, 'f()') ON DUPLICATE KEY UPDATE n = VALUES (n)", Kind.HARMLESS),
        ("UPDATE `mysql`.beat SET n = n + 1 WHERE id IN (1, 2)", Kind.HARMLESS),
        ("DELETE FROM mysql.beat", Kind.HARMLESS),
        ("UPDATE mysql.beat h JOIN shop.a ON a.id = h.id SET a.text = 'x'", Kind.DML),
        ("UPDATE mysql.beat, shop.a SET a.text = 'x'", Kind.DML),
        ("DELETE FROM mysql.beat, shop.a USING mysql.beat JOIN shop.a", Kind.DML),
        ("DELETE mysql.beat, shop.a FROM mysql.beat JOIN shop.a", Kind.DML),
        ("UPDATE mysql.beat SET n = f()", Kind.DML),
        ("UPDATE mysql.beat SET n = `f` ()", Kind.DML),
        ("UPDATE mysql.beat SET n = shop.now()", Kind.DML),
        ("INSERT INTO mysql.beat SELECT 1", Kind.DML),
        ("INSERT INTO mysql.beat (id) TABLE shop.v", Kind.DML),
        ("INSERT INTO mysql.beat VALUES (1) RETURNING (SELECT n)", Kind.DML),
        ("INSERT INTO sys.sys_config VALUES (1)", Kind.DML),
        ("UPDATE mysql SET n = 1", Kind.DML),
    ],
)
def test_kinds(statement: str, kind: Kind, dialect: Dialect) -> None:
    assert classify(statement, dialect)[0] == kind


def test_comments_that_one_server_executes() -> None:
    statement = "/*M!100100 SET STATEMENT a=1 FOR */ DELETE FROM mysql.beat /*M! , shop.a USING shop.a */"
    assert classify(statement, MYSQL) == (Kind.HARMLESS, "DELETE FROM mysql.beat /*M! , shop.a USING shop.a */")
    assert classify(statement, MARIADB)[0] == Kind.DML


def test_the_statement_begins_with_its_first_word() -> None:
    assert classify("/* x */ SET STATEMENT a=1 FOR /* y */ DROP TABLE t", MARIADB)[1] == "DROP TABLE t"
    assert classify("/*!40000 ALTER TABLE t DISABLE KEYS */", MYSQL)[1] == "ALTER TABLE t DISABLE KEYS */"


@pytest.mark.parametrize("statement", ["SAVEPOINT `A B`", "ROLLBACK TO `a b`", "ROLLBACK WORK TO SAVEPOINT /* x */ `A b`"])
def test_names_of_savepoints(statement: str) -> None:
    assert savepoint_name(statement, MYSQL) == "a b"


def test_how_a_session_writes_stands_in_front_of_the_statement() -> None:
    def mode(number: int) -> bytes:
        return b"\0\0\0\0\0\1" + number.to_bytes(8, "little") + b"\4\x21\0\x21\0\x21\0"

    assert decode_statement("a€".encode(), mode(0), mariadb=True) == ("a€", MARIADB)
    assert decode_statement(b"a", mode(1 << 2 | 1 << 20), mariadb=False) == ("a", Dialect(escapes=False, ansi=True))
    assert decode_statement(b"a\xff", mode(0), mariadb=False) == ("a\\xff", Dialect(readable=False))
