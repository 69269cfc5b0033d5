from replicator import const, transform


@transform("events", source="calls", key={"kind": const("call"), "id": "id"})
def of_calls(row):
    return {"kind": "call", "id": row.id, "body": row.body}


@transform("events", source="hooks", key={"kind": const("hook"), "id": "id"})
def of_hooks(row):
    return {"kind": "hook", "id": row.id, "body": row.body}
