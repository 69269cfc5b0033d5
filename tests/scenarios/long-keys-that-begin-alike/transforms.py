from replicator import many, transform


@transform("pages", source="visits", group_by=["page"], key={"page": "page"})
def pages(rows):
    return {"first": rows[0].id, "page": rows[0].page, "visits": len(rows)}


@transform("digests", source="visits", group_by=["digest"], key={"digest": "digest"})
def digests(rows):
    return {"first": rows[0].id, "digest": rows[0].digest, "visits": len(rows)}


@transform(
    "shops",
    related={
        "by_page": many("visits", where={"shop": "id"}, order_by=["page"]),
        "by_digest": many("visits", where={"shop": "id"}, order_by=["digest"]),
    },
)
def shops(row, by_page, by_digest):
    last = "".join(visit.page[-1] for visit in by_page)
    return {"id": row.id, "pages": last, "digests": "".join(chr(visit.digest[-1]) for visit in by_digest)}
