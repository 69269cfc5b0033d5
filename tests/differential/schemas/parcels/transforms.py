from __future__ import annotations

from typing import Any

from replicator import const, copy_table, many, one, transform

copy_table("marker")
copy_table("customers", target="clients", rename={"email": "contact"}, omit=["vip", "parent"])


@transform(
    "client_parcels",
    source="customers",
    key={"client_id": "id"},
    related={
        "parent": one("customers", where={"id": "parent"}),
        "parcels": many("parcels", where={"customer_id": "id"}, order_by=["weight"]),
    },
)
def client_parcels(row: Any, parent: Any, parcels: Any) -> Any:
    if row.vip != 1:
        return None
    return {
        "client_id": row.id,
        "contact": row.email,
        "parent_contact": parent.email if parent is not None else None,
        "parcels": len(parcels),
        "codes": [parcel.code for parcel in parcels],
    }


@transform(
    "shipments",
    source="parcels",
    key={"kind": const("parcel"), "source_id": "id"},
    related={"customer": one("customers", where={"id": "customer_id"})},
)
def shipped_parcels(row: Any, customer: Any) -> Any:
    return {
        "kind": "parcel",
        "source_id": row.id,
        "code": row.code,
        "contact": customer.email if customer is not None else None,
        "weight": row.weight,
        "priority": None,
    }


@transform("shipments", source="letters", key={"kind": const("letter"), "source_id": "id"})
def shipped_letters(row: Any) -> Any:
    if row.priority is None:
        return None
    return {
        "kind": "letter",
        "source_id": row.id,
        "code": row.code,
        "contact": None,
        "weight": None,
        "priority": row.priority,
    }


@transform("pieces", source="parcels", key={"parcel_id": "id"})
def pieces(row: Any) -> Any:
    return [
        {"parcel_id": row.id, "number": number, "weight": row.weight // row.pieces, "code": f"{row.code}/{number}"}
        for number in range(1, min(row.pieces, 4) + 1)
    ]


@transform("prints", source="labels", related={"parcel": one("parcels", where={"id": "parcel_id"})})
def prints(row: Any, parcel: Any) -> Any:
    if row.printed is None:
        return None
    return {"token": row.token, "printed": row.printed, "weight": parcel.weight if parcel is not None else None}


@transform("papers", source="documents", key={"kind": const("invoice"), "id": "id"})
def invoices(row: Any) -> Any:
    if row.kind != "invoice":
        return None
    return {"kind": "invoice", "id": row.id, "code": row.code, "amount": row.amount, "contact": None}


@transform(
    "papers",
    source="documents",
    key={"kind": const("order"), "id": "id"},
    related={"customer": one("customers", where={"id": "customer_id"})},
)
def orders(row: Any, customer: Any) -> Any:
    if row.kind != "order":
        return None
    return {
        "kind": "order",
        "id": row.id,
        "code": row.code,
        "amount": -row.amount,
        "contact": customer.email if customer is not None else None,
    }
