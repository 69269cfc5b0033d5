"""Every shape of a transform, each with its way back."""

import json

from replicator import const, copy_table, drop_table, inverse, keep_table, many, one, transform

copy_table("companies")
copy_table("regions")
drop_table("notes", reason="nobody reads them")
keep_table("sessions", reason="the framework's")


@transform("customers")
def customers(row):
    company = row.company_id if row.company_id is not None else row.tenant_id
    return {"id": row.id, "company_id": company, "name": row.name, "role": "admin" if row.role == "admin" else "staff"}


@inverse("customers")
def customers_back(row):
    customer = {"id": row.id, "company_id": row.company_id, "name": row.name, "role": row.role}
    return customer if row.company_id is not None else customer | {"tenant_id": None}


@transform("offers", source="services")
def offers(row):
    if row.deleted_at is not None:
        return None
    return {"id": row.id, "title": row.name, "slug": row.name.lower().replace(" ", "-")}


@inverse("offers")
def offers_back(row):
    return {"id": row.id, "name": row.title, "deleted_at": None}


@transform("bookings", related={"service": one("services", where={"id": "service_id"})})
def bookings(row, service):
    lives = service is not None and service.deleted_at is None
    return {"id": row.id, "offer_id": service.id if lives else None, "note": row.note}


@inverse("bookings")
def bookings_back(row):
    return {"id": row.id, "service_id": row.offer_id, "note": row.note}


@transform("branches", related={"hours": many("hours", where={"branch_id": "id"})})
def branches(row, hours):
    opening = sorted({(hour.day, hour.opens) for hour in hours if hour.day <= 7})
    return {"id": row.id, "name": row.name, "opening": [list(one) for one in opening]}


@inverse("branches")
def branches_back(row):
    hours = [{"branch_id": row.id, "day": day, "opens": opens} for day, opens in json.loads(row.opening)]
    return [("branches", {"id": row.id, "name": row.name}), *(("hours", hour) for hour in hours)]


@transform("persons", source="people")
def persons(row):
    return {"id": row.id, "name": row.name}


@inverse("persons")
def persons_back(row):
    return {"id": row.id, "name": row.name}


@transform("addresses", source="people", key={"person_id": "id"})
def addresses(row):
    return None if row.street is None else {"person_id": row.id, "street": row.street, "city": row.city}


@inverse("addresses", part_of=["people"])
def addresses_back(row):
    return {"id": row.person_id, "street": row.street, "city": row.city}


@transform("events", source="mails", key={"source": const("mail"), "source_id": "id"})
def from_mails(row):
    state = {"sent": "done"}.get(row.state, "open")
    return {"source": "mail", "source_id": row.id, "body": row.body, "state": state}


@transform("events", source="hooks", key={"source": const("hook"), "source_id": "id"})
def from_hooks(row):
    return {"source": "hook", "source_id": row.id, "body": row.body, "state": ""} if row.kind == "web" else None


@inverse("events")
def events_back(row):
    if row.source == "mail":
        return [("mails", {"id": row.source_id, "body": row.body, "state": {"done": "sent"}.get(row.state, "new")})]
    return [("hooks", {"id": row.source_id, "kind": "web", "body": row.body})]


@transform("staff_skills", source="skills", group_by=["staff_id"], key={"staff_id": "staff_id"})
def staff_skills(rows):
    return [
        {"id": row.id, "staff_id": row.staff_id, "skill": row.skill, "is_first": place == 0} for place, row in enumerate(rows)
    ]


@inverse("staff_skills")
def staff_skills_back(row):
    return {"id": row.id, "staff_id": row.staff_id, "skill": row.skill}


@transform("orders", related={"region": one("regions", where={"id": "region_id"})})
def orders(row, region):
    return {"id": row.id, "region": None if region is None else region.code, "total": row.total}


@inverse("orders", related={"place": one("regions", where={"code": "region"})})
def orders_back(row, place):
    return {"id": row.id, "region_id": None if place is None else place.id, "total": row.total}
