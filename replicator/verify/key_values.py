"""Keys as values that cross from one column to another: which fit."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from replicator.mysql.catalog import Column
from replicator.mysql.connection import Connection, row
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
