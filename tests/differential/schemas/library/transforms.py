from __future__ import annotations

from typing import Any

from replicator import copy_table, many, one, transform

copy_table("marker")
copy_table("authors")


@transform(
    "author_works",
    source="authors",
    related={"books": many("books", where={"author_code": "code"}, order_by=["title"])},
)
def author_works(row: Any, books: Any) -> Any:
    return {"code": row.code, "books": len(books), "titles": "|".join(book.title for book in books)}


@transform(
    "works",
    source="books",
    related={
        "author": one("authors", where={"code": "author_code"}),
        "shelf": one("shelves", where={"label": "shelf"}),
    },
)
def works(row: Any, author: Any, shelf: Any) -> Any:
    return {
        "isbn": row.isbn,
        "author": author.name if author is not None else None,
        "author_born": author.born if author is not None else None,
        "room": shelf.room if shelf is not None else None,
        "genre": row.genre,
        "pages": row.pages,
    }


@transform("genres", source="books", group_by=["genre"], key={"genre": "genre"})
def genres(rows: Any) -> Any:
    return {
        "first_isbn": rows[0].isbn,
        "genre": rows[0].genre,
        "books": len(rows),
        "pages": sum(row.pages for row in rows),
    }


@transform(
    "readers",
    source="loans",
    group_by=["reader"],
    related={"books": many("books", where={"isbn": "isbn"}, order_by=["pages"])},
)
def readers(rows: Any, books: Any) -> Any:
    if rows[0].reader is None:
        return None
    return {
        "reader": rows[0].reader,
        "loans": len(rows),
        "days": sum(row.days for row in rows),
        "books": ",".join(book.isbn for book in books),
    }
