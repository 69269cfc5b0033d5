"""Staging: raw copies, on the target server, of the source columns that cross-row transforms need."""

from __future__ import annotations

import hashlib

from replicator.errors import WrongState
from replicator.mysql.catalog import BINARY_TYPES, Column, Table, read_tables
from replicator.mysql.connection import Connection, execute
from replicator.mysql.sql import quote
from replicator.state import Direction
from replicator.transform.plan import StagedTable
from replicator.transform.units import Relation

_NAME_LIMIT = 64
_PREFIX_CHARACTERS = 191
"""Long columns are indexed by a prefix: 191 utf8mb4 characters fit every row format."""


def staging_name(migration: str, table: str) -> str:
    """`{migration}:{table}`, shortened with a hash where the server's limit of 64 characters asks for it."""
    name = f"{migration}:{table}"
    if len(name) <= _NAME_LIMIT:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: _NAME_LIMIT - 13]}:{digest}"


def staging_relation(database: str, migration: str, direction: Direction = "forward") -> Relation:
    """Table of the upstream → its quoted staging table."""
    mark = "" if direction == "forward" else "<"
    return lambda table: quote(database, staging_name(migration, mark + table))


def create_staging(connection: Connection, relation: Relation, staged: StagedTable) -> None:
    """Create the staging table, without its secondary indexes, if it is not there."""
    lines = [_definition(staged.table.by_name[name]) for name in staged.columns]
    lines.append(f"PRIMARY KEY ({', '.join(_key_parts(staged.table))})")
    execute(
        connection,
        f"CREATE TABLE IF NOT EXISTS {relation(staged.table.name)} ({', '.join(lines)}) ENGINE=InnoDB"
        " CHARACTER SET utf8mb4",
    )


def index_staging(connection: Connection, relation: Relation, staged: StagedTable) -> None:
    """Add the indexes that the joins use; those that stand already stay."""
    missing = []
    for number, columns in enumerate(staged.indexes, 1):
        name = f"by_{number}"
        table = relation(staged.table.name)
        with connection.cursor() as cursor:
            if not cursor.execute(f"SHOW INDEX FROM {table} WHERE key_name = %s", (name,)):
                parts = ", ".join(_indexed(staged.table.by_name[column]) for column in columns)
                missing.append(f"ADD INDEX {name} ({parts})")
    if missing:
        execute(connection, f"ALTER TABLE {relation(staged.table.name)} {', '.join(missing)}")


def fit_staging(connection: Connection, database: str, migration: str, staged: StagedTable) -> None:
    """Give the staging table the columns that the source's table has now, where it was changed under the migration.

    Raises WrongState for a column that was not staged when the table was copied.
    """
    name = staging_name(migration, staged.table.name)
    table = read_tables(connection, database).get(name)
    known = table.by_name if table is not None else {}
    missing = [column for column in staged.columns if column not in known]
    if missing:
        raise WrongState(
            f"{quote(database, name)} lacks {', '.join(missing)}: transforms have come to read of {staged.table.name} what"
            " was not copied. Let them read what they did before, or abort and run again"
        )
    changed = [
        f"MODIFY {_definition(column)}"
        for column in map(staged.table.by_name.__getitem__, staged.columns)
        if _shape(column) != _shape(known[column.name])
    ]
    if changed:
        execute(connection, f"ALTER TABLE {quote(database, name)} {', '.join(changed)}")


def _shape(column: Column) -> tuple[object, ...]:
    """What decides about the values that the column holds."""
    if column.type in ("json", "longtext"):  # one is the other on MariaDB
        return ()
    digits = (column.precision, column.scale) if column.type == "decimal" else ()
    return (
        column.type, column.unsigned, column.characters, column.octets, digits, column.fraction, column.members,
        column.charset, column.collation, column.nullable,
    )  # fmt: skip


def _definition(column: Column) -> str:
    charset = f" CHARACTER SET {column.charset} COLLATE {column.collation}" if column.charset else ""
    if column.type == "json":
        charset = ""
    return f"{quote(column.name)} {column.full_type}{charset} {'NULL' if column.nullable else 'NOT NULL'}"


def _key_parts(table: Table) -> list[str]:
    """The row key as the source's own index has it: of a long column perhaps only the beginning."""
    primary = [index for index in table.indexes if index.name == "PRIMARY"]
    prefixes = {name: prefix for index in primary for name, prefix in zip(index.columns, index.prefixes, strict=True)}
    return [quote(name) + (f"({prefix})" if (prefix := prefixes.get(name)) else "") for name in table.row_key]


def _indexed(column: Column) -> str:
    long = column.type.endswith(("text", "blob")) or (column.octets or 0) > _PREFIX_CHARACTERS * 4
    if long and (column.is_text or column.type in BINARY_TYPES):
        return f"{quote(column.name)}({_PREFIX_CHARACTERS})"
    return quote(column.name)
