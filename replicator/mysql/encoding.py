"""Whole rows of literals: one function, generated for a table's columns, with the usual case of every type written into it.

Whatever is not the usual case goes through the column's own `encoder`, which is slower and knows everything; both give the
same text for the same value.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from replicator.mysql.catalog import BINARY_TYPES, GEOMETRY_TYPES, INTEGER_TYPES, Column
from replicator.mysql.literals import DAYS, INTEGER_BITS, LOB_OCTETS, TWO_DIGITS, UNWRITABLE, encoder
from replicator.mysql.sql import quoted

RowFunction = Callable[[Sequence[Any]], tuple[str, ...]]
HALF_A_CHARACTER: Final = "half of a surrogate pair, which is no character: return whole characters"


def half_character(literals: Sequence[str]) -> int | None:
    """Where among the literals of a row half of a surrogate pair stands, which cannot be sent to a server."""
    try:
        "".join(literals).encode()
    except UnicodeEncodeError:
        return next((place for place, text in enumerate(literals) if any("\ud800" <= one <= "\udfff" for one in text)), None)
    return None


def is_binary(column: Column) -> bool:
    """Whether its literals are x'…': bytes that are no text."""
    return column.type in BINARY_TYPES or column.type in GEOMETRY_TYPES or column.type == "vector"


def row_encoder(columns: Sequence[Column], *, digits: bool = False) -> RowFunction:
    """Values → literals, each as the column's `encoder` gives it; raises ValueError or TypeError where that refuses one.

    `digits` leaves x'…' away from around hexadecimal digits, for LOAD DATA, whose lines know no such literals.
    """
    scope: dict[str, Any] = {
        "B": "\\", "BB": "\\\\", "Q": "'", "QQ": "''", "E": "E", "e": "e", "POINT": ".", "DAYS": DAYS, "TWO": TWO_DIGITS,
        "Decimal": Decimal, "date": date, "datetime": datetime,
    }  # fmt: skip
    parts = []
    for number, column in enumerate(columns):
        value, slow = f"v{number}", f"slow{number}"
        scope[slow] = _slow(column, digits)
        if column.type == "enum":
            scope[f"members{number}"] = {member: quoted(member) for member in column.members}
        rest = f"'NULL' if {value} is None else {slow}({value})" if column.nullable else f"{slow}({value})"
        usual = _usual(column, value, number, digits)
        parts.append(f"{usual[1]} if {usual[0]} else {rest}" if usual is not None else rest)
    names = "".join(f"v{number}, " for number in range(len(columns)))
    body = "".join(f"        {part},\n" for part in parts)
    exec(f"def encode(row):\n    ({names}) = row\n    return (\n{body}    )\n", scope)
    found: RowFunction = scope["encode"]
    return found


def _slow(column: Column, digits: bool) -> Callable[[Any], str]:
    encode = encoder(column)
    if column.type == "time":
        return lru_cache(maxsize=2048, typed=True)(encode)
    if digits and is_binary(column):
        return lambda value: text if (text := encode(value)) == "NULL" else text[2:-1]
    return encode


def _usual(column: Column, v: str, number: int, digits: bool) -> tuple[str, str] | None:
    """(condition, expression) of the value that one expects in the column; it may be narrower than what fits."""
    kind, a = column.type, f"{v}.__class__ is"
    if column.charset in UNWRITABLE:
        return None
    if kind in INTEGER_TYPES:
        bits = INTEGER_BITS[kind]
        low, high = (0, 2**bits - 1) if column.unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return f"{a} int and {low} <= {v} <= {high}", f"str({v})"
    if kind == "decimal":
        return _usual_decimal(column.precision or 10, column.scale or 0, v)
    if kind == "double":
        low = "0" if column.unsigned else repr(-sys.float_info.max)
        return (
            f"{a} float and {low} <= {v} <= {sys.float_info.max!r}",
            f"(t if e in (t := repr({v})) else t + 'e0')",
        )
    if kind in ("char", "varchar"):
        end = f" and {v}[-1:] != ' '" if kind == "char" else ""
        return f"{a} str and len({v}) <= {column.characters or 0}{end}", _quote(v)
    if kind in LOB_OCTETS:
        return f"{a} str and len({v}) <= {LOB_OCTETS[kind] // 4}", _quote(v)
    if kind == "enum":
        return f"{a} str", f"(members{number}.get({v}) or slow{number}({v}))"
    if is_binary(column) and kind != "vector" and column.octets is not None:
        operator = "==" if kind == "binary" else "<="
        return f"{a} bytes and len({v}) {operator} {column.octets}", f"{v}.hex()" if digits else f"f\"x'{{{v}.hex()}}'\""
    if kind == "date":
        return f"{a} date", f"f\"'{{DAYS[{v}.toordinal()]}}'\""
    if kind in ("datetime", "timestamp"):
        return _usual_datetime(column.fraction, v)
    return None


def _quote(v: str) -> str:
    return f"f\"'{{{v} if B not in {v} and Q not in {v} else {v}.replace(B, BB).replace(Q, QQ)}}'\""


def _usual_decimal(precision: int, scale: int, v: str) -> tuple[str, str] | None:
    """Positive, with exactly the column's digits after the point: what a SELECT of such a column gives."""
    if not 0 < scale < precision:
        return None
    point = f"[{-scale - 1}:{-scale}] == POINT and E not in t and t[0] != '-'"
    return f"{v}.__class__ is Decimal and (t := str({v})){point} and len(t) <= {precision + 1}", "t"


def _usual_datetime(fraction: int, v: str) -> tuple[str, str]:
    step = 10 ** (6 - fraction)
    fits = f" and not {v}.microsecond" + (f" % {step}" if fraction else "") if step > 1 else ""
    text = f"{{DAYS[{v}.toordinal()]}} {{TWO[{v}.hour]}}:{{TWO[{v}.minute]}}:{{TWO[{v}.second]}}"
    if fraction:
        text += f".{{{v}.microsecond // {step}:0{fraction}d}}"
    return f"{v}.__class__ is datetime and {v}.tzinfo is None{fits}", f"f\"'{text}'\""
