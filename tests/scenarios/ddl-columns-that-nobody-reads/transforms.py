from replicator import one, transform


@transform("services")
def services(row):
    return {"id": row.id, "name": row.name}


@transform("bookings", related={"service": one("services", where={"id": "service_id"})})
def bookings(row, service):
    return {"id": row.id, "service": None if service is None else service.name, "note": row.note}
