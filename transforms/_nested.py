"""JSON that a legacy text column holds, made part of a larger JSON value without changing what it says."""

import json
from decimal import Decimal
from typing import Any

DEEPEST = 30
"""MariaDB reads JSON 32 levels deep, MySQL 100; the value ends up one or two levels inside another."""

LONGEST_NAME = 65535
"""Bytes of a member's name that MySQL can store."""


def nested(text: str | None) -> Any:
    """The value of a JSON text, to be nested as such; the text itself, as a string, where it is not JSON.

    Text whose meaning would suffer on the way is kept as a string as well, so that nothing is lost: numbers that
    neither 64 bits nor a double hold exactly, objects that name a member twice (MySQL keeps the last, MariaDB both),
    half of a surrogate pair, NaN and Infinity, which are not JSON, and values nested deeper than the servers go.
    """
    if text is None:
        return None
    try:
        value = json.loads(text, object_pairs_hook=_members, parse_int=_integer, parse_float=_double, parse_constant=_refuse)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return text
    return value if _depth_fits(value, DEEPEST) else text


def flat(value: Any) -> str | None:
    """The text of which `nested` makes this value: the way back."""
    if value is None:
        return None
    if isinstance(value, str) and nested(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def word(value: Any) -> str | None:
    """What a member that should be text says, as text."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def members(text: str) -> dict[str, Any]:
    """A JSON object's members; of anything else there are none."""
    value = json.loads(text)
    return value if isinstance(value, dict) else {}


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs) or any(len(name) > LONGEST_NAME // 4 for name in members):
        raise ValueError("not the same on every server")
    return members


def _integer(digits: str) -> int:
    # Longer ones would not fit anyhow, and Python refuses to read thousands of digits at once.
    number = int(digits) if len(digits) <= 20 else None
    if number is None or not -(2**63) <= number < 2**64:
        raise ValueError("more than 64 bits")
    return number


def _double(digits: str) -> float:
    number = float(digits)
    if Decimal(repr(number)) != Decimal(digits):
        raise ValueError("not a double")
    return number


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _depth_fits(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    parts = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_depth_fits(part, levels - 1) for part in parts)
