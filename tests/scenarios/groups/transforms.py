from replicator import transform


@transform("staff", source="skills", group_by=["staff"], key={"staff": "staff"})
def staff(rows):
    ordered = sorted(rows, key=lambda row: (row.rank_, row.id))
    names = ",".join(row.name for row in ordered)
    return {"staff": rows[0].staff, "first": ordered[0].name, "skills": names, "least": min(row.id for row in rows)}
