"""The way back of a configured migration after the switch: its files, and the tables where they are now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from replicator.config import Config
from replicator.mysql.catalog import read_foreign_keys, read_tables
from replicator.mysql.connection import Connection
from replicator.mysql.flavour import identify
from replicator.reverse.plan import ReversePlan, make_reverse_plan
from replicator.transform.loader import load
from replicator.transform.plan import make_plan


def resolve_reverse(config: Config, connection: Connection, new: Collection[str]) -> ReversePlan:
    """Load transforms and inverses and hold them against the archived tables and the `new` ones, which are in use.

    Raises ConfigError or TransformDeclarationError listing every problem.
    """
    declarations = load(config.migration.transforms)
    database, archive = config.source.database, config.cutover.archive_database
    here = read_tables(connection, database)
    in_use = {name: table for name, table in here.items() if name in new}
    # Kept tables, and dropped ones that could not be moved yet, are where they were.
    old = {name: table for name, table in here.items() if name not in new} | read_tables(connection, archive)
    logs_cascades = identify(connection).logs_cascades
    old_keys = read_foreign_keys(connection, archive)
    forward = make_plan(declarations, old, in_use, old_keys, logs_cascades=logs_cascades)
    return make_reverse_plan(
        declarations,
        replace(forward, source_schema=archive),
        in_use,
        old,
        new_keys=[key for key in read_foreign_keys(connection, database) if key.table in in_use and key.parent in in_use],
        old_keys=old_keys,
        logs_cascades=logs_cascades,
    )
