"""What stands on the target before the first row: databases, tables, and for which two databases that is."""

from __future__ import annotations

from replicator.config import Config
from replicator.errors import WrongState
from replicator.mysql.catalog import read_tables
from replicator.mysql.connection import Connection
from replicator.planning import create_target, drop_tables
from replicator.state import State


def create(config: Config, state: State, target: Connection) -> None:
    """State and target tables. What an earlier run that was ended here had created of the target is made anew."""
    database = config.target.database
    state.create(target)
    if not state.exists(target):
        state.begin(target, {"target_was_empty": not read_tables(target, database)})
    facts = state.facts(target)
    if not facts.get("target_created"):
        if facts["target_was_empty"]:
            drop_tables(target, database)
        create_target(config, target)
        state.learn(target, target_created=True)


def same_databases(config: Config, state: State, target: Connection) -> None:
    """The position and all that is proved belong to two databases: others of the same servers would go on with neither."""
    now = {"source": config.source.database, "target": config.target.database}
    begun = state.facts(target).get("databases")
    if begun is None:
        state.learn(target, databases=now)
    elif begun != now:
        raise WrongState(
            f"the migration {state.migration} was begun from {begun['source']} to {begun['target']}, and now [source]"
            f" and [target] url say {now['source']} and {now['target']}: put them back, or give another migration another"
            " name"
        )
