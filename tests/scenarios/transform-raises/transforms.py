from replicator import transform


@transform("items")
def items(row):
    return {"id": row.id, "name": row.name.upper().lower()[:5], "size": row.size}
