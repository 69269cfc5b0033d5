"""The stream on an empty start: what is written to the source afterwards, the target must hold as plain SQL says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from replicator import const, copy_table, many, one, transform
from replicator.apply import heartbeat
from replicator.apply.course import Course
from replicator.apply.stream import Stream
from replicator.binlog.safe_position import current_position, safe_position
from replicator.config import ThrottleConfig
from replicator.demo.servers import Server
from replicator.errors import BadRow, SchemaChanged
from replicator.mysql.catalog import read_foreign_keys, read_tables
from replicator.mysql.connection import close, execute, rows
from replicator.mysql.connection import connect as open_connection
from replicator.mysql.flavour import identify
from replicator.progress import Progress
from replicator.staging import create_staging, index_staging, staging_relation
from replicator.state import Checkpoint, State
from replicator.throttle import Throttle
from replicator.transform.declarations import Declarations, _collecting
from replicator.transform.plan import MigrationPlan
from replicator.transform.planner import make_plan

SOURCE = """
CREATE TABLE tenant (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL);
CREATE TABLE service (id INT PRIMARY KEY, tenant_id INT NULL, title VARCHAR(20) NOT NULL, gone TINYINT NOT NULL DEFAULT 0);
CREATE TABLE booking (id INT AUTO_INCREMENT PRIMARY KEY, service_id INT NULL, note VARCHAR(40) NULL, code VARCHAR(20) NULL);
CREATE TABLE hour (id INT PRIMARY KEY, service_id INT NULL, day INT NOT NULL,
  CONSTRAINT of_service FOREIGN KEY (service_id) REFERENCES service (id) ON DELETE CASCADE);
CREATE TABLE skill (staff VARCHAR(10) COLLATE utf8mb4_unicode_ci NULL, service_id INT NOT NULL, id INT PRIMARY KEY);
"""
TARGET = """
CREATE TABLE tenant (id INT PRIMARY KEY, label VARCHAR(20) NOT NULL);
CREATE TABLE live (id INT PRIMARY KEY, title VARCHAR(20) NOT NULL);
CREATE TABLE booking (id INT PRIMARY KEY, tenant VARCHAR(20) NULL, title VARCHAR(20) NULL, note VARCHAR(40) NULL,
  code VARCHAR(20) NULL, UNIQUE KEY (code));
CREATE TABLE service_days (id INT PRIMARY KEY, days VARCHAR(200) NOT NULL);
CREATE TABLE staff_skill (staff VARCHAR(10) COLLATE utf8mb4_unicode_ci NULL, service_id INT NOT NULL, first TINYINT NOT NULL,
  id INT PRIMARY KEY, KEY (staff));
CREATE TABLE event (kind VARCHAR(10) NOT NULL, id INT NOT NULL, text VARCHAR(40) NULL, PRIMARY KEY (kind, id));
"""
ORACLE = {
    "tenant": "SELECT id, name FROM tenant",
    "live": "SELECT id, title FROM service WHERE gone = 0",
    "booking": "SELECT b.id, t.name, s.title, b.note, b.code FROM booking b LEFT JOIN service s ON s.id = b.service_id"
    " AND s.gone = 0 LEFT JOIN tenant t ON t.id = s.tenant_id",
    "service_days": "SELECT s.id, COALESCE((SELECT GROUP_CONCAT(h.day ORDER BY h.day, h.id SEPARATOR ',') FROM hour h"
    " WHERE h.service_id = s.id), '') FROM service s",
    "staff_skill": "SELECT k.staff, k.service_id, k.id = (SELECT MIN(o.id) FROM skill o WHERE o.staff <=> k.staff), k.id"
    " FROM skill k",
    "event": "SELECT 'tenant', id, name FROM tenant UNION ALL SELECT 'booking', id, note FROM booking WHERE note IS NOT NULL",
}


NO_THROTTLE = ThrottleConfig(max_replica_lag=None, replicas=(), max_threads_running=0)


def declarations() -> Declarations:
    declared = Declarations()
    token = _collecting.set(declared)
    copy_table("tenant", rename={"name": "label"})

    @transform("live", source="service")
    def live(row: Any) -> Any:
        return None if row.gone else {"id": row.id, "title": row.title}

    @transform(
        "booking",
        related={
            "service": one("service", where={"id": "service_id"}),
            "tenant": one("tenant", where={"id": "service.tenant_id"}),
        },
    )
    def booking(row: Any, service: Any, tenant: Any) -> Any:
        there = service is not None and not service.gone
        return {
            "id": row.id,
            "tenant": tenant.name if there and tenant is not None else None,
            "title": service.title if there else None,
            "note": row.note,
            "code": row.code,
        }

    @transform("service_days", source="service", related={"hours": many("hour", where={"service_id": "id"}, order_by=["day"])})
    def service_days(service: Any, hours: Any) -> Any:
        return {"id": service.id, "days": ",".join(str(hour.day) for hour in hours)}

    @transform("staff_skill", source="skill", group_by=["staff"], key={"staff": "staff"})
    def staff_skill(rows: Any) -> Any:
        return [
            {"staff": row.staff, "service_id": row.service_id, "first": number == 0, "id": row.id}
            for number, row in enumerate(rows)
        ]

    @transform("event", source="tenant", key={"kind": const("tenant"), "id": "id"})
    def of_tenant(row: Any) -> Any:
        return {"kind": "tenant", "id": row.id, "text": row.name}

    @transform("event", source="booking", key={"kind": const("booking"), "id": "id"})
    def of_booking(row: Any) -> Any:
        return None if row.note is None else {"kind": "booking", "id": row.id, "text": row.note}

    _collecting.reset(token)
    return declared


class Bench:
    """Two databases on one server, and a stream between them."""

    def __init__(self, server: Server, source: str, target: str, state: str) -> None:
        self.source = server.endpoint("source", source)
        self.target = server.endpoint("target", target)
        self.state = State(state, "test")
        self.progress = Progress("test")
        self.writer = open_connection(self.source, several=True)
        self.reader = open_connection(self.target, write=True, several=True)
        self.plan: MigrationPlan
        self.stream: Stream

    def begin(self) -> None:
        for connection, script in ((self.writer, SOURCE), (self.reader, TARGET)):
            with connection.cursor() as cursor:
                cursor.execute(script)
                while cursor.nextset():
                    pass
        self.plan = make_plan(
            declarations(),
            read_tables(self.writer, self.source.database),
            read_tables(self.reader, self.target.database),
            read_foreign_keys(self.writer, self.source.database),
            logs_cascades=identify(self.writer).logs_cascades,
        )
        self.state.create(self.reader)
        self.state.begin(self.reader, {})
        heartbeat.create(self.writer, self.state.database)
        relation = staging_relation(self.state.database, "test")
        for table in self.plan.sources.values():
            if table.staged is not None:
                create_staging(self.reader, relation, table.staged)
                index_staging(self.reader, relation, table.staged)
        low, _ = safe_position(self.writer)
        self.state.begin_stream(self.reader, "forward", Checkpoint(low, identify(self.writer).identity, 0.0))
        self.start()

    def start(self) -> None:
        throttle = Throttle(NO_THROTTLE, ())
        course = Course(self.plan, self.state, self.source, self.target)
        self.stream = Stream(course, self.progress, exact=True, throttle=throttle)
        self.stream.start()

    def write(self, *statements: str) -> None:
        execute(self.writer, "BEGIN")
        for statement in statements:
            execute(self.writer, statement)
        self.writer.commit()

    def check(self) -> None:
        caught_up = self.stream.wait_applied(current_position(self.writer), 20)
        assert caught_up, f"the stream does not catch up: {self.progress.snapshot()}"
        for table, query in ORACLE.items():
            expected = sorted(map(repr, rows(self.writer, query)))
            assert sorted(map(repr, rows(self.reader, f"SELECT * FROM {table}"))) == expected, table

    def close(self) -> None:
        self.stream.stop()
        close(self.writer)
        close(self.reader)


@pytest.fixture
def bench(server: Server, database: Callable[..., str]) -> Iterator[Bench]:
    made = Bench(server, database(server, "src"), database(server, "tgt"), database(server, "state"))
    made.begin()
    try:
        yield made
    finally:
        made.close()


def test_every_shape_follows_the_source(bench: Bench) -> None:
    bench.write("INSERT INTO tenant VALUES (1,'Ä'), (2,'b''c')", "INSERT INTO service VALUES (10,1,'cut',0), (11,2,'wash',0)")
    bench.check()
    bench.write("INSERT INTO booking VALUES (1,10,'x','k1'), (2,11,NULL,'k2'), (3,NULL,'z',NULL), (-4,99,'q','k4')")
    bench.check()
    bench.write("UPDATE tenant SET name='changed' WHERE id=1")
    bench.check()
    bench.write("UPDATE service SET gone=1 WHERE id=10", "INSERT INTO service VALUES (99,2,'late',0)")
    bench.check()
    bench.write("UPDATE booking SET code='tmp' WHERE id=1", "UPDATE booking SET code='k1' WHERE id=2",
                "UPDATE booking SET code='k2' WHERE id=1")  # fmt: skip
    bench.check()
    bench.write("UPDATE booking SET id=100 WHERE id=1", "DELETE FROM booking WHERE id=2", "UPDATE service SET tenant_id=1")
    bench.check()
    bench.write("DELETE FROM tenant WHERE id=1", "UPDATE service SET id=12 WHERE id=11")
    bench.check()


def test_groups_follow_the_source(bench: Bench) -> None:
    bench.write("INSERT INTO skill VALUES ('a',1,1), ('A',2,2), (NULL,3,3), (NULL,4,4), ('b',5,5)")
    bench.check()
    bench.write("DELETE FROM skill WHERE id=1")
    bench.check()
    bench.write("UPDATE skill SET staff=NULL WHERE id=5", "UPDATE skill SET staff='á' WHERE id=4")
    bench.check()
    bench.write("DELETE FROM skill WHERE staff IS NULL", "UPDATE skill SET id=-7 WHERE id=4")
    bench.check()


def test_cascades_reach_the_target(bench: Bench) -> None:
    bench.write("INSERT INTO service VALUES (1,NULL,'a',0), (2,NULL,'b',0)",
                "INSERT INTO hour VALUES (1,1,5), (2,1,3), (3,2,1), (4,NULL,9)")  # fmt: skip
    bench.check()
    bench.write("DELETE FROM service WHERE id=1", "INSERT INTO service VALUES (1,NULL,'again',0)")
    bench.check()
    bench.write("INSERT INTO hour VALUES (1,1,7)", "UPDATE hour SET service_id=1 WHERE id=3", "DELETE FROM service WHERE id=1")
    bench.check()


def test_rollbacks_savepoints_and_a_long_transaction(bench: Bench) -> None:
    execute(bench.writer, "BEGIN")
    execute(bench.writer, "INSERT INTO tenant VALUES (5,'never')")
    bench.writer.rollback()
    bench.write("INSERT INTO tenant VALUES (6,'six')", "SAVEPOINT s", "INSERT INTO tenant VALUES (7,'no')", "ROLLBACK TO s")
    bench.check()
    values = ",".join(f"({number},{number % 50},'n',NULL)" for number in range(1, 45_001))
    bench.write(f"INSERT INTO booking VALUES {values}", "UPDATE booking SET note='changed' WHERE id % 3 = 0",
                "DELETE FROM booking WHERE id % 5 = 0")  # fmt: skip
    bench.check()


def test_goes_on_from_the_checkpoint(bench: Bench) -> None:
    for number in range(5):
        bench.write(f"INSERT INTO booking VALUES ({number + 1}, {number}, 'x', NULL)")
        bench.stream.stop()
        bench.write(f"INSERT INTO service VALUES ({number}, NULL, 's{number}', 0)")
        bench.start()
        bench.check()


def test_schema_change_stops_the_stream_and_a_stranger_passes(bench: Bench) -> None:
    execute(bench.writer, "CREATE TABLE stranger (tenant INT)")
    execute(bench.writer, "CREATE TABLE tenant€ (tenant INT)")
    bench.write("INSERT INTO tenant VALUES (1,'before')")
    execute(bench.writer, "TRUNCATE TABLE tenant€")
    bench.check()
    execute(bench.writer, "ALTER TABLE tenant ADD COLUMN more INT")
    with pytest.raises(SchemaChanged, match="ALTER TABLE tenant"):
        bench.stream.wait_applied(current_position(bench.writer), 20)


@pytest.mark.parametrize(
    ("flavour", "statement"),
    [
        ("mysql", "ALTER TABLE parts LOCK=DEFAULT, EXCHANGE PARTITION p0 WITH TABLE skill"),
        ("mysql", "ALTER TABLE parts WITHOUT VALIDATION, EXCHANGE PARTITION p0 WITH TABLE skill"),
        ("mariadb", "SET/**/STATEMENT max_statement_time=9 FOR/*x*/ALTER TABLE parts EXCHANGE PARTITION p0 WITH TABLE .skill"),
        ("mariadb", "CREATE /*TEMPORARY*/ OR REPLACE TABLE skill (id INT)"),
        ("mariadb", "CREATE OR REPLACE SEQUENCE skill"),
    ],
)
def test_statements_that_hide_what_they_do(bench: Bench, server: Server, flavour: str, statement: str) -> None:
    if server.flavour != flavour:
        pytest.skip("the other server's")
    execute(bench.writer, "CREATE TABLE parts LIKE skill")
    execute(bench.writer, "ALTER TABLE parts PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (9))")
    execute(bench.writer, statement)
    with pytest.raises(SchemaChanged, match="skill"):
        bench.stream.wait_applied(current_position(bench.writer), 20)


def test_a_heartbeat_whose_table_was_dropped(bench: Bench, database: Callable[..., str], server: Server) -> None:
    """Without it the lag would stay unknown, and nothing could be verified."""
    execute(bench.writer, f"DROP TABLE {bench.state.database}.heartbeat")
    bench.stream.source_barrier()
    bench.check()
    gone = database(server, "gone")
    execute(bench.writer, f"DROP DATABASE {gone}")
    heartbeat.beat(bench.writer, gone, "test")
    assert list(rows(bench.writer, f"SELECT migration FROM {gone}.heartbeat")) == [("test",)]


def test_a_real_collision_names_the_row(bench: Bench) -> None:
    bench.write("INSERT INTO booking VALUES (1,NULL,'x','same'), (2,NULL,'y','same')")
    with pytest.raises(BadRow, match="booking"):
        bench.stream.wait_applied(current_position(bench.writer), 20)
