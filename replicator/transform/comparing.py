"""Which columns may be joined: those whose values compare in one way, whatever the server's plan and whoever asks.

Two columns of unlike types are compared as doubles, as times or as texts, by the plan: an index is searched with a converted
value, a scan converts both. A changed row is found again by its value as a literal, which is converted by rules of its own. So
only what both servers compare alike in all these ways is joined; `tests/plan/test_comparing.py` tries every pair.
"""

from __future__ import annotations

from replicator.mysql.catalog import BINARY_TYPES, GEOMETRY_TYPES, INTEGER_TYPES, Column

_FAMILIES = {
    **dict.fromkeys(INTEGER_TYPES | {"decimal", "bit"}, "numbers"),
    **dict.fromkeys(("float", "double"), "floats"),
    **dict.fromkeys(("date", "datetime", "timestamp"), "moments"),
    **dict.fromkeys(BINARY_TYPES, "bytes"),
    **dict.fromkeys(GEOMETRY_TYPES | {"json", "vector"}, None),
}


def comparable_columns(found: Column, owner: Column) -> bool:
    """Whether rows may be found by `found = owner`, `found` being the related row's."""
    if found.is_text and owner.is_text:
        return all("" not in column.members for column in (found, owner)) and _one_order(found, owner)
    family = _FAMILIES.get(found.type, found.type)
    return family is not None and not found.is_text and family == _FAMILIES.get(owner.type, owner.type)


def _one_order(found: Column, owner: Column) -> bool:
    """Whether the collation by which the two are compared finds no more than that of `owner` alone does."""
    if found.collation == owner.collation:
        return True
    (charset, order), (owner_charset, owner_order) = collation_parts(found), collation_parts(owner)
    if charset == owner_charset:  # a binary collation decides, and is the finer one
        return order.endswith("bin") != owner_order.endswith("bin") and pads(found) == pads(owner)
    # utf8mb3 is the first plane of utf8mb4. The other way round the row's column could not even be asked for an emoji.
    return (charset, owner_charset) == ("utf8mb3", "utf8mb4") and order == owner_order


def collation_parts(column: Column) -> tuple[str, str]:
    """Charset and order of a text column's collation."""
    charset, _, order = (column.collation or "").partition("_")
    return {"utf8": "utf8mb3"}.get(charset, charset), order or charset


def pads(column: Column) -> bool:
    """Whether spaces at the end of a text do not count."""
    collation = column.collation or ""
    return "_0900_" not in collation and "nopad" not in collation and collation != "binary"


def type_text(column: Column) -> str:
    """The type as in DDL, with the collation by which a text compares."""
    return f"{column.full_type} COLLATE {column.collation}" if column.collation else column.full_type
