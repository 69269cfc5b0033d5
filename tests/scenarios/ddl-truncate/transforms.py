from replicator import copy_table, many, one, transform

copy_table("plain")
copy_table("parents")
copy_table("children")


@transform("services", related={"bookings": many("bookings", where={"service_id": "id"})})
def services(row, bookings):
    return {"id": row.id, "bookings": len(bookings)}


@transform("bookings", related={"service": one("services", where={"id": "service_id"})})
def bookings(row, service):
    return {"id": row.id, "service": None if service is None else service.name}


@transform("staff", source="bookings", group_by=["staff"], key={"name": "staff"})
def staff(rows):
    return {"name": rows[0].staff, "bookings": len(rows)}
