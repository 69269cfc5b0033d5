from replicator import copy_table, many, one, transform

copy_table("pages")


@transform("visits", related={
    "page": one("pages", where={"path": "path"}), "file": one("files", where={"name": "name"}),
    "blobs": many("blobs", where={"hash": "hash"}, order_by=["kind"]),
})  # fmt: skip
def visits(row, page, file, blobs):
    return {
        "id": row.id, "title": page.title if page else None, "size": file.size if file else None,
        "kinds": sum(blob.kind for blob in blobs),
    }  # fmt: skip
