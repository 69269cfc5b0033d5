"""Sample data for the legacy AskProAI schema: several tenants, odd where real data is odd, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue
from random import Random
from threading import Lock
from typing import Any

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import Cursor

from replicator.demo import askproai_history, askproai_tenants
from replicator.demo.askproai_filler import fill
from replicator.demo.askproai_world import Row, Source, World, world
from replicator.mysql.sql import quote, quote_list

SOURCES: tuple[Source, ...] = (*askproai_history.TABLES, *askproai_tenants.TABLES)
"""The nineteen tables that the new schema is made of, the big ones first."""

Progress = Callable[[int, int], None]
"""Called with the rows inserted so far and the rows there will be."""

STATEMENT_CHARACTERS = 700_000
FILLER_ROWS = 24

PARENTS_FIRST = (
    "kunden", "tenants", "pricing_plans", "permissions", "roles", "retell_agents",
    "activity_log", "agents", "api_credentials", "api_endpoint_metrics", "api_health_logs", "appointment_series",
    "audit_logs", "backup_logs", "balance_topups", "balance_transactions", "billing_alerts", "billing_line_items",
    "billing_rates", "billing_snapshots", "branch_event_types", "branch_service", "cache", "cache_locks",
    "calcom_bookings_backup", "calendar_event_types", "calendar_mappings", "calendars", "call_notes", "callback_requests",
    "customer_interactions", "customer_notes", "customer_preferences", "customer_relationships",
    "dashboard_configurations", "email_logs", "error_logs", "event_logs", "external_sync_logs", "failed_jobs",
    "feature_flags", "feedback", "gdpr_requests", "health_check_results", "integrations", "invitations", "invoice_items",
    "job_batches", "jobs", "logs", "mcp_metrics", "migrations", "model_has_permissions", "model_has_roles", "notes",
    "notification_logs", "notifications", "oauth_clients", "personal_access_tokens", "role_has_permissions",
    "security_logs", "sessions", "staff_branches", "subscriptions", "tax_rates", "two_factor_sessions",
)  # fmt: skip
"""The 66 tables that no transform reads."""


def generate(
    connection: Mapping[str, Any] | Connection[Any],
    database: str,
    *,
    scale: float = 1.0,
    seed: int = 1,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Fill all 85 empty tables of the legacy schema and return the number of rows of each.

    Args:
        connection: an open connection, or the keyword arguments of `pymysql.connect` to make one.
        database: where the tables are.
        scale: 1.0 makes about 220,000 rows in the 19 tables that the new schema is made of.
        seed: the same seed, scale and version make the same rows.
        progress: called after every statement.
    """
    plan = world(scale, seed)
    together = _Together(progress, plan)
    if isinstance(connection, Mapping):
        settings = {**connection, "charset": "utf8mb4"}
        with ExitStack() as stack:
            # Two of them: the server is the bottleneck and uses one core a connection.
            cursors = [_prepared(stack, stack.enter_context(pymysql.connect(**settings)), database) for _ in range(2)]
            return _generate(cursors, database, plan, seed, together)
    with ExitStack() as stack:
        return _generate([_prepared(stack, connection, database)], database, plan, seed, together)


def _prepared(stack: ExitStack, connection: Connection[Any], database: str) -> Cursor:
    cursor: Cursor = stack.enter_context(connection.cursor())
    cursor.execute("SELECT @@time_zone, @@sql_mode, @@foreign_key_checks")
    before = cursor.fetchone()
    restore = "SET time_zone = %s, sql_mode = %s, foreign_key_checks = %s"
    stack.callback(cursor.execute, restore, before)
    # The data satisfies every key; not to look up each parent makes loading a good deal faster.
    cursor.execute("SET time_zone = '+00:00', sql_mode = 'TRADITIONAL', foreign_key_checks = 0")
    cursor.execute(f"USE {quote(database)}")
    return cursor


class _Together:
    """Progress of all tables in one, which several threads report to."""

    def __init__(self, report: Progress | None, plan: World) -> None:
        self.report = report
        self.done = 0
        # Without the small tables, whose number of rows shows only when they are made.
        self.total = (
            len(plan.callers) + plan.appointments + plan.retell_webhooks + plan.webhook_logs + plan.api_call_logs
            + plan.locks + plan.bookings + plan.invoices + plan.periods + len(plan.owner)
        )  # fmt: skip
        self.lock = Lock()

    def add(self, rows: int) -> None:
        with self.lock:
            self.done += rows
            if self.report is not None:
                self.report(min(self.done, self.total), self.total)


def _generate(cursors: Sequence[Cursor], database: str, plan: World, seed: int, progress: _Together) -> dict[str, int]:
    idle: SimpleQueue[Cursor] = SimpleQueue()
    for cursor in cursors:
        idle.put(cursor)

    def load(source: Source) -> int:
        cursor = idle.get()
        try:
            rows = source.rows(plan, Random(f"{seed} {source.table}"))
            return _insert(cursor, source.table, source.columns, rows, progress)
        finally:
            idle.put(cursor)

    with ThreadPoolExecutor(len(cursors)) as threads:
        counts = dict(zip([source.table for source in SOURCES], threads.map(load, SOURCES), strict=True))
    parents: dict[str, Sequence[Any]] = {
        "companies": [company.id for company in plan.companies],
        "branches": [branch for company in plan.companies for branch in company.branches],
        "staff": [person for company in plan.companies for person in company.staff],
        "services": [service for company in plan.companies for service in company.services],
        **{table: range(1, counts[table] + 1) for table in ("customers", "calls", "appointments", "users", "invoices")},
    }
    cursor = cursors[0]
    cursor.execute("SELECT id FROM phone_numbers ORDER BY id")
    parents["phone_numbers"] = [phone for (phone,) in cursor.fetchall()]

    def insert(table: str, columns: Sequence[str], values: Sequence[Row]) -> None:
        _insert(cursor, table, columns, values, progress)

    rows_each = max(FILLER_ROWS, plan.kunden, len(plan.companies))
    rng = Random(f"{seed} the others")
    return counts | fill(cursor, database, PARENTS_FIRST, parents, rows_each, rng, insert)


def _insert(cursor: Cursor, table: str, columns: Sequence[str], rows: Iterable[Row], progress: _Together) -> int:
    head = f"INSERT INTO {quote(table)} ({quote_list(columns)}) VALUES\n"
    literal = _LITERALS
    done = size = 0
    parts: list[str] = []

    def send() -> int:
        cursor.execute(head + ",\n".join(parts))
        progress.add(len(parts))
        return len(parts)

    cursor.execute("START TRANSACTION")
    for row in rows:
        part = "(" + ",".join([literal[type(value)](value) for value in row]) + ")"
        parts.append(part)
        size += len(part)
        if size > STATEMENT_CHARACTERS:
            done += send()
            parts.clear()
            size = 0
    if parts:
        done += send()
    cursor.execute("COMMIT")
    return done


def _quoted(text: str) -> str:
    if "\\" in text or "'" in text:
        text = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{text}'"


_LITERALS: dict[type, Callable[[Any], str]] = {
    str: _quoted,
    int: str,
    float: repr,
    type(None): lambda value: "NULL",
}
