from replicator import transform


@transform("texts")
def texts(row):
    return {"id": row.id, "name": row.name.lower()}
