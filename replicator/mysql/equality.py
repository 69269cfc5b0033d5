"""Which keys are one key though they are spelled differently: a question for the server, whose collations decide."""

from __future__ import annotations

from collections.abc import Sequence

from replicator.mysql.catalog import Column
from replicator.mysql.connection import Connection, rows

_AT_ONCE = 200

Key = Sequence[str]
"""Literals of the columns."""


def equal_keys(connection: Connection, columns: Sequence[Column], keys: Sequence[Key], others: Sequence[Key]) -> dict[int, int]:
    """Places of the `keys` that equal one of `others`, as the server compares these columns, and of the first such one.

    Needed for groups: one with the members 'a' and 'A' is known by either.
    """
    forms = [f"CONVERT({{}} USING {one.charset}) COLLATE {one.collation}" if one.is_text else "{}" for one in columns]

    def table(some: Sequence[Key], start: int) -> str:
        selects = []
        for place, key in enumerate(some[start : start + _AT_ONCE], start):
            literals = [f"{form.format(one)} AS k{number}" for number, (form, one) in enumerate(zip(forms, key, strict=True))]
            selects.append(f"SELECT {place} AS place, {', '.join(literals)}")
        return " UNION ALL ".join(selects)

    equal = " AND ".join(f"own.k{number} <=> other.k{number}" for number in range(len(columns)))
    found: dict[int, int] = {}
    for other in [table(others, start) for start in range(0, len(others), _AT_ONCE)]:
        for own in [table(keys, start) for start in range(0, len(keys), _AT_ONCE)]:
            statement = f"SELECT own.place, MIN(other.place) FROM ({own}) AS own JOIN ({other}) AS other ON {equal} GROUP BY 1"
            found = {int(place): int(same) for place, same in rows(connection, statement)} | found
    return found
