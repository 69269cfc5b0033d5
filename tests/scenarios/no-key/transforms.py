from replicator import transform


@transform("log", key={"text": "text"})
def log(row):
    return {"id": 1, "text": row.text}
