"""The two schemas that the demo's application speaks to, and how it tells which one it has before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from pymysql.cursors import Cursor

from replicator.demo import askproai_both, askproai_legacy, askproai_legacy_office, askproai_new
from replicator.demo.askproai_ledger import KEYS, TOKENS, Fact
from replicator.demo.askproai_work import Tenant, Work
from replicator.mysql.sql import quote

Operation = Callable[[Work], None]
SchemaVersion = Literal["legacy", "new"]

_SOME = 400


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the application does with one schema."""

    name: SchemaVersion
    operations: Mapping[Operation, int]
    """Each with its weight."""
    keys: Mapping[str, str]
    """Table of the new schema → query of the keys of a company's rows."""
    places: Mapping[str, tuple[str, str, str]]
    """Table of the new schema → table, key column and column of the token in this schema."""


_OWN = "SELECT id FROM {table} WHERE company_id = %(company)s"
_BY_COMPANY = (
    "branches", "phone_numbers", "company_pricing", "staff", "users", "appointments", "calls", "invoices",
    "api_call_logs",
)  # fmt: skip
_IN_BOTH = {
    **{table: _OWN.format(table=table) for table in _BY_COMPANY},
    "billing_periods": "SELECT id FROM billing_periods WHERE company_id = %(text)s",
    "appointment_locks": "SELECT l.id FROM appointment_locks l JOIN branches b ON b.id = l.branch_id"
    " WHERE b.company_id = %(company)s",
}
_PLACES = {table: (table, "id", token) for table, token in TOKENS.items() if table not in KEYS}

LEGACY = Dialect(
    name="legacy",
    operations={**askproai_both.OPERATIONS, **askproai_legacy.OPERATIONS, **askproai_legacy_office.OPERATIONS},
    keys={
        **_IN_BOTH,
        "customers": "SELECT id FROM customers"
        " WHERE company_id = %(company)s OR (company_id IS NULL AND tenant_id = %(company)s)",
        "calcom_event_types": "SELECT id FROM services WHERE company_id = %(company)s AND deleted_at IS NULL",
        "staff_event_type_assignments": "SELECT a.id FROM staff_service_assignments a"
        " JOIN staff p ON p.id = a.staff_id JOIN services s ON s.id = a.service_id"
        " WHERE p.company_id = %(company)s AND s.deleted_at IS NULL",
        "webhook_events": "SELECT 'calcom', id FROM webhook_logs WHERE company_id = %(company)s AND webhook_type = 'calcom'",
    },
    places={**_PLACES, "calcom_event_types": ("services", "id", "description")},
)

NEW = Dialect(
    name="new",
    operations={**askproai_both.OPERATIONS, **askproai_new.OPERATIONS},
    keys={
        **_IN_BOTH,
        "customers": _OWN.format(table="customers"),
        "calcom_event_types": _OWN.format(table="calcom_event_types"),
        "staff_event_type_assignments": "SELECT a.id FROM staff_event_type_assignments a"
        " JOIN staff p ON p.id = a.staff_id WHERE p.company_id = %(company)s",
        "webhook_events": "SELECT source, source_id FROM webhook_events WHERE company_id = %(company)s",
    },
    places=_PLACES,
)


def schema_version(cursor: Cursor, database: str) -> SchemaVersion:
    """Which of the two schemas stands in the database now. Both are never there at once: they are swapped in one step."""
    cursor.execute(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s AND table_name = 'calcom_event_types'",
        (database,),
    )
    found = cursor.fetchone()
    return "new" if found is not None and found[0] else "legacy"


def dialect(cursor: Cursor, database: str) -> Dialect:
    """The dialect for the schema that stands there now."""
    return NEW if schema_version(cursor, database) == "new" else LEGACY


def tenants(cursor: Cursor, speaking: Dialect, client: int, clients: int) -> list[Tenant]:
    """The companies that one of the clients writes to, and some keys of each of their tables."""
    cursor.execute("SELECT id FROM companies WHERE slug IS NULL OR slug NOT LIKE 'trial-%' ORDER BY id")
    companies = [company for (company,) in cursor.fetchall()]
    if len(companies) < clients:
        raise ValueError(f"{clients} clients share {len(companies)} companies: start at most one a company")
    found = []
    for company in companies[client::clients]:
        tenant = Tenant(company)
        tenant.of("companies").add((company,))
        for table, query in speaking.keys.items():
            cursor.execute(f"{query} ORDER BY 1 DESC LIMIT {_SOME}", {"company": company, "text": str(company)})
            for key in cursor.fetchall():
                tenant.of(table).add(key)
        found.append(tenant)
    return found


def stands(cursor: Cursor, speaking: Dialect, fact: Fact) -> bool:
    """Whether the transaction that would have written the token of this fact has committed.

    A locking read: it waits for a transaction that still holds the row, until that has ended one way or the other.
    """
    table, key, token = speaking.places[fact.table]
    cursor.execute(
        f"SELECT 1 FROM {quote(table)} WHERE {quote(key)} = %s AND {quote(token)} = %s FOR UPDATE",
        (*fact.key, fact.token),
    )
    return cursor.fetchone() is not None
