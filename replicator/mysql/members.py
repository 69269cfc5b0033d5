"""ENUM and SET: members by their text, and the value of an ENUM that is none of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, Final

from replicator.mysql.catalog import Column
from replicator.mysql.connection import Connection
from replicator.mysql.sql import quoted


class Invalid(str):
    """What an ENUM holds where it was given none of its members: '' as text, 0 as a number, and not the member ''."""

    __slots__ = ()


NO_MEMBER: Final = Invalid()
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")
_ZEROS = ("0", "00", "000", "0000", "00000")
_LENIENTLY = "SET STATEMENT sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION' FOR"
_WIDE = frozenset({"ucs2", "utf16", "utf16le", "utf32"})


def no_member_literal(members: tuple[str, ...]) -> str | None:
    """How NO_MEMBER is written: a strict MySQL takes it for the number 0, a strict MariaDB refuses it; None where a member
    looks like it."""
    known = {unicodedata.normalize("NFKC", member) for member in members}
    return next((quoted(text) for text in _ZEROS if text not in known), None)


class NoMembers:
    """Finds NO_MEMBER in rows of literals, and writes such a row where a strict session may not."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._places = [
            (place, literal)
            for place, column in enumerate(columns)
            if column.type == "enum" and (literal := no_member_literal(column.members)) is not None
        ]

    def count(self, row: Sequence[str]) -> int:
        """How many there are."""
        return sum(row[place] == literal for place, literal in self._places)

    def among(self, rows: Sequence[Sequence[str]]) -> bool:
        """Whether a row has one."""
        return bool(self._places) and any(map(self.count, rows))

    def write(self, connection: Connection, statement: str, row: Sequence[str]) -> bool:
        """Run MariaDB's statement for one row without strictness, inside a transaction; False if the server changed another
        value as well, which is undone."""
        with connection.cursor() as cursor:
            cursor.execute("SAVEPOINT no_member")
            cursor.execute(f"{_LENIENTLY} {statement}")
            if cursor.warning_count == self.count(row):
                return True
            cursor.execute("ROLLBACK TO no_member")
            return False


def enum_encoder(members: tuple[str, ...], charset: str | None) -> Callable[[Any], str]:
    """Writes the members of an ENUM in `charset`, and NO_MEMBER; raises ValueError."""
    literals = {member: quoted(member) for member in members}
    zero = no_member_literal(members)

    def encode(value: Any) -> str:
        if value.__class__ is Invalid:
            if zero is None or charset in _WIDE:
                raise ValueError(f"an enum's invalid value (number 0), which cannot be written to an enum in {charset}")
            return zero
        try:
            return literals[value]
        except (KeyError, TypeError):
            if isinstance(value, str):
                if (shown := _BEYOND_BMP.sub("?", value)) != value and shown in literals:
                    return quoted(value)
                raise ValueError("a text that is not a member of the enum") from None
            raise ValueError(f"a {type(value).__name__} for a column of type enum: return a str") from None

    return encode


def set_encoder(members: tuple[str, ...]) -> Callable[[Any], str]:
    """Writes members of a SET that are joined by commas, in the order of the definition; raises ValueError."""
    order = {member: index for index, member in enumerate(members)}

    def place(part: str) -> int:
        found = order.get(part)
        return found if found is not None else order[_BEYOND_BMP.sub("?", part)]

    def encode(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"a {type(value).__name__} for a column of type set: return a str with commas")
        if "" in order:
            raise ValueError("a set that has '' as a member: its values with and without it are one text; drop the member")
        if not value:
            return "''"
        try:
            return quoted(",".join(sorted(set(value.split(",")), key=place)))
        except KeyError:
            raise ValueError("a text that is not a member of the set") from None

    return encode
