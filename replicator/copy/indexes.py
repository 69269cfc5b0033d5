"""Secondary indexes of the target tables: dropped before the copy, added afterwards in one pass over each table.

The definition is in the state database before an index is dropped, and leaves it after the index stands again: a kill at
any moment leaves either the index or its definition, and both steps look at the table before they change it.
"""

from __future__ import annotations

import threading

import pymysql

from replicator.config import Config
from replicator.errors import Interrupted, TargetError
from replicator.mysql.catalog import ForeignKey, Index, Table, read_foreign_keys
from replicator.mysql.connection import Connection, error_code, execute, row, rows
from replicator.mysql.sql import quote
from replicator.state import of
from replicator.transform.plan import MigrationPlan

_NEEDED_BY_FOREIGN_KEY = 1553


def defer_indexes(config: Config, plan: MigrationPlan, target: Connection) -> None:
    """Drop the plain secondary indexes of target tables that are still empty; the connection autocommits.

    Unique indexes stay, because the copy relies on them, and so does every index that a foreign key or AUTO_INCREMENT needs.
    """
    state = of(config)
    keys = read_foreign_keys(target, plan.target_schema)
    for table in plan.targets.values():
        if row(target, f"SELECT 1 FROM {table.sql} LIMIT 1") is not None:
            continue
        definitions = _definitions(target, table)
        names = [index.name for index in _droppable(table, keys) if index.name in definitions]
        if names:
            for name in names:
                state.defer_index(target, table.name, name, definitions[name])
            target.commit()
            try:
                _alter(config, target, table, ", ".join(f"DROP INDEX {quote(name)}" for name in names))
            except TargetError as error:
                # MySQL keeps all indexes of a table whose child refers to columns that are not unique.
                if error.__cause__ is None or error_code(error.__cause__) != _NEEDED_BY_FOREIGN_KEY:
                    raise
                for name in names:
                    state.index_restored(target, table.name, name)
                target.commit()


def restore_indexes(config: Config, plan: MigrationPlan, target: Connection, stop: threading.Event | None = None) -> None:
    """Add every deferred index again, all of a table by one ALTER; the connection autocommits.

    Raises Interrupted between two tables when `stop` is set.
    """
    state = of(config)
    for name, deferred in state.deferred_indexes(target).items():
        if stop is not None and stop.is_set():
            raise Interrupted("the indexes are not all added yet: the next run goes on with the next table")
        table = plan.targets[name]
        standing = _definitions(target, table)
        missing = [definition for index, definition in sorted(deferred.items()) if index not in standing]
        if missing:
            _alter(config, target, table, ", ".join(f"ADD {definition}" for definition in missing))
        for index in deferred:
            state.index_restored(target, name, index)
        target.commit()


def _alter(config: Config, target: Connection, table: Table, changes: str) -> None:
    try:
        execute(target, f"ALTER TABLE {table.sql} {changes}")
    except (pymysql.MySQLError, OSError) as error:
        raise config.target.failure(error, f"changing the indexes of {table.name}") from error


def _definitions(target: Connection, table: Table) -> dict[str, str]:
    """Index name → its line of SHOW CREATE TABLE, which says all there is to say about it."""
    found: dict[str, str] = {}
    shown = rows(target, f"SHOW CREATE TABLE {table.sql}")[0][1]
    for line in str(shown).splitlines():
        text = line.strip().removesuffix(",")
        for index in table.indexes:
            if text.startswith(f"KEY {quote(index.name)} "):
                found[index.name] = text
    return found


def _droppable(table: Table, keys: tuple[ForeignKey, ...]) -> list[Index]:
    needed = [key.columns for key in keys if (key.schema, key.table) == (table.schema, table.name)]
    needed += [key.parent_columns for key in keys if (key.parent_schema, key.parent) == (table.schema, table.name)]
    needed += [(column.name,) for column in table.columns if column.auto_increment]
    return [
        index
        for index in table.indexes
        if not index.unique and not any(index.columns[: len(columns)] == columns for columns in needed)
    ]
