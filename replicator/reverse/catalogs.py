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
from replicator.transform.planner import make_plan


def resolve_reverse(config: Config, source: Connection, target: Connection, new: Collection[str]) -> ReversePlan:
    """Load transforms and inverses and hold them against the archived tables and the `new` ones, which are in use.

    After a rename all of them are on the target's server, and the new ones in the source's database.

    Raises ConfigError or TransformDeclarationError listing every problem.
    """
    declarations = load(config.migration.transforms)
    archive, apart = config.cutover.archive_database, config.cutover.mode == "hooks"
    before, database = (source, config.target.database) if apart else (target, config.source.database)
    in_use = {name: table for name, table in read_tables(target, database).items() if name in new}
    # Kept tables, and dropped ones that could not be moved yet, are where they were.
    here = read_tables(before, config.source.database)
    old = {name: table for name, table in here.items() if apart or name not in new} | read_tables(before, archive)
    logs_cascades = identify(target).logs_cascades
    old_keys = read_foreign_keys(before, archive)
    forward = make_plan(declarations, old, in_use, old_keys, logs_cascades=identify(before).logs_cascades)
    if apart:  # staging is on the other server: after a rollback the stream forward brings it up to date itself
        unstaged = {name: replace(table, staged=None) for name, table in forward.sources.items()}
        forward = replace(forward, sources=unstaged)
    return make_reverse_plan(
        declarations,
        replace(forward, source_schema=archive),
        in_use,
        old,
        new_keys=[key for key in read_foreign_keys(target, database) if key.table in in_use and key.parent in in_use],
        old_keys=old_keys,
        logs_cascades=logs_cascades,
    )
