"""What is done once after a switch, before the stream of the new direction begins."""

from __future__ import annotations

import threading

import structlog

from replicator.apply import heartbeat
from replicator.config import Config
from replicator.mysql.catalog import read_tables
from replicator.mysql.connection import connected
from replicator.progress import Progress
from replicator.reverse.plan import ReversePlan
from replicator.reverse.references import mend_references
from replicator.reverse.stage import fill_staging
from replicator.staging import staging_relation
from replicator.state import State
from replicator.transform.plan import MigrationPlan

_log = structlog.get_logger("migration")


def prepare_reverse(config: Config, state: State, reverse: ReversePlan, progress: Progress, stop: threading.Event) -> None:
    """After a cutover: what the stream back needs to know of the new tables as they were then."""
    upstream, downstream = config.ends("reverse")
    if config.stream.heartbeat is not None:
        with connected(upstream, database=False) as connection:
            heartbeat.create(connection, state.database)
    if not any(source.staged is not None for source in reverse.stream.sources.values()):
        return
    with connected(config.target, database=False, write=True) as target:
        state.guard(target)
        facts = state.facts(target)
        if facts.get("reverse_staged") == facts["switch"]["since"]:
            return
    relation = staging_relation(state.database, state.migration, "reverse")
    with progress.long_step("staging the new tables as they were at the switch"):
        fill_staging(downstream, reverse, relation, stop)
    with connected(config.target, database=False, write=True) as target:
        state.learn(target, reverse_staged=facts["switch"]["since"])


def mend(config: Config, plan: MigrationPlan, progress: Progress) -> None:
    """After a rollback: references that only the new schema allowed to dangle."""
    _, endpoint = config.ends("reverse")
    with progress.long_step("mending references"), connected(endpoint, database=False, write=True) as connection:
        mended, left = mend_references(connection, plan, read_tables(connection, config.source.database))
    for action, found in (("references.mended", mended), ("references.dangling", left)):
        if found:
            _log.warning(action, rows=dict(found))
