"""READ FIRST: a migration from its first check to the last row, phase by phase.

    prepare → copy → catch up → build → replicate (and verify) → cut over → reverse → complete
                                            ↑                                 ↓
                                            └── settle (and verify) ←──── roll back

`Migration.run` is that list. Every phase can be killed at any moment and goes on where it was, because what has been done is
told by rows of the state database that were committed together with the data they speak of.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Literal

import pymysql
import structlog

from replicator import beginning, ending
from replicator import state as state_module
from replicator.apply import heartbeat
from replicator.apply.applier import Applier
from replicator.apply.course import Aside, Behind, Course
from replicator.apply.stream import Stream
from replicator.binlog.safe_position import current_position
from replicator.config import Config
from replicator.copy import Job, build_jobs, copy_jobs, copy_silent, restore_indexes, run_jobs, settled
from replicator.cutover.arrival import recover
from replicator.cutover.moves import Moves, closing, make_moves_back, moves_from_json
from replicator.errors import (
    CutoverInDoubt,
    ReplicatorError,
    SourceError,
    VerificationFailed,
    WrongState,
)
from replicator.lock import Lock
from replicator.mysql.connection import Connection, Endpoint, connected, execute, failing
from replicator.mysql.position import Position
from replicator.mysql.sql import quote
from replicator.patience import patiently, unless_stopped
from replicator.planning import drop_tables, resolve
from replicator.preflight import failure, run_checks
from replicator.progress import Progress
from replicator.reverse.applier import ReverseApplier
from replicator.reverse.begin import mend, prepare_reverse
from replicator.reverse.catalogs import resolve_reverse
from replicator.reverse.edits import seen_from_behind
from replicator.reverse.plan import ReversePlan
from replicator.staging import index_staging, staging_relation
from replicator.state import Direction, State
from replicator.throttle import Throttle
from replicator.transform.plan import MigrationPlan
from replicator.verify import Report, Verifier, repair
from replicator.verify.passes import FORWARD, Way
from replicator.watch import Watch

_log = structlog.get_logger("migration")

_VERIFY_PAUSE = 5.0
"""Seconds before a verification begins anew after connections were lost for longer than it could wait."""
IDLE_LAG = 2.0
"""Seconds of lag below which `run --once` counts the stream as caught up."""
_ENDING_PATIENCE = 60.0
"""Seconds in which the end of a migration is tried again after errors that pass."""


@dataclass(frozen=True, slots=True)
class _Ending:
    """What a command asked for that ends the migration: done once all work has ended."""

    phase: Literal["completed", "aborted"]
    remove: Callable[[Connection], None]
    outcome: Future[None] = field(default_factory=Future)


class Migration:
    """One daemon's work on one migration."""

    def __init__(
        self,
        config: Config,
        progress: Progress,
        stop: threading.Event | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        self.config = config
        self.progress = progress
        self.stop = stop or threading.Event()
        """Set to end cleanly at the next boundary."""
        self.state = state_module.of(config)
        self._relation = staging_relation(self.state.database, self.state.migration)
        self._plan: MigrationPlan | None = None
        self._reverse: ReversePlan | None = None
        """Of the way back; None while the stream runs forward."""
        self.throttle = throttle or Throttle(config.throttle, (config.source, config.target))
        self._stream: Stream | None = None
        self._verifier: Verifier | None = None
        self._pausing = threading.Lock()
        self._paused = False
        self._switching = False
        self._doubt: CutoverInDoubt | None = None
        self._asking = threading.Lock()
        self._running: bool | None = None
        """Whether `run` is at work; None where it never was."""
        self._ending: _Ending | None = None
        """Given to `run`, which does it as its last step."""
        self._ended = threading.Event()
        """The migration is over: completed or aborted."""
        self._turned = threading.Event()
        """The tables have been switched: the other stream's turn."""

    @property
    def ended(self) -> bool:
        """Whether the migration is over: completed or aborted."""
        return self._ended.is_set()

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
        with self._endable(), self.alone():
            try:
                self._work(once=once)
            except ReplicatorError as error:
                if self._ending is None or isinstance(error, CutoverInDoubt):
                    raise
                _log.info("migration.work_ended", error=error.label, reason=str(error))
            if self._ending is not None:
                self._end(self._ending)

    def _work(self, *, once: bool) -> None:
        self._patiently(self._recover)
        while True:
            self._turned.clear()
            self._switching = False
            self._patiently(partial(self._go_on, once=once))
            if not self._turned.is_set() or self.stop.is_set():
                return

    @contextmanager
    def _endable(self) -> Iterator[None]:
        """Inside, commands that end the migration leave that to this thread; behind it, they hear what came of it."""
        with self._asking:
            self._running = True
        failure: BaseException = WrongState("the daemon ended at the same moment: look at its log, then do this again")
        try:
            yield
        except BaseException as error:
            failure = error
            raise
        finally:
            with self._asking:
                self._running = False
            if self._ending is not None and not self._ending.outcome.done():
                self._ending.outcome.set_exception(failure)

    def _recover(self) -> None:
        with failing(self.config.target, "ending a cutover that was begun"):
            recover(self.config)

    def _go_on(self, *, once: bool) -> None:
        """From the phase that is stored."""
        phase = self.prepare()
        with self._watched():
            if phase == "reversing":
                self.reverse(once=once)
            else:
                self._forward(phase, once=once)

    def _patiently(self, step: Callable[[], None]) -> None:
        patiently(step, self.progress, self.stop, self.store_status)

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
        with self._target() as target:
            phase = self.state.phase(target) if self.state.exists(target) else None
        if phase is None:
            with self.progress.long_step("checking"):
                self._check()
            unless_stopped(self.stop)
            phase = "preparing"
        elif (stored := state_module.read_status(self.config)) is not None:
            self.progress.restore(stored)
        if phase in ("completed", "aborted"):
            raise WrongState(f"the migration {self.state.migration} is {phase}: there is nothing left to run")
        with connected(self.config.source) as source, self._target() as target:
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
        with connected(self.config.source) as source, self._target() as target:
            with failing(self.config.source):
                high = current_position(source)
            execute(target, "BEGIN")
            self.state.learn(target, high=high.to_json())
            self.state.enter(target, "catching_up")
            target.commit()

    def catch_up(self) -> None:
        """Replay from LOW until past HIGH, setting rows whatever stands there."""
        self.progress.enter("catching_up")
        with self.progress.long_step("adding indexes"), self._target() as target:
            facts = self.state.facts(target)
            if facts.get("building"):
                return  # staging has to stand still until all units are built
            restore_indexes(self.config, self.plan, target, self.stop)
            for table in self.plan.sources.values():
                unless_stopped(self.stop)
                if table.staged is not None:
                    index_staging(target, self._relation, table.staged)
                    execute(target, f"ANALYZE TABLE {self._relation(table.table.name)}")
            for name in self.plan.targets:
                execute(target, f"ANALYZE TABLE {quote(self.plan.target_schema, name)}")
        self.progress.doing("replaying the binlog")
        high = Position(**facts["high"])
        with self._target() as target:
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
        with self._target() as target:
            self.state.learn(target, building=True)
        jobs = build_jobs(self.plan)
        if jobs:
            self.progress.doing("building units from staging")
            self._run_jobs(jobs)
        with self._target() as target:
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
            with self._target() as target:
                self.state.enter(target, "replicating")
            self.progress.enter("replicating")
            self._keep_on(stream, once=once)

    def _way_back(self) -> ReversePlan:
        if self._reverse is None:
            raise WrongState(f"the migration is {self.progress.phase}: there is no way back before a cutover")
        return self._reverse

    def _keep_on(self, stream: Stream, *, once: bool) -> None:
        """Until the daemon is stopped, the migration ended, or the tables switched."""
        while not once and not self.stop.wait(0.2) and not self._turned.is_set():
            if self._doubt is not None:
                raise self._doubt
            if stream.error is not None and not self._switching:
                raise stream.error

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """The stream runs inside this block, for a command that needs it while no daemon does."""
        with self.alone():
            with self._target() as target:
                stored = self.state.phase(target) if self.state.exists(target) else None
            if stored is None:  # here nothing is begun
                raise WrongState(f"the migration {self.state.migration} has not begun: `replicator run` begins it")
            if stored not in ("replicating", "reversing"):
                raise WrongState(f"the migration was stopped in phase {stored}: `replicator run` has to bring it further first")
            phase = self.prepare()
            if phase == "reversing":
                prepare_reverse(self.config, self.state, self._way_back(), self.progress, self.stop)
            self.progress.enter(phase)
            with self._watched(), self._streaming():
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
        report: Report | None = None
        while report is None:
            try:
                self._await_end(stream)
                report = verifier.verify()
            except ReplicatorError as error:
                if isinstance(error, SourceError) and not error.transient:
                    self._await_end(stream)  # where tables have changed under it, the stream says what to do about that
                if not error.transient:
                    raise
                self.progress.retried("verify", error)
                self.stop.wait(_VERIFY_PAUSE)
                unless_stopped(self.stop)
        if not report.ok and once:
            raise VerificationFailed(report.summary())
        return report

    def _await_end(self, stream: Stream) -> None:
        """Until all is applied that stands in the binlog now; raises what has ended the stream."""
        with connected(self.upstream, database=False) as upstream:
            end = current_position(upstream)
        while not stream.wait_applied(end, 0.5):
            unless_stopped(self.stop)

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

    @contextmanager
    def switching(self) -> Iterator[None]:
        """While a switch is under way its own RENAME ends the stream, which is no failure."""
        self._switching = True
        try:
            yield
        finally:
            self._switching = self._turned.is_set()

    def switched(self) -> None:
        """Other tables are in use: the stream from these is over, and what was proved says nothing any more."""
        if self._stream is not None:
            self._stream.stop()
        self.progress.unverified()

    def doubt(self, doubt: CutoverInDoubt) -> None:
        """Nothing goes on until a person has looked: the daemon ends with it."""
        self._doubt = doubt

    def turn(self) -> None:
        """The switch is done: go on in the other direction."""
        self.store_status()
        self._turned.set()

    def moves_back(self, connection: Connection) -> Moves:
        """What a rollback renames. Raises WrongState before a cutover."""
        self._way_back()
        return make_moves_back(self.config, moves_from_json(self.state.facts(connection)["switch"]), connection)

    def complete(self) -> None:
        """End the way back and remove staging and state; the archive stays. Raises WrongState before a cutover."""

        def remove(target: Connection) -> None:
            ending.unless_completable(self.state, target)
            ending.remove(self.config, self.state, target)

        with self._target() as target:
            ending.unless_completable(self.state, target)
        self._finish(_Ending("completed", remove))

    def abort(self, *, drop_target: bool) -> bool:
        """End the migration and remove staging and state; `drop_target` removes the target tables as well.

        False where it had not begun: the daemon, which was about to begin it, does not.
        """
        begun = True

        def remove(target: Connection) -> None:
            nonlocal begun
            begun = self.state.exists(target)
            if begun:
                ending.unless_abortable(self.state, target)
                if drop_target:
                    drop_tables(target, self.config.target.database)
                ending.remove(self.config, self.state, target)

        with self._target() as target:
            if not self._running or self.state.exists(target):
                ending.unless_abortable(self.state, target)
        self._finish(_Ending("aborted", remove))
        return begun

    def _finish(self, asked: _Ending) -> None:
        """Have it done when all work has ended, so that nothing is created or written behind it; by `run` where that works."""
        with self._asking:
            if self._running is False:
                raise WrongState("the daemon is just ending: do this again when it has ended")
            running = bool(self._running)
            if running:
                self._ending = asked
                self.stop.set()
        if running:
            asked.outcome.result()
        else:
            self._end(asked)

    def _end(self, asked: _Ending) -> None:
        """A session of ours that was killed may hold rows and tables a moment longer."""
        deadline = time.monotonic() + _ENDING_PATIENCE
        while True:
            try:
                with self._target() as target:
                    asked.remove(target)
                break
            except ReplicatorError as error:
                if not error.transient or time.monotonic() > deadline:
                    raise
                self.progress.retried(asked.phase, error)
                time.sleep(1.0)
        self.progress.enter(asked.phase)
        self._ended.set()
        asked.outcome.set_result(None)

    def store_status(self) -> None:
        """Keep the status for shells that ask when no daemon runs; a target that is away is not asked twice."""
        with suppress(ReplicatorError, pymysql.MySQLError, OSError), self._target() as target:
            if self.state.exists(target):
                self.state.write_status(target, self.progress.snapshot())

    # Around the phases ------------------------------------------------------------------------------------

    def _new_stream(
        self, *, exact: bool, units: bool, settled: Mapping[str, Position] = MappingProxyType({})
    ) -> Stream:
        config, reverse = self.config, self._reverse
        direction: Direction = "forward" if reverse is None else "reverse"
        behind, renames = None, None
        if config.cutover.mode == "hooks":
            closes_source, closes_target = closing(config, self.plan)
            renames = closes_source if reverse is None else closes_target
        else:
            with self._target() as target:
                switch = self.state.facts(target).get("switch")
            moves = None if switch is None else moves_from_json(switch)
            if moves is not None and moves.since is not None:
                behind = Behind(moves.since, moves.statement)  # the last switch is where this stream begins
        upstream, downstream = config.ends(direction)
        course = Course(
            self.plan if reverse is None else reverse.stream,
            # The lock is the target's: elsewhere the checkpoint alone keeps two streams apart.
            self.state if downstream is config.target else State(self.state.database, self.state.migration),
            upstream,
            downstream,
            direction,
            beats=config.stream.heartbeat is not None,
            set_aside=reverse is None and config.stream.on_bad_row == "quarantine",
            settled=settled,
            accept=config.stream.accept_schema_change,
            behind=behind,
            aside=None if renames is None else Aside(renames.archive, renames.marker),
            applier=Applier if reverse is None else partial(ReverseApplier, reverse=reverse),
        )
        return Stream(course, self.progress, exact=exact, units=units, throttle=self.throttle)

    def _check(self) -> None:
        failed = failure(run_checks(self.config))
        if failed is not None:
            raise failed

    def _show_tables(self, phase: str) -> None:
        for transform in self.plan.transforms:
            name, source = transform.target.name, transform.source.name
            self.progress.expect(name, source, transform.source.row_estimate)
            if phase not in ("copying", "catching_up"):
                self.progress.finished(name, source)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep a second daemon out while this one lives. Raises WrongState where there is one, or has come to be one."""
        config, state = self.config, self.state
        lock = Lock(config.target, state, self.progress, self.stop)
        try:
            with lock:
                self.config, self.state = replace(config, token=lock.state.locks[1]), lock.state
                yield
        except ReplicatorError as error:
            if lock.lost is None or isinstance(error, CutoverInDoubt):
                raise
        finally:
            if lock.lost is None:  # else nothing more is written
                self.config, self.state = config, state
        if lock.lost is not None:
            raise lock.lost

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Heartbeats on the source, and a regular look at both servers."""
        with ExitStack() as stack:
            interval = self.config.stream.heartbeat
            if interval is not None:
                heart = heartbeat.Heart(self.upstream, self.state.database, self.state.migration, interval)
                stack.callback(heart.stop)
            watch = Watch(self.config, self.upstream, self.state, self.progress, self.throttle)
            stack.callback(watch.stop)
            yield

    @contextmanager
    def _target(self) -> Iterator[Connection]:
        with connected(self.config.target, database=False, write=True) as connection:
            self.state.guard(connection)
            yield connection
