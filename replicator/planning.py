"""The plan of a configured migration: its files and both catalogs, read now."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from replicator.config import Config
from replicator.mysql.catalog import read_foreign_keys, read_tables
from replicator.mysql.connection import Connection, execute, failing
from replicator.mysql.flavour import identify
from replicator.mysql.sql import quote
from replicator.schema_files import run_files
from replicator.transform.loader import load
from replicator.transform.plan import MigrationPlan
from replicator.transform.planner import make_plan


def resolve(config: Config, source: Connection, target: Connection) -> MigrationPlan:
    """Load the transforms and hold them against both schemas.

    Where the target has no tables yet, its schema files are tried out in a scratch database that is dropped again.
    Raises ConfigError or TransformDeclarationError listing every problem.
    """
    declarations = load(config.migration.transforms)
    with failing(config.source, "reading its tables"):
        read = read_tables(source, config.source.database), read_foreign_keys(source, config.source.database)
        logs_cascades = identify(source).logs_cascades
    tables = read_tables(target, config.target.database)
    if not tables and config.migration.schema is not None:
        with tried_out(config, target, config.migration.schema) as scratch:
            tables = {
                name: replace(table, schema=config.target.database) for name, table in read_tables(target, scratch).items()
            }
    return make_plan(declarations, read[0], tables, read[1], logs_cascades=logs_cascades)


def create_target(config: Config, target: Connection) -> None:
    """Create the target database and, if it is empty, the tables of the schema files."""
    execute(target, f"CREATE DATABASE IF NOT EXISTS {quote(config.target.database)} CHARACTER SET utf8mb4")
    if config.migration.schema is not None and not read_tables(target, config.target.database):
        run_files(config.target, config.target.database, config.migration.schema)


def drop_tables(target: Connection, database: str) -> None:
    """Drop every table of a database, in a session that checks no foreign keys."""
    for name in read_tables(target, database):
        execute(target, f"DROP TABLE IF EXISTS {quote(database, name)}")


@contextmanager
def tried_out(config: Config, target: Connection, schema: Path) -> Iterator[str]:
    """A scratch database with what the schema files create; its name is the state database's with more behind it."""
    scratch = f"{config.migration.state_database[:55]}_{secrets.token_hex(4)}"
    execute(target, f"CREATE DATABASE {quote(scratch)} CHARACTER SET utf8mb4")
    try:
        run_files(config.target, scratch, schema)
        yield scratch
    finally:
        execute(target, f"DROP DATABASE {quote(scratch)}")
