from replicator import copy_table, drop_table, one, transform

copy_table("branches")
copy_table("shifts")
drop_table("companies", reason="of no use any more")


@transform("staff", related={"branch": one("branches", where={"id": "branch_id"})})
def staff(row, branch):
    return {"id": row.id, "branch": None if branch is None else branch.name, "boss": row.boss}
