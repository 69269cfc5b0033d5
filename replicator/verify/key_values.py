"""Keys as values that cross from one column to another: which fit, and which are one key though they are two values."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from replicator.mysql.catalog import Column
from replicator.mysql.connection import Connection, row, rows
from replicator.mysql.literals import encoder
from replicator.transform.produce import Values
from replicator.transform.units import batches

_AT_ONCE = 200


class KeyFilter:
    """Leaves out keys that the columns cannot hold: no row has them, and to ask for them is an error."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._encoders = [encoder(column) for column in columns]
        self._narrow = [
            (place, column.charset)
            for place, column in enumerate(columns)
            if column.is_text and column.charset not in (None, "utf8mb4")
        ]

    def held(self, connection: Connection, keys: Collection[Values]) -> list[Values]:
        """The keys that fit; asks the server about texts beyond ASCII where the column is not utf8mb4."""
        fitting = [key for key in keys if self._fits(key)]
        doubtful = [
            (number, f"CAST(CONVERT(CONVERT({literal} USING {charset}) USING utf8mb4) AS BINARY) = CAST({literal} AS BINARY)")
            for number, key in enumerate(fitting)
            for place, charset in self._narrow
            if isinstance(key[place], str) and not key[place].isascii()
            for literal in (self._encoders[place](key[place]),)
        ]
        refused: set[int] = set()
        for part in batches(doubtful, _AT_ONCE):
            answer = row(connection, f"SELECT {', '.join(test for _, test in part)}")
            assert answer is not None
            refused.update(number for (number, _), same in zip(part, answer, strict=True) if not same)
        return [key for number, key in enumerate(fitting) if number not in refused] if refused else fitting

    def _fits(self, key: Values) -> bool:
        try:
            for encode, one in zip(self._encoders, key, strict=True):
                encode(one)
        except ValueError:
            return False
        return True


def equal_keys(
    connection: Connection, columns: Sequence[Column], keys: Sequence[Values], others: Collection[Values]
) -> set[int]:
    """Places of the `keys` that equal one of `others`, as the server compares these columns.

    Needed for groups: one with the members 'a' and 'A' is known by either.
    """
    forms = [f"CONVERT({{}} USING {one.charset}) COLLATE {one.collation}" if one.is_text else "{}" for one in columns]
    encoders = [encoder(column) for column in columns]

    def select(key: Values) -> str:
        literals = [form.format(encode(one)) for form, encode, one in zip(forms, encoders, key, strict=True)]
        return ", ".join(f"{literal} AS k{place}" for place, literal in enumerate(literals))

    equal = " AND ".join(f"own.k{place} <=> other.k{place}" for place in range(len(columns)))
    other_tables = [" UNION ALL ".join(f"SELECT {select(key)}" for key in part) for part in batches(others, _AT_ONCE)]
    found: set[int] = set()
    for part in batches(range(len(keys)), _AT_ONCE):
        own = " UNION ALL ".join(f"SELECT {place} AS place, {select(keys[place])}" for place in part)
        for other in other_tables:
            statement = f"SELECT DISTINCT own.place FROM ({own}) AS own JOIN ({other}) AS other ON {equal}"
            found.update(int(place) for (place,) in rows(connection, statement))
    return found
