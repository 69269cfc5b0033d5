"""The target tables before there are any: their DDL is tried in a database of its own, read back, and dropped."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pymysql

from replicator.config import Config
from replicator.errors import ConfigError, TargetError
from replicator.mysql.catalog import Table, read_tables
from replicator.mysql.connection import Connection, describe, execute, rows, value
from replicator.mysql.sql import quote
from replicator.preflight.script import read_schema

_SUFFIX = "_check"
_WAIT = 30
"""Seconds to wait for another `check` that uses the scratch database."""
_ALL_VALUES = ("MAXVALUE", "DEFAULT")


@dataclass(frozen=True, slots=True)
class Trial:
    """Tables that the schema files create, as if they stood in the target database."""

    tables: dict[str, Table]
    bounded: set[str]
    """Those that have no partition for some values."""


def scratch_database(config: Config) -> str:
    """The name of the database that is created and dropped again on the target server."""
    return config.migration.state_database[: 64 - len(_SUFFIX)] + _SUFFIX


def tables_of_schema(connection: Connection, config: Config) -> Trial:
    """The tables that `[migration] schema` creates.

    Raises ConfigError for DDL that the server refuses, TargetError when another check does not end.
    """
    assert config.migration.schema is not None
    statements = read_schema(config.migration.schema)
    database = scratch_database(config)
    lock = f"replicator {database}"[:64]
    if not value(connection, "SELECT GET_LOCK(%s, %s)", (lock, _WAIT)):
        raise TargetError(f"target {config.target.address}: another check uses {database}: try again when it has ended")
    try:
        execute(connection, f"DROP DATABASE IF EXISTS {quote(database)}")
        execute(connection, f"CREATE DATABASE {quote(database)} CHARACTER SET utf8mb4")
        try:
            execute(connection, f"USE {quote(database)}")
            for statement in statements:
                try:
                    execute(connection, statement.sql)
                except pymysql.MySQLError as error:
                    reason = f"{statement.place}: the target refuses this statement: {describe(error)}"
                    raise ConfigError(reason) from None
            found, bounded = read_tables(connection, database), bounded_tables(connection, database)
        finally:
            execute(connection, f"DROP DATABASE {quote(database)}")
    finally:
        value(connection, "SELECT RELEASE_LOCK(%s)", (lock,))
    return Trial({name: replace(table, schema=config.target.database) for name, table in found.items()}, bounded)


def bounded_tables(connection: Connection, schema: str) -> set[str]:
    """Tables partitioned by RANGE or LIST without a partition that takes all other values."""
    limits: dict[str, set[str]] = {}
    for table, description in rows(
        connection,
        "SELECT table_name, partition_description FROM information_schema.partitions WHERE table_schema = %s"
        " AND (partition_method LIKE 'RANGE%%' OR partition_method LIKE 'LIST%%')",
        (schema,),
    ):
        limits.setdefault(table, set()).add(str(description))
    return {
        table for table, found in limits.items() if not any(word in text for text in found for word in _ALL_VALUES)
    }
