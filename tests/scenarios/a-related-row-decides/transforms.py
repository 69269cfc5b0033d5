from replicator import drop_table, one, transform

drop_table("accounts", reason="not needed any more")


@transform("users", related={"account": one("accounts", where={"id": "account_id"})})
def users(row, account):
    if account is None or not account.active:
        return None
    return {"id": row.id, "name": row.name}
