from replicator import one, transform


@transform("services")
def services(row):
    return {"id": row.id, "name": row.name, "label": f"{row.name} {row.price}"}


@transform("bookings", related={"service": one("services", where={"id": "service_id"})})
def bookings(row, service):
    return {"id": row.id, "price": None if service is None else service.price}
