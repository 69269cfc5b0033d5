from replicator import transform


@transform("items")
def items(row):
    return {"id": row.id, "cents": row.cents, "euros": row.euros}
