from replicator import transform


@transform("services")
def services(row):
    return {"id": row.id, "name": row.title}
