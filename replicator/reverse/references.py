"""References that the new schema allowed to dangle and the old one does not.

Foreign keys that the new schema has dropped, or that never reach rows which transforms leave out, may after a rollback point
to rows that are gone. They are mended right behind the switch, as writes like any other, which go forward with the stream.
Nothing that the new schema shows is deleted for it.
"""

from __future__ import annotations

from collections import Counter

from replicator.mysql.catalog import ForeignKey, Table, read_foreign_keys
from replicator.mysql.connection import Connection, execute, rows
from replicator.mysql.literals import encoder, select_expression
from replicator.mysql.sql import key_condition, quote
from replicator.transform.plan import MigrationPlan
from replicator.transform.produce import Values
from replicator.transform.units import Units, batches

_AT_ONCE = 200


def mend_references(connection: Connection, plan: MigrationPlan, tables: dict[str, Table]) -> tuple[Counter[str], Counter[str]]:
    """Mend those of `tables`, the source's; what was mended and what could not be: foreign key → rows.

    A reference that may be NULL becomes NULL. A row of which no target row is made goes with its parent, where the key says
    ON DELETE CASCADE. `connection` is an autocommitting session that may write to the source.
    """
    mended, left = Counter[str](), Counter[str]()
    for key in read_foreign_keys(connection, plan.source_schema):
        child, parent = tables.get(key.table), tables.get(key.parent)
        if child is None or parent is None or not child.row_key or key.schema != key.parent_schema:
            continue
        name = f"{key.table}.{key.name}"
        for part in batches(_orphans(connection, key, child), _AT_ONCE):
            whole = len(part)
            if key.on_delete == "CASCADE":
                unseen = [one for one in part if not _shown(connection, plan, child, one)]
                mended[name] += _delete(connection, key, child, unseen)
            if all(child.by_name[column].nullable for column in key.columns):
                nulls = ", ".join(f"c.{quote(column)} = NULL" for column in key.columns)
                mended[name] += execute(connection, f"UPDATE {child.sql} AS c SET {nulls} WHERE {_still(key, child, part)}")
            remaining = rows(connection, f"SELECT COUNT(*) FROM {child.sql} AS c WHERE {_still(key, child, part)}")
            left[name] += min(whole, int(remaining[0][0]))
    return +mended, +left


def _dangling(key: ForeignKey) -> str:
    given = " AND ".join(f"c.{quote(column)} IS NOT NULL" for column in key.columns)
    on = " AND ".join(
        f"p.{quote(theirs)} = c.{quote(own)}" for own, theirs in zip(key.columns, key.parent_columns, strict=True)
    )
    # A second level of SELECT: MySQL refuses to look into a table that the same statement changes.
    parent = f"(SELECT {', '.join(quote(column) for column in key.parent_columns)} FROM {quote(key.parent_schema, key.parent)})"
    return f"{given} AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {on})"


def _orphans(connection: Connection, key: ForeignKey, child: Table) -> list[Values]:
    columns = ", ".join(select_expression(child.by_name[name], f"c.{quote(name)}") for name in child.row_key)
    return list(rows(connection, f"SELECT {columns} FROM {child.sql} AS c WHERE {_dangling(key)}"))


def _still(key: ForeignKey, child: Table, keys: list[Values]) -> str:
    """The rows with these keys that are still without a parent."""
    encoders = [encoder(child.by_name[name]) for name in child.row_key]
    literals = [tuple([encode(value) for encode, value in zip(encoders, one, strict=True)]) for one in keys]
    return f"{key_condition([f'c.{quote(name)}' for name in child.row_key], literals)} AND {_dangling(key)}"


def _delete(connection: Connection, key: ForeignKey, child: Table, keys: list[Values]) -> int:
    if not keys:
        return 0
    return execute(connection, f"DELETE c FROM {child.sql} AS c WHERE {_still(key, child, keys)}")


def _shown(connection: Connection, plan: MigrationPlan, child: Table, key: Values) -> bool:
    """Whether a target row is made of the source row."""
    for transform in plan.transforms:
        if transform.source.name == child.name:
            units = Units(transform, plan.source_sql)
            encoders = [encoder(child.by_name[name]) for name in child.row_key]
            literals = tuple([encode(value) for encode, value in zip(encoders, key, strict=True)])
            condition = key_condition([f"t0.{quote(name)}" for name in child.row_key], [literals])
            if transform.grouped or units.where(connection, condition):
                return True
    return False
