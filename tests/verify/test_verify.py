"""What is planted is found and named; where nothing is planted, nothing is found."""

from __future__ import annotations

import pytest

from replicator.mysql.connection import execute, rows, value
from replicator.transform import ranges
from replicator.verify import Report
from replicator.verify import walk as walk_module
from tests.conftest import ServerPair
from tests.verify.conftest import NewScene, Scene

KINDS = {
    "tiny": ("TINYINT NULL", "-7", "7"),
    "big": ("BIGINT UNSIGNED NOT NULL", "18446744073709551615", "18446744073709551614"),
    "price": ("DECIMAL(30,10) NULL", "-0.5000000001", "-0.5000000002"),
    "ratio": ("DOUBLE NULL", "0e0", "-0e0"),
    "part": ("FLOAT NULL", "16777217", "16777216.5e1"),
    "name": ("VARCHAR(20) NULL", "'Ä'", "'a'"),
    "word": ("VARCHAR(20) NULL", "'NULL'", "NULL"),
    "empty": ("VARCHAR(20) NULL", "''", "NULL"),
    "absent": ("VARCHAR(20) NULL", "NULL", "''"),
    "space": ("VARCHAR(20) NULL", "'x '", "'x'"),
    "code": ("CHAR(4) NOT NULL", "'ab'", "'Ab'"),
    "legacy": ("VARCHAR(20) CHARACTER SET latin1 NULL", "'€ß'", "'ß'"),
    "body": ("TEXT NULL", "'it''s \\\\ \\n'", "'it''s \\\\'"),
    "raw": ("VARBINARY(20) NULL", "x'00ff00'", "x'00ff'"),
    "fixed": ("BINARY(4) NULL", "x'61000000'", "x'61000001'"),
    "data": ("BLOB NULL", "x''", "NULL"),
    "day": ("DATE NULL", "'0000-00-00'", "'1000-01-01'"),
    "moment": ("DATETIME(6) NULL", "'1969-12-31 23:59:59.000001'", "'1969-12-31 23:59:59'"),
    "stamp": ("TIMESTAMP(3) NULL", "'2037-01-01 00:00:00.001'", "'2037-01-01 00:00:00.002'"),
    "span": ("TIME(2) NULL", "'-838:59:58.99'", "'838:59:58.99'"),
    "y": ("YEAR NULL", "0", "1999"),
    "colour": ("ENUM('z','a','') NULL", "'a'", "'z'"),
    "flags": ("SET('x','y') NULL", "'x,y'", "'x'"),
    "bits": ("BIT(9) NULL", "b'100000001'", "b'1'"),
    "doc": ("JSON NULL", """'{"a": 1, "b": [true, null]}'""", """'{"a": 1, "b": [1, null]}'"""),
}
"""Column → definition, value, other value."""

SOURCE = (
    "CREATE TABLE kinds (id INT PRIMARY KEY, "
    + ", ".join(f"`{name}` {kind}" for name, (kind, _, _) in KINDS.items())
    + ");"
    + "".join(f"INSERT INTO kinds VALUES ({key}, {', '.join(first for _, first, _ in KINDS.values())});" for key in (-5, 0, 7))
    + """
CREATE TABLE tenant (id CHAR(36) CHARACTER SET latin1 PRIMARY KEY, name VARCHAR(20) NOT NULL);
INSERT INTO tenant VALUES ('a1', 'Anna'), ('B2', 'Bert'), ('ä3', 'Cleo'), ('z9', 'Zoe');
CREATE TABLE service (id INT PRIMARY KEY, tenant_id CHAR(36) CHARACTER SET latin1 NULL, title VARCHAR(20) NOT NULL,
  gone TINYINT NOT NULL DEFAULT 0, KEY (tenant_id));
INSERT INTO service VALUES (1, 'a1', 'Cut', 0), (2, 'B2', 'Dye', 1), (3, NULL, 'Dry', 0), (4, 'ä3', 'Wash', 0);
CREATE TABLE booking (id INT PRIMARY KEY, service_id INT NULL, note VARCHAR(40) NULL);
INSERT INTO booking VALUES (10, 1, 'x'), (11, 2, NULL), (12, NULL, 'y'), (13, 4, ''), (14, 99, 'NULL');
CREATE TABLE hour (id INT PRIMARY KEY, service_id INT NULL, day INT NOT NULL, KEY (service_id));
INSERT INTO hour VALUES (1, 1, 5), (2, 1, 3), (3, 4, 1), (4, NULL, 2);
CREATE TABLE skill (id INT PRIMARY KEY, staff VARCHAR(10) COLLATE utf8mb4_unicode_ci NULL, service_id INT NOT NULL);
INSERT INTO skill VALUES (1, 'Eva', 1), (2, 'EVA', 4), (3, NULL, 1), (4, NULL, 4), (5, 'Ärm', 1);
CREATE TABLE spell (kind ENUM('b','a','c') NOT NULL, n INT NOT NULL, text VARCHAR(10) NULL, PRIMARY KEY (kind, n));
INSERT INTO spell VALUES ('a', 1, 'a1'), ('b', 1, 'b1'), ('c', 1, 'c1'), ('b', 2, 'b2'), ('a', 2, 'a2'), ('c', 0, NULL);
"""
)
TARGET = (
    "CREATE TABLE kinds (id BIGINT PRIMARY KEY, "
    + ", ".join(f"`{name}` {kind}" for name, (kind, _, _) in KINDS.items())
    + ");"
    + """
CREATE TABLE tenant (id CHAR(36) PRIMARY KEY, label VARCHAR(20) NOT NULL);
CREATE TABLE live (id INT PRIMARY KEY, title VARCHAR(20) NOT NULL);
CREATE TABLE booking (id INT PRIMARY KEY, tenant VARCHAR(20) NULL, title VARCHAR(20) NULL, note VARCHAR(40) NULL);
CREATE TABLE service_days (id INT PRIMARY KEY, days JSON NOT NULL);
CREATE TABLE staff_skill (id INT PRIMARY KEY, staff VARCHAR(10) COLLATE utf8mb4_bin NULL, service_id INT NOT NULL,
  ahead TINYINT NOT NULL, KEY (staff));
CREATE TABLE event (kind VARCHAR(10) NOT NULL, id INT NOT NULL, text VARCHAR(40) NULL, PRIMARY KEY (kind, id));
CREATE TABLE spell (kind ENUM('a','b','c','d') NOT NULL, n INT NOT NULL, text VARCHAR(10) NULL, PRIMARY KEY (n, kind));
"""
)
FILL = """
INSERT INTO kinds SELECT * FROM {source}.kinds;
INSERT INTO tenant SELECT * FROM {source}.tenant;
INSERT INTO live SELECT id, title FROM {source}.service WHERE gone = 0;
INSERT INTO booking SELECT b.id, t.name, s.title, b.note FROM {source}.booking b
  LEFT JOIN {source}.service s ON s.id = b.service_id LEFT JOIN {source}.tenant t ON t.id = s.tenant_id;
INSERT INTO service_days VALUES (1, '[3,5]'), (2, '[]'), (3, '[]'), (4, '[1]');
INSERT INTO staff_skill SELECT id, staff, service_id, id IN (1, 3, 5) FROM {source}.skill;
INSERT INTO event SELECT 'tenant', ORD(name), name FROM {source}.tenant WHERE FALSE;
INSERT INTO event SELECT 'booking', id, note FROM {source}.booking WHERE note IS NOT NULL;
INSERT INTO event SELECT 'service', id, title FROM {source}.service;
INSERT INTO spell SELECT * FROM {source}.spell;
"""
TRANSFORMS = """
    copy_table("kinds")
    copy_table("tenant", rename={"name": "label"})
    copy_table("spell")

    @transform("live", source="service")
    def live(row):
        return None if row.gone else {"id": row.id, "title": row.title}

    @transform("booking", related={
        "service": one("service", where={"id": "service_id"}),
        "tenant": one("tenant", where={"id": "service.tenant_id"}),
    })
    def booking(row, service, tenant):
        return {
            "id": row.id,
            "tenant": tenant.name if tenant is not None else None,
            "title": service.title if service is not None else None,
            "note": row.note,
        }

    @transform("service_days", source="service", related={"hours": many("hour", where={"service_id": "id"}, order_by=["day"])})
    def days(row, hours):
        return {"id": row.id, "days": [hour.day for hour in hours]}

    @transform("staff_skill", source="skill", group_by=["staff"], key={"staff": "staff"})
    def skills(rows):
        return [
            {"id": row.id, "staff": row.staff, "service_id": row.service_id, "ahead": place == 0}
            for place, row in enumerate(rows)
        ]

    @transform("event", source="booking", key={"kind": const("booking"), "id": "id"})
    def of_booking(row):
        return None if row.note is None else {"kind": "booking", "id": row.id, "text": row.note}

    @transform("event", source="service", key={"kind": const("service"), "id": "id"})
    def of_service(row):
        return {"kind": "service", "id": row.id, "text": row.title}
"""


@pytest.fixture
def whole(scene: NewScene, server_pair: ServerPair) -> Scene:
    """Every shape, with nothing wrong."""
    return scene(server_pair, SOURCE, TARGET + FILL, TRANSFORMS)


def found(report: Report) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return sorted((one.table, one.key, one.kind, one.columns) for one in report.differences)


def count(scene: Scene, table: str) -> int:
    return int(value(scene.target, f"SELECT COUNT(*) FROM {table}"))


def test_nothing_planted_nothing_found(whole: Scene) -> None:
    report = whole.verify()
    assert found(report) == []
    assert (report.ok, report.mismatched, report.pending) == (True, 0, 0)
    assert {name: table.rows for name, table in report.tables.items()} == {name: count(whole, name) for name in report.tables}
    assert set(report.tables) == set(whole.plan.targets)
    assert report.rows_compared == sum(count(whole, name) for name in report.tables)


def test_a_difference_in_any_column_of_any_type_is_named(whole: Scene, server_pair: ServerPair) -> None:
    for name, (_, right, wrong) in KINDS.items():
        execute(whole.target, f"UPDATE kinds SET `{name}` = {wrong} WHERE id = 0")
        report = whole.verify(tables=["kinds"])
        if name == "ratio" and server_pair.target.flavour == "mariadb":
            assert report.ok  # it knows no negative zero
            continue
        assert found(report) == [("kinds", "id=0", "different", (name,))], name
        assert (report.ok, report.mismatched, report.pending) == (False, 1, 0)
        execute(whole.target, f"UPDATE kinds SET `{name}` = {right} WHERE id = 0")
    assert whole.verify().ok


PLANTED: dict[str, list[tuple[str, str, str, tuple[str, ...]]]] = {
    "UPDATE tenant SET id = 'A1' WHERE id = 'a1'": [
        ("tenant", "id='A1'", "extra", ()), ("tenant", "id='a1'", "missing", ())
    ],
    "UPDATE tenant SET label = 'bert' WHERE id = 'B2'": [("tenant", "id='B2'", "different", ("label",))],
    "INSERT INTO tenant VALUES ('b22', 'x')": [("tenant", "id='b22'", "extra", ())],
    "INSERT INTO tenant VALUES ('😀', 'x')": [("tenant", "id='😀'", "extra", ())],
    "DELETE FROM tenant WHERE id = 'ä3'": [("tenant", "id='ä3'", "missing", ())],
    "INSERT INTO live VALUES (2, 'Dye')": [("live", "id=2", "extra", ())],
    "INSERT INTO live VALUES (-1, 'x')": [("live", "id=-1", "extra", ())],
    "INSERT INTO live VALUES (2147483647, 'x')": [("live", "id=2147483647", "extra", ())],
    "DELETE FROM live": [("live", f"id={key}", "missing", ()) for key in (1, 3, 4)],
    "UPDATE booking SET tenant = NULL WHERE id = 10": [("booking", "id=10", "different", ("tenant",))],
    "UPDATE booking SET tenant = '', title = 'x' WHERE id = 12": [("booking", "id=12", "different", ("tenant", "title"))],
    "UPDATE booking SET id = 15 WHERE id = 10": [("booking", "id=10", "missing", ()), ("booking", "id=15", "extra", ())],
    "UPDATE service_days SET days = '[5,3]' WHERE id = 1": [("service_days", "id=1", "different", ("days",))],
    "UPDATE staff_skill SET ahead = 1 WHERE id = 2": [("staff_skill", "id=2", "different", ("ahead",))],
    "UPDATE staff_skill SET staff = 'eva' WHERE id = 2": [("staff_skill", "id=2", "different", ("staff",))],
    "UPDATE staff_skill SET staff = '' WHERE id = 3": [("staff_skill", "id=3", "different", ("staff",))],
    "INSERT INTO staff_skill VALUES (9, 'Otto', 1, 1)": [("staff_skill", "id=9", "extra", ())],
    "INSERT INTO staff_skill VALUES (9, NULL, 1, 0)": [("staff_skill", "id=9", "extra", ())],
    "INSERT INTO staff_skill VALUES (9, 'Eva', 1, 0)": [("staff_skill", "id=9", "extra", ())],
    "DELETE FROM staff_skill WHERE id = 4": [("staff_skill", "id=4", "missing", ())],
    "INSERT INTO event VALUES ('other', 1, 'x')": [("event", "kind='other', id=1", "extra", ())],
    "INSERT INTO event VALUES ('booking', 11, NULL)": [("event", "kind='booking', id=11", "extra", ())],
    "UPDATE event SET kind = 'Booking' WHERE id = 10": [
        ("event", "kind='Booking', id=10", "extra", ()), ("event", "kind='booking', id=10", "missing", ())
    ],
    "DELETE FROM event WHERE kind = 'service' AND id = 3": [("event", "kind='service', id=3", "missing", ())],
    "UPDATE event SET text = 'NULL' WHERE kind = 'booking' AND id = 13": [
        ("event", "kind='booking', id=13", "different", ("text",))
    ],
    "UPDATE spell SET text = '' WHERE kind = 'c' AND n = 0": [("spell", "n=0, kind='c'", "different", ("text",))],
    "INSERT INTO spell VALUES ('d', 1, 'x'), ('a', 0, 'x')": [
        ("spell", "n=0, kind='a'", "extra", ()), ("spell", "n=1, kind='d'", "extra", ())
    ],
    "DELETE FROM spell WHERE kind = 'b' AND n = 2": [("spell", "n=2, kind='b'", "missing", ())],
}  # fmt: skip


@pytest.mark.parametrize("at_once", [1, 2, 4000], ids="chunks of {}".format)
def test_a_planted_row_is_named(whole: Scene, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "MOST_ROWS", at_once)
    monkeypatch.setattr(ranges, "FEWEST_ROWS", 1)
    monkeypatch.setattr(walk_module, "UNITS_AT_ONCE", max(1, at_once // 2))
    assert found(whole.verify()) == []
    for statement, expected in PLANTED.items():
        tables = {one[0] for one in expected}
        backup = {table: rows(whole.target, f"SELECT * FROM {table}") for table in tables}
        execute(whole.target, statement)
        report = whole.verify(tables=tables)

        assert found(report) == sorted(expected), statement
        assert report.mismatched == len(expected)
        for table, content in backup.items():
            execute(whole.target, f"DELETE FROM {table}")
            for one in content:
                marks = ", ".join(["%s"] * len(one))
                execute(whole.target, f"INSERT INTO {table} VALUES ({marks})", one)
