"""How the rows of the new tables come from those of the old ones.

Each function gets source rows and returns the target's row (a dict), several (a list) or none (None). It must be pure: the
same rows in give the same rows out, so no clock, no random numbers, no queries.
"""

from replicator import copy_table, keep_table, one, transform

# By names alone, without a function: one column gets a new name, one stays behind.
copy_table("customers", rename={"mail": "email"}, omit=["legacy_code"])


# Joined: an order knows its customer's name, and is written anew when the customer is renamed.
@transform("orders", related={"customer": one("customers", where={"id": "customer_id"})})
def orders(row, customer):
    if row.status == "draft":
        return None  # drafts have no row in the new table; one that is sent later gets its row then
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "customer_name": customer.name if customer is not None else None,
        "status": row.status,
        "total": row.total,
        "ordered_at": row.created_at,
    }


# Grouped: all orders of a customer go in, one row comes out, and it is right after every change of any of them.
@transform("customer_totals", source="orders", group_by=["customer_id"], key={"customer_id": "customer_id"})
def customer_totals(rows):
    sent = [row for row in rows if row.status != "draft"]
    if not sent or sent[0].customer_id is None:
        return None
    return {
        "customer_id": sent[0].customer_id,
        "orders": len(sent),
        "total": sum(row.total for row in sent),
        "last_ordered_at": max(row.created_at for row in sent),
    }


# Neither read nor moved. `drop_table` would send it to the archive; `replicator plan` lists what nothing names.
keep_table("sessions", reason="the framework's own")
