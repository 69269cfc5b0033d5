"""Keys by which rows are found."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.mysql.catalog import Table
from replicator.mysql.sql import quote, quote_list
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, warning


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
        if column.type in ("float", "double"):
            yield failed(
                f"{table.schema}.{table.name}.{name} is a {column.type} and part of a key: numbers that print alike need "
                "not be equal",
                f"ALTER TABLE {table.sql} MODIFY {quote(name)} decimal(30,10) NOT NULL, or name another key with key=…",
            )
