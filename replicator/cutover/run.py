"""The cutover, step by step: gates · prepare · freeze · drain · prove · switch. Until the switch every failure undoes all."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pymysql

from replicator import state as states
from replicator.binlog.safe_position import current_position
from replicator.config import Config
from replicator.cutover.attempts import CONTROL, carry_out, raise_undone
from replicator.cutover.freeze import NotThisTime
from replicator.cutover.hold import Cutover, Outcome, Report, drain_and_prove, hold, prepare, rehearse_hold, seconds_of_rename
from replicator.cutover.increments import next_numbers, raising, sources_of_numbers
from replicator.cutover.locks import Locks
from replicator.cutover.moves import Moves, Name, make_moves
from replicator.cutover.session import Session
from replicator.cutover.settle import (
    SWITCH,
    bring_dropped,
    create_token,
    create_views,
    drop_views,
    finish,
    raise_sentry,
    remove_sentry,
    settle,
    switched,
)
from replicator.cutover.stream import ForwardStream
from replicator.cutover.switch import let_go, nothing_passed, queue_up
from replicator.cutover.watchdog import Watchdog
from replicator.errors import CutoverInDoubt, TargetError
from replicator.mysql.connection import connected, describe, execute, together
from replicator.mysql.flavour import identify
from replicator.mysql.sql import quote
from replicator.progress import Progress
from replicator.transform.plan import MigrationPlan

_RENAME_ANSWER = 60.0
_IDLE = 120.0
"""Seconds that the sessions which hold no table of the application's may be idle, over all rounds."""


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
    with connected(config.target, database=False, read_timeout=120, settings=CONTROL) as control:
        locks = Locks(identify(control).flavour)
        moves = moves or make_moves(config, plan)
        run = Cutover(config, config.target, plan, stream, moves, locks, control, max_freeze, kill_blockers, progress, report)
        outcome = carry_out(run, partial(_rehearse, run), partial(_attempt, run), "writes go on", dry_run=dry_run)
        if outcome is not None:
            _archive(run)
        return outcome


def _attempt(run: Cutover, attempt: int, front: list[str]) -> Outcome:
    """One attempt. Raises NotThisTime when another one may succeed; `front` keeps the tables that were hard to get."""
    since = current_position(run.control)
    run.moves = replace(run.moves, since=since)
    numbers = next_numbers(run.control, run.moves)
    written = prepare(run, since)
    switching, frozen, final = False, 0.0, since
    try:
        with contextlib.ExitStack() as stack:
            guard, renamer, watchdog = _get_ready(run, stack, attempt, numbers)
            freeze = hold(run, stack, watchdog, (guard, renamer), [*front, *written], front)
            final = drain_and_prove(run, watchdog, freeze)
            with run.step("numbers") as done:
                ours = _raise_numbers(run, renamer, watchdog.remaining - run.reserve)
                done.append(f"AUTO_INCREMENT of {len(ours)} tables raised")
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
                with contextlib.suppress(pymysql.MySQLError, OSError):  # `finish` does, and tells, what does not work now
                    create_views(run.control, run.moves.source, run.moves.views)
                done.append(f"{len(run.moves.pairs) - 1} tables renamed, writes were held for {frozen * 1000:.0f} ms")
        run.progress.unfroze()
        switched(run.control, states.of(run.config), run.moves)
        remove_sentry(run.control, run.moves)
    except BaseException as reason:
        run.progress.unfroze()
        _end(run, reason, switching)
    return Outcome(frozen, final, attempt)


def _get_ready(
    run: Cutover, stack: contextlib.ExitStack, attempt: int, numbers: Mapping[Name, int]
) -> tuple[Session, Session, Watchdog]:
    """Everything that can be done before the freeze: intent, archive, sentry, sessions, AUTO_INCREMENT."""
    state = states.of(run.config)
    with run.step("intent") as done:
        with together(run.control):
            state.intend(run.control, SWITCH, {"moves": run.moves.to_json(), "attempt": attempt})
            state.enter(run.control, "cutting_over")
        execute(run.control, f"CREATE DATABASE IF NOT EXISTS {quote(run.moves.archive)}")
        raise_sentry(run.control, run.moves)
        create_token(run.control, run.moves)
        drop_views(run.control, run.moves.leftovers)
        guard = Session(run.config.target, idle=_IDLE, waiting=run.max_freeze)
        stack.callback(guard.close)
        renamer = Session(run.config.target, idle=_IDLE, waiting=run.max_freeze)
        stack.callback(renamer.close)
        if run.locks.flavour == "mysql":
            # References follow the rename all the same; that no others are looked for saves a quarter of its time.
            execute(renamer.connection, "SET SESSION foreign_key_checks = 0")
        watchdog = Watchdog(run.config.target, run.max_freeze)
        stack.callback(watchdog.close)
        stack.enter_context(watchdog.telling())
        raised = _raise_numbers(run, renamer, run.max_freeze, numbers)
        done.append(f"attempt {attempt}, AUTO_INCREMENT of {len(raised)} tables raised beforehand")
    if run.moves.returning:
        with run.step("return") as done, connected(run.config.target, database=False, read_timeout=120) as connection:
            problems = bring_dropped(connection, run.moves)
            if problems:
                raise NotThisTime(f"dropped tables could not come back out of the archive: {', '.join(problems)}")
            done.append(f"{len(run.moves.returning)} dropped tables are back from {run.moves.target}")
    return guard, renamer, watchdog


def _raise_numbers(run: Cutover, session: Session, seconds: float, before: Mapping[Name, int] | None = None) -> list[str]:
    """Let AUTO_INCREMENT go on where the old tables' is; the statements that were needed."""
    now = next_numbers(run.control, run.moves)
    statements = raising(run.moves, sources_of_numbers(run.plan, run.moves), now, before)
    if not statements:
        return statements
    with run.stream.held():  # MariaDB takes one that waits for the other for a deadlock
        deadline = time.monotonic() + seconds
        for statement in statements:
            session.begin(statement)
            if not session.wait(deadline - time.monotonic()):
                session.cancel(run.control)
            if session.error is not None:
                raise NotThisTime(f"{statement}: {describe(session.error)}")
    return statements


def _end(run: Cutover, reason: BaseException, switching: bool) -> None:
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
    raise_undone(reason)


def _archive(run: Cutover) -> None:
    """The dropped tables follow. The switch is done, so what stands in their way is told and no failure."""
    with run.step("archive") as done:
        try:
            with connected(run.config.target, database=False, read_timeout=120) as connection:
                problems = finish(connection, states.of(run.config), run.moves)
        except (pymysql.MySQLError, OSError, TargetError) as error:
            problems = [describe(error)]
        dropped = f", {len(run.moves.dropped)} dropped ones among them" if run.moves.dropped else ""
        done.append(f"the tables that were in use are in {run.moves.archive}{dropped}")
        if problems:
            done.append(f"not yet moved, tried again when the daemon starts: {', '.join(problems)}")


def _rehearse(run: Cutover) -> None:
    """Say what each step would do and how long it is expected to take."""
    moves = run.moves
    run.report("prepare", "compare what was touched since the last full verification, while traffic runs", None)
    run.report("intent", f"write the intent, create {moves.archive}, raise AUTO_INCREMENT where it is lower", 0.1)
    if moves.returning:
        run.report(
            "return", f"bring {len(moves.returning)} dropped tables back from {moves.target}", 0.02 * len(moves.returning)
        )
    rehearse_hold(run)
    run.report("switch", f"rename {len(moves.old)} old and {len(moves.new)} new tables at once", seconds_of_rename(run))
    run.report(
        "archive", f"rename {len(moves.dropped)} dropped tables one by one, while traffic runs", 0.02 * len(moves.dropped)
    )
    run.report("done", f"writes would be held for {run.max_freeze:g} s at most; nothing has changed", None)
