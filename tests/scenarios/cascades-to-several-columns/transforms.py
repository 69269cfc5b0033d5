from replicator import drop_table, one, transform

drop_table("orders", reason="its note is with the lines")


@transform("lines", source="lines_of", related={"order": one("orders", where={"code": "code", "part": "part"})})
def lines(row, order):
    return {"id": row.id, "code": row.code, "part": row.part, "note": None if order is None else order.note}
