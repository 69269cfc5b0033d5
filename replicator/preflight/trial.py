"""The target tables before there are any: what the schema files will create."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from replicator.config import Config
from replicator.mysql.catalog import Table, read_tables
from replicator.mysql.connection import Connection, rows
from replicator.mysql.sql import quote
from replicator.planning import tried_out

_OVERLAPS = re.compile(r"^ *(?:PRIMARY|UNIQUE) KEY .* WITHOUT OVERLAPS", re.MULTILINE)
_DOCUMENT = re.compile(r"^ *`((?:[^`]|``)+)` .*CHECK \(json_valid\(`\1`\)\),?$", re.MULTILINE)
"""A column that MariaDB made of the type JSON."""
_ALL_VALUES = ("MAXVALUE", "DEFAULT")


@dataclass(frozen=True, slots=True)
class Targets:
    """The target tables as they are or will be."""

    tables: Mapping[str, Table]
    bounded: frozenset[str] = frozenset()
    """Those that are partitioned and have no partition for some values."""
    exist: bool = True
    without_overlaps: frozenset[str] = frozenset()
    """Those with a key of MariaDB's WITHOUT OVERLAPS."""
    documents: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Table → its columns that hold JSON."""


def read_targets(connection: Connection, config: Config, there: Mapping[str, Table]) -> Targets:
    """The tables that are `there` in the target database; those of the schema files where it has none. Raises ConfigError."""
    if not there and config.migration.schema is not None:
        return _tried(connection, config, config.migration.schema)
    database = config.target.database
    shown = _shown(connection, database, there)
    return Targets(
        there, _bounded(connection, database), without_overlaps=_without_overlaps(shown), documents=_documents(there, shown)
    )


def _tried(connection: Connection, config: Config, schema: Path) -> Targets:
    with tried_out(config, connection, schema) as scratch:
        found, bounded = read_tables(connection, scratch), _bounded(connection, scratch)
        shown = _shown(connection, scratch, found)
    tables = {name: replace(table, schema=config.target.database) for name, table in found.items()}
    overlaps, documents = _without_overlaps(shown), _documents(tables, shown)
    return Targets(tables, bounded, exist=False, without_overlaps=overlaps, documents=documents)


def _shown(connection: Connection, schema: str, tables: Iterable[str]) -> dict[str, str]:
    """Table → its DDL."""
    return {table: rows(connection, f"SHOW CREATE TABLE {quote(schema, table)}")[0][1] for table in tables}


def _without_overlaps(shown: Mapping[str, str]) -> frozenset[str]:
    """What MariaDB's information_schema does not say before 11.4."""
    return frozenset(table for table, text in shown.items() if _OVERLAPS.search(text))


def _documents(tables: Mapping[str, Table], shown: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """To MariaDB the type JSON is a text with a CHECK."""
    return {
        name: frozenset(column.name for column in table.columns if column.type == "json")
        | {found.replace("``", "`") for found in _DOCUMENT.findall(shown[name])}
        for name, table in tables.items()
    }


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
