from replicator import transform


@transform("words", key={"id": "id"})
def words(row):
    return {"word": row.word, "id": row.id}
