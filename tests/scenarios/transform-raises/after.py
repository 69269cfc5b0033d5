from replicator import transform


@transform("items")
def items(row):
    return {"id": row.id, "name": (row.name or "")[:5], "size": min(row.size or 0, 127)}
