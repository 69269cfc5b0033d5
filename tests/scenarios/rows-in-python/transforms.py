from replicator import many, transform


@transform("branches", related={"days": many("days", where={"branch_id": "id"})})
def branches(row, days):
    return {
        "id": row.id,
        "one": row._table,
        "two": row._index,
        "three": row.count,
        "four": row.index,
        "five": row["__slots__"],
        "names": ",".join(day.name for day in sorted(days)),
        "first": min(days).name if days else None,
        "last": max(days).name if days else None,
    }
