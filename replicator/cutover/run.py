"""The cutover, step by step: gates · prepare · freeze · drain · prove · switch. Until the switch every failure undoes all."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import pymysql

from replicator import state as states
from replicator.binlog.safe_position import current_position
from replicator.config import Config
from replicator.cutover.freeze import Blocked, Freeze, NotThisTime, kill
from replicator.cutover.gates import MOST_SESSIONS, gates
from replicator.cutover.increments import next_numbers, raising, sources_of_numbers
from replicator.cutover.locks import Locks
from replicator.cutover.moves import Moves, Name, make_moves
from replicator.cutover.order import lock_order, sampled
from replicator.cutover.session import Session
from replicator.cutover.settle import SWITCH, archive_dropped, create_token, raise_sentry, remove_sentry, settle, switched
from replicator.cutover.stream import ForwardStream
from replicator.cutover.switch import let_go, nothing_passed, queue_up
from replicator.cutover.watchdog import Watchdog
from replicator.errors import (
    CutoverInDoubt,
    CutoverUndone,
    Interrupted,
    ReplicatorError,
    SourceError,
    TargetError,
    VerificationFailed,
    WrongState,
)
from replicator.mysql.connection import Connection, connected, describe, execute, is_lost, value
from replicator.mysql.flavour import identify
from replicator.mysql.position import Position
from replicator.mysql.sql import quote
from replicator.progress import Gate, Progress
from replicator.transform.plan import MigrationPlan

ATTEMPTS = 3
_PAUSE = 1.0
"""Seconds of undisturbed traffic after an attempt that was undone."""
_ROUNDS = 16
"""How often an attempt tries to get all locks: many short tries, since clients wait as long as each of them takes."""
_FIRST_PATIENCE = 2.0
"""Seconds to wait for the first table, while nobody has to wait for us."""
_LEAST_SAMPLE = 0.5
"""Seconds of traffic to learn the lock order from."""
_RENAME_ANSWER = 60.0
_CONTROL = {"lock_wait_timeout": 10}
_IDLE = 120.0
"""Seconds that the sessions which hold no table of the application's may be idle, over all rounds."""

Report: TypeAlias = Callable[[str, str, float | None], None]
"""Step, what happened in it, and the seconds it took (a dry run: is expected to take)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A cutover that is done."""

    frozen_seconds: float
    """From the first lock that was asked for to the rename's end: the longest that a write can have waited."""
    position: Position
    """Everything before it went through the old tables, everything behind it goes to the new ones."""
    attempts: int


@dataclass(slots=True)
class _Cutover:
    """What all steps share."""

    config: Config
    plan: MigrationPlan
    stream: ForwardStream
    moves: Moves
    locks: Locks
    control: Connection
    max_freeze: float
    kill_blockers: bool
    progress: Progress
    report: Report

    @property
    def reserve(self) -> float:
        """Seconds of the freeze that are kept for the switch."""
        return min(0.5, self.max_freeze / 4)

    @property
    def patience(self) -> float:
        """Seconds that one round may wait for all locks while it holds some of them."""
        return min(0.2, self.max_freeze / 4)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Report what a step did and how long it took."""
        began = time.monotonic()
        done: list[str] = []
        yield done
        self.report(name, "; ".join(done), time.monotonic() - began)


def cutover(
    config: Config,
    plan: MigrationPlan,
    stream: ForwardStream,
    *,
    max_freeze: float,
    kill_blockers: bool,
    dry_run: bool,
    progress: Progress,
    report: Report,
    moves: Moves | None = None,
) -> Outcome | None:
    """Switch from the old tables to the new ones; None after a dry run.

    Args:
        moves: what is renamed: those of the plan, or for a rollback those that undo them.
        max_freeze: seconds that writes are held at most; then the attempt is undone.
        kill_blockers: end sessions that keep a table locked for too long.
        report: is called after each step.

    Raises:
        CutoverUndone: nothing has changed; the message says why and who was in the way.
        CutoverInDoubt: the server does not say whether the tables were renamed.
    """
    with connected(config.target, database=False, read_timeout=120, settings=_CONTROL) as control:
        locks = Locks(identify(control).flavour)
        moves = moves or make_moves(config, plan)
        run = _Cutover(config, plan, stream, moves, locks, control, max_freeze, kill_blockers, progress, report)
        closed = _look_at_gates(run, tell=dry_run)
        if dry_run:
            _rehearse(run)
        _insist(closed)
        if dry_run:
            return None
        progress.enter("cutting_over")
        try:
            outcome = _attempts(run)
        except CutoverInDoubt:
            progress.cutover_ended("in_doubt")
            raise
        except BaseException:
            progress.cutover_ended("undone")
            progress.enter(moves.phase)
            raise
        progress.cutover_ended("switched")
        stream.stop()
        progress.enter(moves.next_phase)
        _archive(run)
        return outcome


def _look_at_gates(run: _Cutover, *, tell: bool) -> list[Gate]:
    """The gates that are closed."""
    with run.step("gates") as done:
        found = gates(
            run.config,
            run.plan,
            run.moves,
            run.stream,
            run.progress,
            max_freeze=run.max_freeze,
            kill_blockers=run.kill_blockers,
        )
        run.progress.gated(found)
        closed = [gate for gate in found if not gate.ok]
        done.append(f"{len(found) - len(closed)} open, {len(closed)} closed")
    for gate in found if tell else ():
        run.report("gate", f"{'open  ' if gate.ok else 'CLOSED'} {gate.name}: {gate.value} (needed: {gate.limit})", None)
    return closed


def _insist(closed: Sequence[Gate]) -> None:
    if closed and closed[0].name == "phase":
        raise WrongState(f"the phase is {closed[0].value}, a cutover needs {closed[0].limit}. {closed[0].fix}")
    if closed:
        lines = [f"{gate.name}: {gate.value} (needed: {gate.limit}). {gate.fix}" for gate in closed]
        raise CutoverUndone("nothing was begun, because of\n- " + "\n- ".join(lines))


def _attempts(run: _Cutover) -> Outcome:
    reasons: list[str] = []
    front: list[str] = []
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with connected(run.config.target, database=False, read_timeout=120, settings=_CONTROL) as run.control:
                try:
                    return _attempt(run, attempt, front)
                except Blocked as blocked:
                    if run.kill_blockers:
                        kill(run.control, blocked.blockers)
                    raise
        except (NotThisTime, SourceError, TargetError) as reason:
            reasons.append(f"attempt {attempt}: {reason}")
            run.report("undone", str(reason), None)
        except (pymysql.MySQLError, OSError) as error:
            if not is_lost(error):
                raise
            reasons.append(f"attempt {attempt}: the connection was lost: {describe(error)}")
        if attempt < ATTEMPTS:
            time.sleep(_PAUSE * attempt)
    raise CutoverUndone("writes go on, nothing has changed:\n" + "\n".join(reasons))


def _attempt(run: _Cutover, attempt: int, front: list[str]) -> Outcome:
    """One attempt. Raises NotThisTime when another one may succeed; `front` keeps the tables that were hard to get."""
    began, since = time.monotonic(), current_position(run.control)
    run.moves = replace(run.moves, since=since)
    numbers = next_numbers(run.control, run.moves)
    with run.step("prepare") as done:
        done.append(f"{_prepare_proof(run)} rows left to compare in the freeze")
        time.sleep(max(0.0, _LEAST_SAMPLE - (time.monotonic() - began)))
        written = lock_order(sampled(run.control, since, run.moves.source, run.moves.read))
        done.append(f"{len(written)} tables are being written to")
    switching, frozen, final = False, 0.0, since
    try:
        with contextlib.ExitStack() as stack:
            guard, renamer, watchdog = _get_ready(run, stack, attempt, numbers)
            freeze = _freeze(run, stack, watchdog, (guard, renamer), [*front, *written], front)
            final, ours = _drain_and_prove(run, watchdog, renamer)
            with run.step("switch") as done:
                stack.callback(renamer.cancel, run.control)  # before the locks go, should it still be waiting then
                began = time.monotonic()
                queue_up(run.control, run.locks, run.moves, freeze, renamer, watchdog)
                done.append(f"handed over after {time.monotonic() - began:.3f} s")
                nothing_passed(run.control, run.moves, final, ours)
                if not watchdog.call_off():
                    raise NotThisTime(f"the freeze was over after {run.max_freeze:g} s")
                switching = True
                error = let_go(run.moves, guard, renamer, _RENAME_ANSWER)
                if error is not None:
                    raise error
                frozen = watchdog.elapsed
                done.append(f"{len(run.moves.pairs) - 1} tables renamed, writes were held for {frozen * 1000:.0f} ms")
        run.progress.unfroze()
        switched(run.control, states.of(run.config), run.moves)
        remove_sentry(run.control, run.moves)
    except BaseException as reason:
        run.progress.unfroze()
        _end(run, reason, switching)
    return Outcome(frozen, final, attempt)


def _prepare_proof(run: _Cutover) -> int:
    """Compare what was touched lately while traffic runs; rows that are left for the freeze."""
    try:
        return run.stream.prepare_proof()
    except VerificationFailed as difference:
        raise CutoverUndone(f"the target is not the transform of the source: {difference}") from difference


def _get_ready(
    run: _Cutover, stack: contextlib.ExitStack, attempt: int, numbers: Mapping[Name, int]
) -> tuple[Session, Session, Watchdog]:
    """Everything that can be done before the freeze: intent, archive, sentry, sessions, AUTO_INCREMENT."""
    state = states.of(run.config)
    with run.step("intent") as done:
        run.control.begin()
        state.intend(run.control, SWITCH, {"moves": run.moves.to_json(), "attempt": attempt})
        state.enter(run.control, "cutting_over")
        run.control.commit()
        execute(run.control, f"CREATE DATABASE IF NOT EXISTS {quote(run.moves.archive)}")
        raise_sentry(run.control, run.moves)
        create_token(run.control, run.moves)
        guard = Session(run.config.target, idle=_IDLE, waiting=run.max_freeze)
        stack.callback(guard.close)
        renamer = Session(run.config.target, idle=_IDLE, waiting=run.max_freeze)
        stack.callback(renamer.close)
        if run.locks.flavour == "mysql":
            # References follow the rename all the same; that no others are looked for saves a quarter of its time.
            execute(renamer.connection, "SET SESSION foreign_key_checks = 0")
        watchdog = Watchdog(run.config.target, run.max_freeze)
        stack.callback(watchdog.close)
        raised = _raise_numbers(run, renamer, run.max_freeze, numbers)
        done.append(f"attempt {attempt}, AUTO_INCREMENT of {len(raised)} tables raised beforehand")
    return guard, renamer, watchdog


def _raise_numbers(run: _Cutover, session: Session, seconds: float, before: Mapping[Name, int] | None = None) -> list[str]:
    """Let AUTO_INCREMENT go on where the old tables' is; the statements that were needed."""
    now = next_numbers(run.control, run.moves)
    statements = raising(run.moves, sources_of_numbers(run.plan, run.moves), now, before)
    deadline = time.monotonic() + seconds
    for statement in statements:
        session.begin(statement)
        if not session.wait(deadline - time.monotonic()):
            session.cancel(run.control)
        if session.error is not None:
            raise NotThisTime(f"{statement}: {describe(session.error)}")
    return statements


def _freeze(
    run: _Cutover,
    stack: contextlib.ExitStack,
    watchdog: Watchdog,
    others: tuple[Session, ...],
    order: Sequence[str],
    front: list[str],
) -> Freeze:
    """Hold all writes, in several rounds if need be: between two of them everything goes on undisturbed."""
    with run.step("freeze") as done:
        for number in range(1, _ROUNDS + 1):
            freeze = Freeze(
                run.config.target, run.locks, run.moves.source, _groups(run.moves, [*front, *order]), run.max_freeze
            )
            stack.callback(freeze.close)
            _prepare_proof(run)  # what traffic has touched meanwhile must not wait for the freeze
            begun = partial(_begin_freeze, run, watchdog, (*freeze.sessions, *others))
            try:
                if number % 4:
                    freeze.take(run.control, begun, min(_FIRST_PATIENCE, run.max_freeze), run.patience)
                else:
                    freeze.take_at_once(run.control, begun, run.patience)
            except Blocked as blocked:
                run.progress.unfroze()
                watchdog.call_off()
                freeze.close()
                if number == _ROUNDS:
                    raise
                held = {table for blocker in blocked.blockers for table in blocker.on}
                # Who waits for a table while it holds no other keeps nobody from ending.
                front[:0] = [table for table in blocked.tables if table in held and table not in front]
                if run.kill_blockers and number > 1:
                    kill(run.control, blocked.blockers)
                time.sleep(0.1)
            else:
                guard = others[0]
                execute(guard.connection, f"LOCK TABLES {quote(*run.moves.sentry)} WRITE")
                done.append(f"{len(run.moves.read)} tables locked in round {number}")
                return freeze
    raise AssertionError("the last round returns or raises")


def _begin_freeze(run: _Cutover, watchdog: Watchdog, sessions: Sequence[Session]) -> None:
    """The clock runs from the first lock on."""
    watchdog.start(sessions)
    run.progress.froze()


def _groups(moves: Moves, order: Sequence[str]) -> list[tuple[str, ...]]:
    """Tables that are written to are locked one by one, in this order, then all the others together."""
    frozen, old = set(moves.read), set(moves.old)
    single = [table for table in dict.fromkeys(order) if table in frozen][:MOST_SESSIONS]
    rest = [table for table in moves.read if table not in single]
    groups: list[tuple[str, ...]] = [(table,) for table in single]
    together = (tuple(table for table in rest if table in old), tuple(table for table in rest if table not in old))
    return groups + [group for group in together if group]


def _drain_and_prove(run: _Cutover, watchdog: Watchdog, session: Session) -> tuple[Position, list[str]]:
    """Writes are held: apply all there is, compare what has to be compared, carry the numbers over."""
    with run.step("drain") as done:
        final = current_position(run.control)
        if not run.stream.wait_applied(final, watchdog.remaining - run.reserve):
            raise NotThisTime(f"the stream had not applied everything up to {final} in time, it is at {run.stream.applied()}")
        done.append(f"applied up to {final}")
    with run.step("prove") as done:
        try:
            done.append(f"{run.stream.prove(watchdog.deadline - run.reserve)} rows compared, no difference")
        except CutoverUndone as late:
            raise NotThisTime(str(late)) from late
    with run.step("numbers") as done:
        ours = _raise_numbers(run, session, watchdog.remaining - run.reserve)
        done.append(f"AUTO_INCREMENT of {len(ours)} tables raised")
    return final, ours


def _end(run: _Cutover, reason: BaseException, switching: bool) -> None:
    """Put everything back, unless the tables turn out to be renamed. Raises what has become of the attempt."""
    try:
        world = settle(run.config, run.moves, _RENAME_ANSWER if switching else 5.0)
    except CutoverInDoubt:
        if switching:
            raise
        # The sentry stood when the server went: nothing can have been renamed.
        world = "before"
    if world == "after":
        if not switching:
            raise CutoverInDoubt("the tables were renamed, but not by this cutover: look into the server's log for who did")
        return
    if isinstance(reason, CutoverUndone | CutoverInDoubt | Interrupted) or not isinstance(reason, Exception):
        raise reason
    text = str(reason) if isinstance(reason, ReplicatorError) else describe(reason)
    if isinstance(reason, VerificationFailed):
        raise CutoverUndone(f"the target is not the transform of the source: {text}") from reason
    if is_lost(reason) or getattr(reason, "transient", False):
        raise NotThisTime(f"a connection was lost: {text}") from reason
    raise CutoverUndone(text) from reason


def _archive(run: _Cutover) -> None:
    """The dropped tables follow. The switch is done, so what stands in their way is told and no failure."""
    with run.step("archive") as done, connected(run.config.target, database=False, read_timeout=120) as connection:
        problems = archive_dropped(connection, states.of(run.config), run.moves)
        dropped = f", {len(run.moves.dropped)} dropped ones among them" if run.moves.dropped else ""
        done.append(f"the tables that were in use are in {run.moves.archive}{dropped}")
        if problems:
            done.append(f"not yet moved, tried again when the daemon starts: {', '.join(problems)}")


def _rehearse(run: _Cutover) -> None:
    """Say what each step would do and how long it is expected to take."""
    moves = run.moves
    lag = run.stream.lag_seconds() or 0.0
    sessions = int(value(run.control, "SELECT COUNT(*) FROM information_schema.innodb_trx"))
    run.report("prepare", "compare what was touched since the last full verification, while traffic runs", None)
    run.report("intent", f"write the intent, create {moves.archive}, raise AUTO_INCREMENT where it is lower", 0.1)
    run.report("freeze", f"lock {len(moves.read)} tables, {sessions} transactions are under way now", 0.004 * len(moves.read))
    run.report("drain", "apply everything up to the position read then", lag + 0.02)
    run.report("prove", "compare the rows that are left", 0.05)
    run.report("switch", f"rename {len(moves.old)} old and {len(moves.new)} new tables at once", 0.01 * len(moves.pairs))
    run.report(
        "archive", f"rename {len(moves.dropped)} dropped tables one by one, while traffic runs", 0.02 * len(moves.dropped)
    )
    run.report("done", f"writes would be held for {run.max_freeze:g} s at most; nothing has changed", None)
