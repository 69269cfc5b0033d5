"""The legacy schema is as heavy as the real one, and both schemas load on both servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from replicator.config import load
from replicator.demo.servers import Server
from tests.askproai import oracle
from tests.askproai.conftest import ROOT, Connect
from tests.askproai.reference import TRANSFORMS

FED = {transform.target for transform in TRANSFORMS.transforms}


def column(connect: Connect, server: Server, sql: str, *values: str) -> list[Any]:
    with connect(server).cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]


def test_the_legacy_schema_has_all_that_the_real_one_has(server: Server, legacy: str, connect: Connect) -> None:
    def count(what: str, of: str) -> int:
        where = "table_schema" if of != "referential_constraints" else "constraint_schema"
        return int(column(connect, server, f"SELECT COUNT({what}) FROM information_schema.{of} WHERE {where} = %s", legacy)[0])

    assert count("*", "tables") == 85
    assert count("*", "columns") == 1308
    assert count("DISTINCT table_name, index_name", "statistics") == 531
    assert count("*", "referential_constraints") == 92
    cascades = (
        "SELECT COUNT(*) FROM information_schema.referential_constraints WHERE constraint_schema = %s AND delete_rule = %s"
    )
    assert column(connect, server, cascades, legacy, "CASCADE") == [66]
    assert column(connect, server, cascades, legacy, "SET NULL") == [23]
    on_appointments = (
        "SELECT COUNT(DISTINCT index_name) - 1 FROM information_schema.statistics"
        " WHERE table_schema = %s AND table_name = 'appointments'"
    )
    assert column(connect, server, on_appointments, legacy) == [43]
    # Every table is a source, or kept, or dropped.
    tables = column(connect, server, "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", legacy)
    sources = {transform.source for transform in TRANSFORMS.transforms} | {
        related.table for transform in TRANSFORMS.transforms for related in transform.related.values()
    }
    kept = {unmapped.table for unmapped in TRANSFORMS.kept}
    dropped = {unmapped.table for unmapped in TRANSFORMS.dropped}
    assert (len(sources), len(kept), len(dropped)) == (19, 14, 52)
    assert sorted([*sources, *kept, *dropped]) == sorted(tables)
    assert all(unmapped.reason for unmapped in (*TRANSFORMS.kept, *TRANSFORMS.dropped))


def test_the_new_schema_has_what_the_plan_promises(server: Server, new: str, connect: Connect) -> None:
    tables = column(connect, server, "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", new)
    assert sorted(tables) == sorted(oracle.TABLES)
    assert set(tables) - FED == {"api_call_logs_archive"}
    found = column(
        connect,
        server,
        "SELECT GROUP_CONCAT(column_name ORDER BY seq_in_index) FROM information_schema.statistics"
        " WHERE table_schema = %s AND table_name = 'appointments' AND index_name <> 'PRIMARY' GROUP BY index_name",
        new,
    )
    assert sorted(found) == [
        "branch_id,starts_at",
        "call_id",
        "company_id,starts_at,status",
        "customer_id,starts_at",
        "event_type_id",
        "staff_id,starts_at,ends_at",
    ]
    # The months of the logs begin in UTC, whoever loads the schema.
    with connect(server, new).cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        moments = ["2026-10-31 23:59:59", "2026-11-01 00:00:00", "1999-01-01", "2037-01-01"]
        cursor.executemany(
            "INSERT INTO api_call_logs (id, service, endpoint, method, requested_at, created_at)"
            " VALUES (%s, '', '', '', NOW(), %s)",
            list(enumerate(moments, start=1)),
        )
        for partition, ids in {"p2026_10": [1], "p2026_11": [2], "p_older": [3], "p_later": [4]}.items():
            cursor.execute(f"SELECT id FROM api_call_logs PARTITION ({partition})")
            assert [row[0] for row in cursor.fetchall()] == ids


def test_the_shipped_configuration_is_valid(tmp_path: Path) -> None:
    """All but the password, which is not shipped."""
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("secret")
    overrides = {f"{role}.password_file": str(password) for role in ("source", "target")}
    config = load(ROOT / "replicator.toml", {}, overrides)
    assert config.migration.name == "askproai"
    assert config.migration.transforms == ROOT / "transforms"
    assert config.migration.schema == ROOT / "schema/target"
