"""The plan of a configured migration: its files and both catalogs, read now."""

from __future__ import annotations

from replicator.config import Config
from replicator.mysql.catalog import read_foreign_keys, read_tables
from replicator.mysql.connection import Connection
from replicator.mysql.flavour import identify
from replicator.transform.loader import load
from replicator.transform.plan import MigrationPlan, make_plan


def resolve(config: Config, source: Connection, target: Connection) -> MigrationPlan:
    """Load the transforms and hold them against both schemas.

    Raises ConfigError or TransformDeclarationError listing every problem.
    """
    declarations = load(config.migration.transforms)
    return make_plan(
        declarations,
        read_tables(source, config.source.database),
        read_tables(target, config.target.database),
        read_foreign_keys(source, config.source.database),
        logs_cascades=identify(source).logs_cascades,
    )
