"""The target tables before there are any: what the schema files will create."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from replicator.config import Config
from replicator.mysql.catalog import Table, read_tables
from replicator.mysql.connection import Connection, rows
from replicator.planning import tried_out

_ALL_VALUES = ("MAXVALUE", "DEFAULT")


@dataclass(frozen=True, slots=True)
class Targets:
    """The target tables as they are or will be."""

    tables: Mapping[str, Table]
    bounded: frozenset[str] = frozenset()
    """Those that are partitioned and have no partition for some values."""
    exist: bool = True


def read_targets(connection: Connection, config: Config, there: Mapping[str, Table]) -> Targets:
    """The tables that are `there` in the target database; those of the schema files where it has none. Raises ConfigError."""
    if not there and config.migration.schema is not None:
        return _tried(connection, config, config.migration.schema)
    return Targets(there, _bounded(connection, config.target.database))


def _tried(connection: Connection, config: Config, schema: Path) -> Targets:
    with tried_out(config, connection, schema) as scratch:
        found, bounded = read_tables(connection, scratch), _bounded(connection, scratch)
    tables = {name: replace(table, schema=config.target.database) for name, table in found.items()}
    return Targets(tables, bounded, exist=False)


def _bounded(connection: Connection, schema: str) -> frozenset[str]:
    limits: dict[str, list[str]] = {}
    for table, description in rows(
        connection,
        "SELECT table_name, partition_description FROM information_schema.partitions WHERE table_schema = %s"
        " AND (partition_method LIKE 'RANGE%%' OR partition_method LIKE 'LIST%%')",
        (schema,),
    ):
        limits.setdefault(table, []).append(str(description))
    return frozenset(
        table for table, texts in limits.items() if not any(word in text for text in texts for word in _ALL_VALUES)
    )
