from replicator import transform


@transform("items")
def items(row):
    return {"id": row.id, "name": row.name}
