"""What a kind of column is, and how two columns of it are compared."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Draw = Callable[[random.Random], str]
"""One value as an SQL literal, never NULL."""

BYTES = "HEX({})"
NUMBER = "CAST({} AS CHAR)"
FLOATING = "CONCAT({} * 1e0)"
"""The shortest digits that name a double are its own, and the sign of zero is among them."""
BITS = "HEX({} + 0)"
UNICODE = "HEX(CONVERT({} USING utf8mb4))"
MEMBERS = "CONCAT({0} + 0, ':', HEX({0}))"
DOCUMENT = (
    "CONCAT_WS(';', HEX(CAST({0} AS CHAR)), JSON_TYPE({0}),"
    " (SELECT GROUP_CONCAT(JSON_TYPE(v)) FROM JSON_TABLE({0}, '$**.*' COLUMNS (v JSON PATH '$')) AS found),"
    " (SELECT GROUP_CONCAT(JSON_TYPE(v)) FROM JSON_TABLE({0}, '$**[*]' COLUMNS (v JSON PATH '$')) AS found))"
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One type with its settings."""

    sql: str
    draw: Draw
    shown: str = BYTES
    wide: str | None = None
    """The type that takes the same text in utf8mb4."""
    has_default: bool = False
    """Whether it may have a literal as default on both servers."""
    attributes: str = ""
    """What stands behind the type."""


def quoted(text: str) -> str:
    """A string literal of a session in utf8mb4."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def hexadecimal(data: bytes) -> str:
    """A literal of bytes."""
    return f"x'{data.hex()}'"


def often(usual: Draw, limits: Sequence[str], share: float = 0.4) -> Draw:
    """One of the limits as often as `share` says, else a usual value."""
    return lambda draw: draw.choice(limits) if draw.random() < share else usual(draw)
