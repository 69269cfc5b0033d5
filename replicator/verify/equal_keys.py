"""Keys that are different values and yet one key, because a collation says so."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from replicator.mysql.connection import Connection, rows
from replicator.mysql.literals import encoder
from replicator.transform.plan import PlannedTransform
from replicator.transform.produce import Values
from replicator.transform.units import batches

_AT_ONCE = 200


def equal_keys(
    source: Connection, transform: PlannedTransform, keys: Sequence[Values], others: Collection[Values]
) -> set[int]:
    """Places of the `keys` that equal one of `others`, as the source compares its unit columns.

    Needed for groups: one with the members 'a' and 'A' is known by either.
    """
    columns = [transform.source.by_name[name] for name in transform.unit_columns]
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
            found.update(int(place) for (place,) in rows(source, statement))
    return found
