"""The sample data is the same for the same seed, satisfies every key, and has the oddities that it is there for."""

from __future__ import annotations

from random import Random
from typing import Any

from replicator.demo.askproai_world import Row, world
from replicator.demo.data import SOURCES, generate
from replicator.demo.servers import Server
from replicator.mysql.sql import quote
from tests.askproai.conftest import Connect


def test_the_sample_data(server: Server, legacy: str, connect: Connect) -> None:
    told: list[tuple[int, int]] = []
    counts = generate(server.connect_args(), legacy, scale=0.02, seed=3, progress=lambda *done: told.append(done))
    connection = connect(server, legacy)

    def value(sql: str) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone()
        return row and row[0]

    assert len(counts) == 85
    assert all(counts.values())
    assert {table: value(f"SELECT COUNT(*) FROM {quote(table)}") for table in counts} == counts
    assert 5000 < sum(counts[source.table] for source in SOURCES) < 6000
    assert told[-1][0] == told[-1][1]
    assert all(done <= total for done, total in told)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, referenced_table_name, referenced_column_name"
            " FROM information_schema.key_column_usage WHERE table_schema = %s AND referenced_table_name IS NOT NULL",
            (legacy,),
        )
        keys = cursor.fetchall()
    assert len(keys) == 92
    for child, column, parent, key in keys:
        orphans = (
            f"SELECT COUNT(*) FROM {quote(child)} c WHERE c.{quote(column)} IS NOT NULL AND NOT EXISTS"
            f" (SELECT 1 FROM {quote(parent)} p WHERE p.{quote(key)} = c.{quote(column)})"
        )
        assert value(orphans) == 0, (child, column)

    for oddity in (
        "SELECT COUNT(*) FROM customers WHERE company_id IS NULL AND tenant_id IS NOT NULL",
        "SELECT COUNT(*) FROM services WHERE deleted_at IS NOT NULL",
        "SELECT COUNT(*) FROM services a JOIN services b ON a.company_id = b.company_id AND a.name = b.name AND a.id < b.id",
        "SELECT COUNT(DISTINCT end_time) - 1 FROM working_hours GROUP BY branch_id, day_of_week ORDER BY 1 DESC",
        "SELECT COUNT(*) FROM calls WHERE duration_seconds IS NOT NULL",
        "SELECT COUNT(*) FROM calls WHERE duration_seconds IS NULL AND duration_sec IS NOT NULL",
        "SELECT COUNT(*) FROM calls WHERE duration_sec IS NULL AND duration_minutes IS NOT NULL",
        "SELECT COUNT(*) FROM retell_webhooks r JOIN webhook_logs l ON l.id = r.id AND l.webhook_type = 'calcom'",
        "SELECT COUNT(*) FROM appointments WHERE parent_appointment_id IS NOT NULL",
        "SELECT COUNT(*) FROM calls c JOIN appointments a ON a.call_id = c.id AND c.appointment_id = a.id",
        "SELECT COUNT(*) FROM customers WHERE email = ''",
        "SELECT COUNT(*) FROM customers WHERE JSON_VALID(preferences) = 0",
        "SELECT COUNT(*) FROM calls WHERE JSON_VALID(tags) = 1",
        "SELECT COUNT(*) FROM api_call_logs WHERE created_at IS NULL",
        "SELECT COUNT(*) FROM staff_service_assignments GROUP BY staff_id, created_at HAVING COUNT(*) > 1 LIMIT 1",
        "SELECT COUNT(*) FROM customers WHERE LENGTH(name) > CHAR_LENGTH(name)",
    ):
        assert value(oddity) > 0, oddity
    # A migration must be able to tell such rows apart from real collisions: `check` names them.
    assert value("SELECT COUNT(*) FROM services a JOIN services b ON b.calcom_event_type_id = a.id + 100000") == 0


def test_the_same_seed_makes_the_same_rows() -> None:
    def made(seed: int) -> list[list[Row]]:
        plan = world(0.01, seed)
        return [list(source.rows(plan, Random(f"{seed} {source.table}"))) for source in SOURCES]

    assert made(7) == made(7)
    assert made(7) != made(8)
