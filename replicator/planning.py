"""The plan of a configured migration: its files and both catalogs, read now."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pymysql

from replicator.config import Config
from replicator.errors import ConfigError
from replicator.mysql.catalog import read_foreign_keys, read_tables
from replicator.mysql.connection import Connection, Endpoint, connected, describe, execute, failing, passes
from replicator.mysql.flavour import identify
from replicator.mysql.sql import quote
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
        _run_files(config.target, config.target.database, config.migration.schema)


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
        _run_files(config.target, scratch, schema)
        yield scratch
    finally:
        execute(target, f"DROP DATABASE {quote(scratch)}")


def _run_files(endpoint: Endpoint, database: str, path: Path) -> None:
    """Run DDL files in name order, foreign keys unchecked, so that their order need not follow the references."""
    files = sorted(path.glob("*.sql")) if path.is_dir() else [path]
    if not files:
        raise ConfigError(f"{path}: no *.sql files here; set [migration] schema to the DDL of the target tables")
    with connected(replace(endpoint, database=database), write=True, several=True) as connection:
        for file in files:
            try:
                with connection.cursor() as cursor:
                    cursor.execute(file.read_text(encoding="utf-8"))
                    while cursor.nextset():
                        pass
            except pymysql.MySQLError as error:
                if passes(error):
                    raise endpoint.failure(error, f"running {file}") from None
                raise ConfigError(f"{file}: {describe(error)}") from None
            except OSError as error:
                raise ConfigError(f"{file}: {error.strerror}") from None
