"""Keys by which rows are found."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.mysql.catalog import GEOMETRY_TYPES, Table
from replicator.mysql.connection import SORTED_OCTETS
from replicator.mysql.sql import quote, quote_list
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, warning
from replicator.transform.plan import PlannedTransform

_NO_KEYS = {"json", "vector", *GEOMETRY_TYPES}
_WEIGHT_OCTETS = 8
"""Of a character, in the collations with the longest weights."""


def check(context: Context) -> Iterator[Finding]:
    """Every row that is read has a key that says which it is, and every unit of the target an index."""
    for source in context.plan.sources.values():
        table = source.table
        if not table.row_key:
            yield failed(
                f"source table {table.name} has no primary key and no unique key without NULLs: its rows cannot be told "
                "apart",
                f"ALTER TABLE {table.sql} ADD COLUMN `id` bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST",
            )
        yield from _inexact(table, table.row_key)
    for name in sorted(context.targets.without_overlaps & context.plan.targets.keys()):
        table = context.plan.targets[name]
        yield failed(
            f"target table {name} has a key WITHOUT OVERLAPS: the server cannot set rows of such a table whatever stands there",
            f"leave that key out of the schema file, and after the cutover ALTER TABLE {quote(table.name)} ADD UNIQUE (…)",
        )
    for transform in context.plan.transforms:
        target, keys = transform.target, transform.key_columns
        yield from _inexact(transform.source, transform.unit_columns)
        yield from _inexact(target, keys)
        yield from _ranked(transform) if transform.grouped else ()
        wanted = {*keys, *(name for name, _ in transform.constants)}
        if keys and not any(wanted >= set(index.columns[: len(wanted)]) >= set(keys) or
                            set(index.columns[: len(keys)]) == set(keys) for index in target.indexes):  # fmt: skip
            yield warning(
                f"target table {target.name} has no index that begins with {', '.join(keys)}, the key of the transform of "
                f"{transform.name}: every change would read the whole table",
                f"ALTER TABLE {target.sql} ADD INDEX ({quote_list(keys)})",
            )


def _inexact(table: Table, names: tuple[str, ...]) -> Iterator[Finding]:
    for name in names:
        column = table.by_name[name]
        if column.type in _NO_KEYS:
            yield failed(
                f"{table.schema}.{table.name}.{name} is a {column.type} and part of a key: no row is found by such a value",
                "name another key with key=…",
            )
        elif column.type == "enum" and "" in column.members:
            yield failed(
                f"{table.schema}.{table.name}.{name} is an enum with the member '' and part of a key: a value that is none of "
                "the members is the same text",
                "name another key with key=…, or give the member a name",
            )
        elif column.type in ("float", "double"):
            yield failed(
                f"{table.schema}.{table.name}.{name} is a {column.type} and part of a key: numbers that print alike need "
                "not be equal",
                f"ALTER TABLE {table.sql} MODIFY {quote(name)} decimal(30,10) NOT NULL, or name another key with key=…",
            )


def _ranked(transform: PlannedTransform) -> Iterator[Finding]:
    """Groups are told apart by the server, which looks at the beginning of a value only."""
    for name in transform.unit_columns:
        column = transform.source.by_name[name]
        octets = (column.characters or 0) * _WEIGHT_OCTETS if column.is_text else column.octets or 0
        if octets > SORTED_OCTETS:
            yield failed(
                f"{transform.name} is grouped by {transform.source.name}.{name}, a {column.full_type}: of values as long as "
                "that the server may take two for one",
                f"ALTER TABLE {transform.source.sql} MODIFY {quote(name)} varchar({SORTED_OCTETS // _WEIGHT_OCTETS}), or group "
                "by another column",
            )
