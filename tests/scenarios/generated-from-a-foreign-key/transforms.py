from replicator import copy_table, transform

copy_table("parents")


@transform("children")
def children(row):
    return {"id": row.id, "parent_id": row.parent_id, "orphan": row.orphan, "twice": row.twice}
