from __future__ import annotations

from typing import Any

from replicator import copy_table, drop_table, many, one, transform

copy_table("marker")
copy_table("reactions")
drop_table("threads", reason="nothing reads it, and yet its deletes reach messages and reactions")


@transform(
    "posts",
    source="messages",
    related={
        "space": one("spaces", where={"id": "space_id"}),
        "answered": one("messages", where={"uid": "reply_to"}),
        "reactions": many("reactions", where={"uid": "uid"}, order_by=["amount"]),
    },
)
def posts(row: Any, space: Any, answered: Any, reactions: Any) -> Any:
    return {
        "uid": row.uid,
        "space": space.name if space is not None else None,
        "body": row.body,
        "answers": answered.body if answered is not None else None,
        "stars": row.stars,
        "reactions": ",".join(f"{reaction.kind}:{reaction.amount}" for reaction in reactions),
    }


@transform(
    "space_totals",
    source="messages",
    group_by=["space_id"],
    related={"space": one("spaces", where={"id": "space_id"})},
)
def space_totals(rows: Any, space: Any) -> Any:
    best = max(rows, key=lambda row: row.stars)
    return {
        "space_id": rows[0].space_id,
        "name": space.name if space is not None else None,
        "posts": len(rows),
        "stars": sum(row.stars for row in rows),
        "best": best.uid,
    }


@transform(
    "thread_totals",
    source="messages",
    group_by=["thread_id"],
    related={"reactions": many("reactions", where={"uid": "uid"})},
)
def thread_totals(rows: Any, reactions: Any) -> Any:
    if rows[0].thread_id is None:
        return None
    return {
        "thread_id": rows[0].thread_id,
        "posts": len(rows),
        "reactions": sum(reaction.amount for reaction in reactions),
    }


@transform(
    "space_posts",
    source="spaces",
    key={"space_id": "id"},
    related={"posts": many("messages", where={"space_id": "id"}, order_by=["stars"])},
)
def space_posts(row: Any, posts: Any) -> Any:
    if not posts:
        return None
    return {"space_id": row.id, "name": row.name, "posts": len(posts), "last_body": posts[-1].body}
