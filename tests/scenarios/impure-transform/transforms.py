import itertools

from replicator import transform

_calls = itertools.count()


@transform("items")
def items(row):
    return {"id": row.id, "seen": f"{row.name} {next(_calls)}"}
