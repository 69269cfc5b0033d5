from __future__ import annotations

from decimal import Decimal
from typing import Any

from replicator import copy_table, many, one, transform

copy_table("marker")


@transform("cash_accounts", source="accounts")
def cash_accounts(row: Any) -> Any:
    if row.tenant < 0 or row.number < 0 or row.kind != "cash":
        return None
    return {"tenant": row.tenant, "number": row.number, "name": row.name or ""}


@transform(
    "balances",
    source="accounts",
    related={
        "tenant": one("tenants", where={"id": "tenant"}),
        "entries": many("entries", where={"tenant": "tenant", "number": "number"}, order_by=["seq"]),
    },
)
def balances(row: Any, tenant: Any, entries: Any) -> Any:
    if row.tenant < 0 or row.number < 0 or tenant is None or row.kind == "closed":
        return None
    return {
        "tenant": row.tenant,
        "number": row.number,
        "tenant_name": tenant.name,
        "kind": row.kind.upper(),
        "balance": sum((entry.amount for entry in entries), Decimal("0.00")),
        "entries": len(entries),
        "last_seq": entries[-1].seq if entries else None,
    }


@transform("statement_lines", source="entries")
def statement_lines(row: Any) -> Any:
    return {
        "tenant": row.tenant,
        "number": row.number,
        "seq": row.seq,
        "amount": abs(row.amount),
        "side": "D" if row.amount < 0 else "C",
        "booked": row.booked,
    }


@transform("account_totals", source="entries", group_by=["tenant", "number"])
def account_totals(rows: Any) -> Any:
    return {
        "tenant": rows[0].tenant,
        "number": rows[0].number,
        "entries": len(rows),
        "total": sum((row.amount for row in rows), Decimal("0.00")),
        "first_seq": rows[0].seq,
        "first_amount": rows[0].amount,
    }


@transform(
    "categories",
    source="entries",
    group_by=["tenant", "category"],
    related={
        "tenant": one("tenants", where={"id": "tenant"}),
        "budgets": many("budgets", where={"tenant": "tenant", "category": "category"}, order_by=["amount"]),
    },
)
def categories(rows: Any, tenant: Any, budgets: Any) -> Any:
    if rows[0].category is None:
        return []
    return [
        {
            "tenant": rows[0].tenant,
            "category": rows[0].category,
            "tenant_name": tenant.name if tenant is not None else None,
            "entries": len(rows),
            "total": sum((row.amount for row in rows), Decimal("0.00")),
            "budgets": ";".join(f"{budget.id}={budget.amount}" for budget in budgets),
        }
    ]


@transform("days", source="entries", group_by=["booked"], key={"booked": "booked"})
def days(rows: Any) -> Any:
    first = rows[0]
    return {
        "first_tenant": first.tenant,
        "first_number": first.number,
        "first_seq": first.seq,
        "booked": first.booked,
        "entries": len(rows),
    }
