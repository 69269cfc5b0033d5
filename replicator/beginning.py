"""What stands before the first row: databases, tables, for which two databases that is, and where the stream begins."""

from __future__ import annotations

import threading

import pymysql

from replicator.apply import heartbeat
from replicator.binlog.birth import born
from replicator.binlog.safe_position import safe_position
from replicator.config import Config
from replicator.copy import defer_indexes
from replicator.errors import WrongState
from replicator.mysql.catalog import read_tables
from replicator.mysql.connection import Connection, failing, together
from replicator.mysql.flavour import identify
from replicator.mysql.xa import prepared
from replicator.patience import unless_stopped
from replicator.planning import create_target, drop_tables
from replicator.progress import Progress
from replicator.staging import create_staging, fit_staging, staging_relation
from replicator.state import Checkpoint, State
from replicator.transform.plan import MigrationPlan


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


def begin(
    config: Config,
    state: State,
    plan: MigrationPlan,
    source: Connection,
    target: Connection,
    progress: Progress,
    stop: threading.Event,
) -> None:
    """Enter the copy. The order matters: LOW is taken last before the copy may read, and stored before it does."""
    if config.stream.heartbeat is not None:
        with failing(config.source, "creating the heartbeat's table"):
            heartbeat.create(source, state.database)
    relation = staging_relation(state.database, state.migration)
    for table in plan.sources.values():
        if table.staged is not None:
            create_staging(target, relation, table.staged)
    defer_indexes(config, plan, target)
    with failing(config.source, "finding a position to start from"):
        low, method = safe_position(source)
        _await_decisions(config, source, progress, stop)
        visible, _ = safe_position(source)
        server = identify(source)
        begun = born(config.source, low)
    with together(target):
        state.begin_stream(target, "forward", Checkpoint(low, server.identity, 0.0), begun)
        state.learn(target, low=low.to_json(), low_method=method, source=str(server))
        state.learn(target, visible={"server": server.identity, "position": visible.to_json()})
        state.enter(target, "copying")


def _await_decisions(config: Config, source: Connection, progress: Progress, stop: threading.Event) -> None:
    """The rows of an XA transaction that was prepared before LOW stand before it: the copy has to find them decided."""
    try:
        waiting = set(prepared(source))
    except pymysql.MySQLError as error:
        raise config.source.failure(error, "looking for prepared XA transactions (XA_RECOVER_ADMIN)") from None
    while waiting:
        progress.doing(f"waiting until XA transactions are committed or rolled back: {', '.join(sorted(waiting)[:5])}")
        progress.beat()
        unless_stopped(stop)
        stop.wait(0.2)
        waiting &= set(prepared(source))


def fit(state: State, plan: MigrationPlan, target: Connection) -> None:
    """Staging as the source's tables are now."""
    for table in plan.sources.values():
        if table.staged is not None:
            fit_staging(target, state.database, state.migration, table.staged)
