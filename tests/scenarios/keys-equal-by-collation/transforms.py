from replicator import copy_table, one, transform

copy_table("words")


@transform("uses", related={"word": one("words", where={"word": "word"})})
def uses(row, word):
    return {"id": row.id, "word": row.word, "note": None if word is None else word.note}


@transform("counts", source="uses", group_by=["word"], key={"word": "word"})
def counts(rows):
    return {"word": rows[0].word, "uses": len(rows), "least": rows[0].id}
