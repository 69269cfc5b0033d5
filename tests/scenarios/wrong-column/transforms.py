from replicator import transform


@transform("items")
def items(row):
    if row.name == "odd":
        return {"id": row.id, "name": row.name, "size": row.size, "naem": row.name}
    return {"id": row.id, "name": row.name, "size": row.size}
