from replicator import transform


@transform("teams", source="members", group_by=["team"], key={"team": "team"})
def teams(rows):
    return [{"team": rows[0].team, "id": row.id * 1000 + rows[0].id, "role": row.role} for row in rows]
