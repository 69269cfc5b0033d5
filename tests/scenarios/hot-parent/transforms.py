from replicator import drop_table, many, one, transform

drop_table("tenants", reason="its name is part of the booking")


RELATED = {"service": one("services", where={"id": "service_id"}), "tenant": one("tenants", where={"id": "service.tenant_id"})}


@transform("bookings", related=RELATED)
def bookings(row, service, tenant):
    return {
        "id": row.id,
        "service": None if service is None else service.title,
        "tenant": None if tenant is None else tenant.name,
        "note": row.note,
    }


@transform("services", related={"bookings": many("bookings", where={"service_id": "id"}, order_by=["note"])})
def services(row, bookings):
    if row.gone:
        return None
    return {"id": row.id, "title": row.title, "bookings": len(bookings)}
