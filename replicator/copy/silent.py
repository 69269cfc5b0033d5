"""Copies the tables that foreign keys change without a word in the binlog.

For all other tables the last event of a row says what becomes of it, whenever the row was copied. What a cascade did follows
from the children as they stood at that moment, so children that were copied later than that give a wrong answer: a row that
has come to its parent since then would be deleted again, for good. Such a table is therefore copied as it is at one position,
and nothing before that position concerns it. Parents go first: what happens to them afterwards is then also news to their
children. All of this comes before the parallel copy, which also takes children that are the end of every cascade.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pymysql

from replicator.binlog.safe_position import begin_snapshot
from replicator.config import Config
from replicator.copy.jobs import copy_job
from replicator.copy.session import Session, opened
from replicator.copy.work import PATIENCE_SECONDS
from replicator.errors import ConnectionLost, Interrupted
from replicator.mysql.connection import Connection, connected, execute, failing
from replicator.mysql.position import Position
from replicator.progress import Progress
from replicator.staging import staging_relation
from replicator.state import State, of
from replicator.throttle import Throttle
from replicator.transform.plan import MigrationPlan, SourceTable
from replicator.transform.units import TargetRows


def copy_silent(
    config: Config, plan: MigrationPlan, progress: Progress, stop: threading.Event, throttle: Throttle
) -> None:
    """Copy `plan.silent`, group by group; a group that a kill interrupted begins again.

    Each table's position becomes part of the fact `settled`. Raises Interrupted when `stop` is set, and what ends the copy:
    BadRow, SourceError, TargetError, or ConnectionLost when it lasts.
    """
    state = of(config)
    last = time.monotonic()
    for group in plan.silent:
        while True:
            try:
                with connected(config.target, database=False) as target, failing(config.target, "copying"):
                    known = _positions(state, target)
                if not known.keys() >= set(group):
                    _Group(config, plan, progress, stop, throttle).copy(group)
                last = time.monotonic()
                break
            except ConnectionLost as error:
                if time.monotonic() - last > PATIENCE_SECONDS:
                    raise
                progress.retried("copy", error)
                if stop.wait(1.0):
                    raise Interrupted("the copy was stopped: the next run goes on with it") from None


def settled(plan: MigrationPlan, state: State, target: Connection) -> dict[str, Position]:
    """Table → position before which nothing concerns it, because its copy was begun at that position or behind it.

    Children of the tables that are copied here were copied after them, and have to leave out as much: what happened to their
    parents before is not replayed, so neither is what that did to them.
    """
    known = _positions(state, target)
    found = dict(known)
    for key in plan.cascades:
        if key.table not in known and key.parent in known:
            found[key.table] = max(found.get(key.table, known[key.parent]), known[key.parent], key=lambda at: at.order)
    return found


def _positions(state: State, target: Connection) -> dict[str, Position]:
    """Where the tables stood that were copied here."""
    stored = state.facts(target).get("settled", {})
    return {table: Position(**position) for table, position in stored.items()}


class _Group:
    def __init__(
        self, config: Config, plan: MigrationPlan, progress: Progress, stop: threading.Event, throttle: Throttle
    ) -> None:
        self._config = config
        self._plan = plan
        self._progress = progress
        self._stop = stop
        self._throttle = throttle
        self._state = of(config)
        self._staging = staging_relation(config.migration.state_database, config.migration.name)

    def copy(self, group: Sequence[str]) -> None:
        sources = [self._plan.sources[name] for name in group]
        with opened(self._config, self._plan) as session, connected(self._config.source) as locking:
            try:
                with self._progress.long_step("emptying what an attempt before has copied"):
                    self._clear(session.target, sources)
                with failing(self._config.source, "copying"):
                    position = begin_snapshot(session.source, [source.table.sql for source in sources], locking)
                for source in sources:
                    self._copy(session, source)
                known = {name: at.to_json() for name, at in _positions(self._state, session.target).items()}
                self._state.learn(session.target, settled={**known, **dict.fromkeys(group, position.to_json())})
                session.target.commit()
            except (pymysql.MySQLError, OSError) as error:
                raise self._config.target.failure(error, "copying") from None

    def _clear(self, target: Connection, sources: Sequence[SourceTable]) -> None:
        """What an interrupted attempt left may be gone from the source by now."""
        for source in sources:
            if source.staged is not None:
                execute(target, f"TRUNCATE TABLE {self._staging(source.table.name)}")
            for transform in source.direct:
                condition = TargetRows(transform).constant_condition
                execute(target, f"DELETE FROM {transform.target.sql} WHERE TRUE{condition}")
        target.commit()

    def _copy(self, session: Session, source: SourceTable) -> None:
        name = source.table.name
        targets = {item.target.name: item.staged for item in self._plan.transforms if item.source.name == name}
        for target in targets:
            self._progress.expect(target, name, source.table.row_estimate)

        def copied(rows: int) -> None:
            for target in targets:
                self._progress.copied(target, rows, name)
            self._progress.beat()
            while (reason := self._throttle.reason()) is not None and not self._stop.is_set():
                self._progress.throttled(reason.name, reason.detail)
                self._progress.beat()
                self._stop.wait(1.0)
            self._progress.unthrottled()
            if self._stop.is_set():
                raise Interrupted("the copy was stopped: the next run goes on with the table under way")

        session.copy_whole(copy_job(source.table), copied)
        for target, staged in targets.items():
            if not staged:
                self._progress.finished(target, name)
