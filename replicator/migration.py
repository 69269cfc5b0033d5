"""READ FIRST: a migration from its first check to the last row, phase by phase.

    prepare → copy → catch up → build → replicate (and verify) → cut over → reverse → complete
                                            ↑                                 ↓
                                            └── settle (and verify) ←──── roll back

`Migration.run` is that list. Every phase can be killed at any moment and goes on where it was, because what has been done is
told by rows of the state database that were committed together with the data they speak of.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType

import structlog

from replicator import beginning
from replicator import state as state_module
from replicator.apply.stream import Stream
from replicator.binlog.safe_position import current_position
from replicator.config import Config
from replicator.copy import Job, build_jobs, copy_jobs, copy_silent, restore_indexes, run_jobs, settled
from replicator.cutover.arrival import recover
from replicator.cutover.moves import Moves, make_moves_back, moves_from_json
from replicator.ending import Ending
from replicator.errors import CutoverInDoubt, ReplicatorError, VerificationFailed, WrongState
from replicator.home import Home
from replicator.mysql.connection import Connection, Endpoint, connected, execute, failing, together
from replicator.mysql.position import Position
from replicator.mysql.sql import quote
from replicator.patience import patiently, unless_stopped
from replicator.planning import resolve
from replicator.preflight import failure, run_checks
from replicator.progress import Progress
from replicator.reverse.begin import mend, prepare_reverse
from replicator.reverse.catalogs import resolve_reverse
from replicator.reverse.edits import seen_from_behind
from replicator.reverse.plan import ReversePlan
from replicator.staging import index_staging, staging_relation
from replicator.state import State
from replicator.streaming import course_of
from replicator.throttle import Throttle
from replicator.transform.plan import MigrationPlan
from replicator.turn import Turn
from replicator.verify import Report, Verifier, repair
from replicator.verify.passes import FORWARD, Way
from replicator.verifying import verify_first
from replicator.watch import watched

_log = structlog.get_logger("migration")


class Migration:
    """One daemon's work on one migration."""

    def __init__(
        self,
        config: Config,
        progress: Progress,
        stop: threading.Event | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        self.progress = progress
        self.stop = stop or threading.Event()
        """Set to end cleanly at the next boundary."""
        self.home = Home(config, progress, self.stop)
        self.ending = Ending(self.home, progress, self.stop)
        self.turn = Turn()
        self._plan: MigrationPlan | None = None
        self._reverse: ReversePlan | None = None
        """Of the way back; None while the stream runs forward."""
        self.throttle = throttle or Throttle(config.throttle, (config.source, config.target))
        self._stream: Stream | None = None
        self._verifier: Verifier | None = None
        self._pausing = threading.Lock()
        self._paused = False

    @property
    def config(self) -> Config:
        """The settings of this daemon."""
        return self.home.config

    @property
    def state(self) -> State:
        """Its rows of the state database."""
        return self.home.state

    @property
    def plan(self) -> MigrationPlan:
        """The resolved migration; known once `prepare` has run."""
        if self._plan is None:
            raise WrongState("the migration is still being prepared: wait until status shows the next phase")
        return self._plan

    @property
    def upstream(self) -> Endpoint:
        """Where the stream that runs reads from."""
        return self.config.ends("forward" if self._reverse is None else "reverse")[0]

    # The phases -------------------------------------------------------------------------------------------

    def run(self, *, once: bool) -> None:
        """Go through the phases; returns when stopped, or with `once` when everything is copied, current and proved.

        Raises Interrupted when stopped before `once` was fulfilled. A command that ends the migration stops this as well;
        what it removes is removed here, when nothing is at work any more.
        """
        with self.ending.awaited(), self.home.alone():
            try:
                self._work(once=once)
            except ReplicatorError as error:
                if not self.ending.asked or isinstance(error, CutoverInDoubt):
                    raise
                _log.info("migration.work_ended", error=error.label, reason=str(error))
            self.ending.finish()

    def _work(self, *, once: bool) -> None:
        self._patiently(self._recover)
        while True:
            self.turn.begin()
            self._patiently(partial(self._go_on, once=once))
            if not self.turn.taken or self.stop.is_set():
                return

    def _recover(self) -> None:
        with failing(self.config.target, "ending a cutover that was begun"):
            recover(self.config)

    def _go_on(self, *, once: bool) -> None:
        """From the phase that is stored."""
        phase = self.prepare()
        with watched(self.config, self.upstream, self.state, self.progress, self.throttle):
            if phase == "reversing":
                self.reverse(once=once)
            else:
                self._forward(phase, once=once)

    def _patiently(self, step: Callable[[], None]) -> None:
        patiently(step, self.progress, self.stop, self.home.store_status)

    def _forward(self, phase: str, *, once: bool) -> None:
        if phase == "copying":
            self.copy()
            phase = "catching_up"
        if phase == "catching_up":
            self.catch_up()
            self.build()
        if phase == "rolled_back":
            self.settle(once=once)
        else:
            self.replicate(once=once)

    def prepare(self) -> str:
        """Create what is missing, find the safe LOW; the phase to go on with."""
        if self._plan is None:
            self.progress.enter("preparing")
        with self.home.target() as target:
            phase = self.state.phase(target) if self.state.exists(target) else None
        if phase is None:
            with self.progress.long_step("checking"):
                failed = failure(run_checks(self.config))
            if failed is not None:
                raise failed
            unless_stopped(self.stop)
            phase = "preparing"
        elif (stored := state_module.read_status(self.config)) is not None:
            self.progress.restore(stored)
        if phase == "aborted":
            raise WrongState(
                f"an abort of the migration {self.state.migration} broke off: type `replicator abort` again, which ends it"
            )
        if phase == "completed":
            self.ending.sweep()
            raise WrongState(
                f"the migration {self.state.migration} is {phase}: there is nothing left to run. Disable its service; another"
                " migration takes another [migration] name"
            )
        with connected(self.config.source) as source, self.home.target() as target:
            if phase == "preparing":
                beginning.create(self.config, self.state, target)
            else:
                self.state.create(target)  # a table may have come with a newer release
            beginning.same_databases(self.config, self.state, target)
            self._reverse = None
            if phase == "reversing":
                self._reverse = resolve_reverse(self.config, source, target, self.state.facts(target)["new_tables"])
            self._plan = resolve(self.config, source, target) if self._reverse is None else self._reverse.forward
            if phase == "preparing":
                beginning.begin(self.config, self.state, self._plan, source, target, self.progress, self.stop)
                phase = "copying"
            elif self._reverse is None:
                beginning.fit(self.state, self._plan, target)
            self._show_tables(phase)
        return phase

    def copy(self) -> None:
        """Copy every source table, in parallel chunks where that is exact; then HIGH is known."""
        self.progress.enter("copying")
        copy_silent(self.config, self.plan, self.progress, self.stop, self.throttle)
        self._run_jobs(copy_jobs(self.plan))
        with connected(self.config.source) as source, self.home.target() as target:
            with failing(self.config.source):
                high = current_position(source)
            with together(target):
                self.state.learn(target, high=high.to_json())
                self.state.enter(target, "catching_up")

    def catch_up(self) -> None:
        """Replay from LOW until past HIGH, setting rows whatever stands there."""
        self.progress.enter("catching_up")
        with self.progress.long_step("adding indexes"), self.home.target() as target:
            facts = self.state.facts(target)
            if facts.get("building"):
                return  # staging has to stand still until all units are built
            restore_indexes(self.config, self.plan, target, self.stop)
            relation = staging_relation(self.state.database, self.state.migration)
            for table in self.plan.sources.values():
                unless_stopped(self.stop)
                if table.staged is not None:
                    index_staging(target, relation, table.staged)
                    execute(target, f"ANALYZE TABLE {relation(table.table.name)}")
            for name in self.plan.targets:
                execute(target, f"ANALYZE TABLE {quote(self.plan.target_schema, name)}")
        self.progress.doing("replaying the binlog")
        high = Position(**facts["high"])
        with self.home.target() as target:
            before = settled(self.plan, self.state, target)
        stream = self._new_stream(exact=False, units=False, settled=before)
        stream.start()
        try:
            while not stream.wait_applied(high, 0.5):
                unless_stopped(self.stop)
        finally:
            stream.stop()

    def build(self) -> None:
        """Compute all units of staged transforms at the position where the stream stands."""
        with self.home.target() as target:
            self.state.learn(target, building=True)
        jobs = build_jobs(self.plan)
        if jobs:
            self.progress.doing("building units from staging")
            self._run_jobs(jobs)
        with self.home.target() as target:
            self.state.enter(target, "replicating")

    def _run_jobs(self, jobs: Sequence[Job]) -> None:
        """Work them off, in several processes."""
        run_jobs(
            self.config,
            self.plan,
            jobs,
            workers=self.config.copy.workers,
            progress=self.progress,
            stop=self.stop,
            throttle=self.throttle,
        )
        unless_stopped(self.stop)

    def replicate(self, *, once: bool) -> None:
        """From here on the promise holds: the target is T(source at the checkpoint) at every commit."""
        self.progress.enter("replicating")
        for transform in self.plan.transforms:
            self.progress.finished(transform.target.name, transform.source.name)
        with self._streaming() as (stream, verifier):
            self._verify_first(stream, verifier, once=once)
            self._keep_on(stream, once=once)

    def reverse(self, *, once: bool) -> None:
        """The new tables are in use. What is written there comes back to the archived ones, so that nothing is lost when
        they are taken into use again: at every commit they are what the inverses make of it."""
        prepare_reverse(self.config, self.state, self._way_back(), self.progress, self.stop)
        self.progress.enter("reversing")
        self.progress.unverified()
        with self._streaming() as (stream, verifier):
            self._verify_first(stream, verifier, once=once)
            self._keep_on(stream, once=once)

    def settle(self, *, once: bool) -> None:
        """The old tables are in use again. Staging was kept up all the while; of the new tables, what never came back is
        made anew, until every row is right. Then it goes on as in `replicate`."""
        self.progress.enter("rolled_back")
        self.progress.unverified()
        mend(self.config, self.plan, self.progress)
        with self._streaming(exact=False) as (stream, verifier):
            report = self._verify_first(stream, verifier, once=False)
            if not report.ok:
                self.progress.doing("writing rows anew that had no way back")
                report = repair(self.config, self.plan, report, stream, self.progress, self.stop)
            if not report.ok:
                raise VerificationFailed(report.summary())
            stream.become_exact()
            with self.home.target() as target:
                self.state.enter(target, "replicating")
            self.progress.enter("replicating")
            self._keep_on(stream, once=once)

    def _way_back(self) -> ReversePlan:
        if self._reverse is None:
            raise WrongState(f"the migration is {self.progress.phase}: there is no way back before a cutover")
        return self._reverse

    def _keep_on(self, stream: Stream, *, once: bool) -> None:
        """Until the daemon is stopped, the migration ended, or the tables switched."""
        while not once and not self.stop.wait(0.2) and not self.turn.taken:
            self.turn.unless_over(stream.error)

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """The stream runs inside this block, for a command that needs it while no daemon does."""
        with self.home.alone():
            with self.home.target() as target:
                stored = self.state.phase(target) if self.state.exists(target) else None
            if stored is None:  # here nothing is begun
                raise WrongState(f"the migration {self.state.migration} has not begun: `replicator run` begins it")
            if stored not in ("replicating", "reversing"):
                raise WrongState(f"the migration was stopped in phase {stored}: `replicator run` has to bring it further first")
            phase = self.prepare()
            if phase == "reversing":
                prepare_reverse(self.config, self.state, self._way_back(), self.progress, self.stop)
            self.progress.enter(phase)
            with watched(self.config, self.upstream, self.state, self.progress, self.throttle), self._streaming():
                yield

    @contextmanager
    def _streaming(self, *, exact: bool = True) -> Iterator[tuple[Stream, Verifier]]:
        stream = self._new_stream(exact=exact, units=True)
        with self._pausing:
            if self._paused:
                stream.pause()
            self._stream = stream
        way = FORWARD if self._reverse is None else Way("reverse", seen_from_behind(self._reverse))
        self._verifier = verifier = Verifier(self.config, self.plan, stream, self.progress, self.stop, way)
        stream.start()
        try:
            yield stream, verifier
        finally:
            stream.stop()

    def _verify_first(self, stream: Stream, verifier: Verifier, *, once: bool) -> Report:
        """The first full pass; with `once` it decides about the outcome."""
        report = verify_first(verifier, stream, self.upstream, self.progress, self.stop)
        if not report.ok and once:
            raise VerificationFailed(report.summary())
        return report

    # What commands ask for ---------------------------------------------------------------------------------

    def exact(self) -> tuple[Verifier, Stream]:
        """The verifier and the stream, once the promise holds. Raises WrongState before."""
        if self._verifier is None or self._stream is None or not self._stream.running:
            raise WrongState(f"the migration is {self.progress.phase}: wait until it is replicating or reversing")
        return self._verifier, self._stream

    def pause(self) -> bool:
        """Stop applying; False when it is paused already."""
        _, stream = self.exact()
        with self._pausing:
            if self._paused:
                return False
            stream.pause()
            self._paused = True
            return True

    def resume(self) -> bool:
        """Go on applying; False when it is not paused."""
        _, stream = self.exact()
        with self._pausing:
            if not self._paused:
                return False
            stream.resume()
            self._paused = False
            return True

    def switched(self) -> None:
        """Other tables are in use: the stream from these is over, and what was proved says nothing any more."""
        if self._stream is not None:
            self._stream.stop()
        self.progress.unverified()

    def moves_back(self, connection: Connection) -> Moves:
        """What a rollback renames. Raises WrongState before a cutover."""
        self._way_back()
        return make_moves_back(self.config, moves_from_json(self.state.facts(connection)["switch"]), connection)

    # Around the phases ------------------------------------------------------------------------------------

    def _new_stream(
        self, *, exact: bool, units: bool, settled: Mapping[str, Position] = MappingProxyType({})
    ) -> Stream:
        course = course_of(self.home, self.plan, self._reverse, settled)
        return Stream(course, self.progress, exact=exact, units=units, throttle=self.throttle)

    def _show_tables(self, phase: str) -> None:
        for transform in self.plan.transforms:
            name, source = transform.target.name, transform.source.name
            self.progress.expect(name, source, transform.source.row_estimate)
            if phase not in ("copying", "catching_up"):
                self.progress.finished(name, source)
