"""READ FIRST: a migration from its first check to the last row, phase by phase.

    prepare → copy → catch up → build → replicate (and verify) → cut over

`Migration.run` is that list. Every phase can be killed at any moment and goes on where it was, because what has been done is
told by rows of the state database that were committed together with the data they speak of.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import Any

from replicator import state as state_module
from replicator.apply import heartbeat
from replicator.apply.stream import Stream
from replicator.binlog.safe_position import current_position, safe_position
from replicator.config import Config
from replicator.copy import build_jobs, copy_jobs, defer_indexes, restore_indexes, run_jobs
from replicator.errors import CheckFailed, Interrupted, ReplicatorError, VerificationFailed, WrongState
from replicator.mysql.catalog import read_tables
from replicator.mysql.connection import Connection, connect, connected, execute, value
from replicator.mysql.flavour import identify
from replicator.mysql.position import Position
from replicator.mysql.sql import quote
from replicator.planning import create_target, resolve
from replicator.preflight import run_checks
from replicator.progress import Progress
from replicator.staging import create_staging, index_staging, staging_relation
from replicator.state import Checkpoint
from replicator.transform.plan import MigrationPlan
from replicator.verify import Verifier
from replicator.watch import Watch

IDLE_LAG = 2.0
"""Seconds of lag below which `run --once` counts the stream as caught up."""


class Migration:
    """One daemon's work on one migration."""

    def __init__(self, config: Config, progress: Progress, stop: threading.Event | None = None) -> None:
        self.config = config
        self.progress = progress
        self.stop = stop or threading.Event()
        """Set to end cleanly at the next boundary."""
        self.state = state_module.of(config)
        self._relation = staging_relation(self.state.database, self.state.migration)
        self._plan: MigrationPlan | None = None
        self.stream: Stream | None = None
        self.verifier: Verifier | None = None

    @property
    def plan(self) -> MigrationPlan:
        """The resolved migration; known once `prepare` has run."""
        if self._plan is None:
            raise WrongState("the migration is still being prepared: wait until status shows the next phase")
        return self._plan

    # The phases -------------------------------------------------------------------------------------------

    def run(self, *, once: bool) -> None:
        """Go through the phases; returns when stopped, or with `once` when everything is copied, current and proved.

        Raises Interrupted when stopped before `once` was fulfilled.
        """
        with self._alone():
            phase = self.prepare()
            with self._watched():
                if phase == "copying":
                    self.copy()
                    phase = "catching_up"
                if phase == "catching_up":
                    self.catch_up()
                    self.build()
                self.replicate(once=once)

    def prepare(self) -> str:
        """Create what is missing, find the safe LOW; the phase to go on with."""
        self.progress.enter("preparing")
        with self._target() as target:
            phase = self.state.phase(target) if self.state.exists(target) else None
        if phase is None:
            self._check()
            phase = "preparing"
        if phase in ("completed", "aborted"):
            raise WrongState(f"the migration {self.state.migration} is {phase}: there is nothing left to run")
        with self._source() as source, self._target() as target:
            if phase == "preparing":
                create_target(self.config, target)
            self._plan = resolve(self.config, source, target)
            if phase == "preparing":
                self._begin(source, target)
                phase = "copying"
            self._show_tables(target, phase)
        return phase

    def _begin(self, source: Connection, target: Connection) -> None:
        """The order matters: LOW is taken last before the copy may read, and stored before it does."""
        self.state.create(target)
        if not self.state.exists(target):
            self.state.begin(target, {})
        heartbeat.create(source, self.state.database)
        for table in self.plan.sources.values():
            if table.staged is not None:
                create_staging(target, self._relation, table.staged)
        defer_indexes(self.config, self.plan, target)
        heartbeat.beat(source, self.state.database, self.state.migration)
        low, method = safe_position(source)
        server = identify(source)
        execute(target, "BEGIN")
        self.state.begin_stream(target, "forward", Checkpoint(low, server.identity, 0.0))
        self.state.learn(target, low=low.to_json(), low_method=method, source=str(server))
        self.state.enter(target, "copying")
        target.commit()

    def copy(self) -> None:
        """Copy every source table in parallel chunks; then HIGH is known."""
        self.progress.enter("copying")
        jobs = copy_jobs(self.plan)
        run_jobs(
            self.config,
            self.plan,
            jobs,
            workers=self.config.copy.workers,
            progress=self.progress,
            stop=self.stop,
        )
        self._unless_stopped()
        with self._source() as source, self._target() as target:
            high = current_position(source)
            execute(target, "BEGIN")
            self.state.learn(target, high=high.to_json())
            self.state.enter(target, "catching_up")
            target.commit()

    def catch_up(self) -> None:
        """Replay from LOW until past HIGH, setting rows whatever stands there."""
        self.progress.enter("catching_up", "adding indexes")
        with self._target() as target:
            facts = self.state.facts(target)
            if facts.get("building"):
                return  # staging has to stand still until all units are built
            restore_indexes(self.config, self.plan, target)
            for table in self.plan.sources.values():
                if table.staged is not None:
                    index_staging(target, self._relation, table.staged)
                    execute(target, f"ANALYZE TABLE {self._relation(table.table.name)}")
            for name in self.plan.targets:
                execute(target, f"ANALYZE TABLE {quote(self.plan.target_schema, name)}")
        self.progress.doing("replaying the binlog")
        high = Position(**facts["high"])
        stream = self._stream(exact=False)
        stream.start()
        try:
            while not stream.wait_applied(high, 0.5):
                self._unless_stopped()
        finally:
            stream.stop()

    def build(self) -> None:
        """Compute all units of staged transforms at the position where the stream stands."""
        with self._target() as target:
            self.state.learn(target, building=True)
        jobs = build_jobs(self.plan)
        if jobs:
            self.progress.doing("building units from staging")
            run_jobs(
                self.config,
                self.plan,
                jobs,
                workers=self.config.copy.workers,
                progress=self.progress,
                stop=self.stop,
            )
            self._unless_stopped()
        with self._target() as target:
            self.state.enter(target, "replicating")

    def replicate(self, *, once: bool) -> None:
        """From here on the promise holds: the target is T(source at the checkpoint) at every commit."""
        self.progress.enter("replicating")
        for transform in self.plan.transforms:
            self.progress.finished(transform.target.name, transform.source.name)
        self.stream = self._stream(exact=True)
        self.stream.start()
        self.verifier = Verifier(self.config, self.plan, self.stream, self.progress, self.stop)
        try:
            self._verify_first(once=once)
            if once:
                return
            while not self.stop.wait(0.2):
                if self.stream.error is not None:
                    raise self.stream.error
        finally:
            self.stream.stop()

    def _verify_first(self, *, once: bool) -> None:
        assert self.stream is not None
        assert self.verifier is not None
        with self._source() as source:
            end = current_position(source)
        while not self.stream.wait_applied(end, 0.5):
            self._unless_stopped()
        report = self.verifier.verify()
        self._unless_stopped()
        if not report.ok and once:
            raise VerificationFailed(report.summary())

    # Around the phases ------------------------------------------------------------------------------------

    def _stream(self, *, exact: bool) -> Stream:
        return Stream(self.plan, self.state, self.config.source, self.config.target, self.progress, exact=exact)

    def _check(self) -> None:
        failed = [result for result in run_checks(self.config) if result.status == "failed"]
        if failed:
            lines = [f"{result.name}: {result.message} — {result.fix}" for result in failed]
            raise CheckFailed("\n".join(lines))

    def _show_tables(self, target: Connection, phase: str) -> None:
        for transform in self.plan.transforms:
            name, source = transform.target.name, transform.source.name
            self.progress.expect(name, source, transform.source.row_estimate)
            if phase == "replicating":
                self.progress.finished(name, source)

    def _unless_stopped(self) -> None:
        if self.stop.is_set():
            raise Interrupted("stopped; run again to go on where this left off")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep a second daemon out while this one lives."""
        with self._target() as connection:
            name = f"replicator:{self.state.database}:{self.state.migration}"[:64]
            if value(connection, "SELECT GET_LOCK(%s, 0)", (name,)) != 1:
                raise WrongState(f"another daemon runs the migration {self.state.migration}: use `replicator status` to see it")
            yield

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Heartbeats on the source, and a regular look at both servers."""
        with ExitStack() as stack:
            interval = self.config.stream.heartbeat
            if interval is not None:
                heart = heartbeat.Heart(self.config.source, self.state.database, self.state.migration, interval)
                stack.callback(heart.stop)
            watch = Watch(self.config, self.state, self.progress)
            stack.callback(watch.stop)
            yield

    @contextmanager
    def _source(self) -> Iterator[Connection]:
        with connected(self.config.source) as connection:
            yield connection

    @contextmanager
    def _target(self) -> Iterator[Connection]:
        with connected(self.config.target, database=False, write=True) as connection:
            yield connection


def run(config: Config, *, once: bool, progress: Progress, stop: threading.Event | None = None) -> None:
    """The daemon: see Migration.run."""
    Migration(config, progress, stop).run(once=once)
