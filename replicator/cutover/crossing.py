"""The cutover in mode hooks, step by step: gates · prepare · freeze · drain · prove · close · move · let go.

It is the cutover of mode rename on the server that is in use, but that the one RENAME TABLE takes the tables aside without
putting others in their place: that closes this side. Then on_switch moves the traffic to the other one. A rollback is the
same the other way round.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from replicator import state as states
from replicator.binlog.safe_position import current_position
from replicator.config import Config
from replicator.cutover import hooks
from replicator.cutover.arrival import CLOSING, MOVING, Crossing, end, move, undo
from replicator.cutover.attempts import CONTROL, carry_out, raise_undone
from replicator.cutover.freeze import NotThisTime
from replicator.cutover.hold import Cutover, Outcome, Report, drain_and_prove, hold, prepare, rehearse_hold, seconds_of_rename
from replicator.cutover.increments import raising_apart
from replicator.cutover.locks import Locks
from replicator.cutover.moves import closing, look
from replicator.cutover.session import Session
from replicator.cutover.settle import create_token, raise_sentry, remove_sentry
from replicator.cutover.stream import ForwardStream
from replicator.cutover.switch import let_go, nothing_passed, queue_up
from replicator.cutover.watchdog import Watchdog
from replicator.errors import CutoverInDoubt, CutoverUndone
from replicator.mysql.connection import Connection, connected, describe, execute, together
from replicator.mysql.flavour import identify
from replicator.mysql.position import Position
from replicator.mysql.sql import quote
from replicator.progress import Progress
from replicator.transform.plan import MigrationPlan

_ANSWER = 60.0
_IDLE = 120.0


def cross(
    config: Config,
    plan: MigrationPlan,
    stream: ForwardStream,
    *,
    back: bool,
    max_freeze: float,
    kill_blockers: bool,
    dry_run: bool,
    progress: Progress,
    report: Report,
) -> Outcome | None:
    """Move the traffic to the target, or `back` to the source; None after a dry run. The arguments are those of `cutover`.

    Raises:
        CutoverUndone: traffic is where it was, nothing has changed; the message says why.
        CutoverInDoubt: a person must look; the message says at what. Nobody but us can write to the old side then.
    """
    closes_source, closes_target = closing(config, plan)
    shuts, opens = (closes_target, closes_source) if back else (closes_source, closes_target)
    crossing = Crossing(config, shuts, opens, max_freeze)
    with connected(crossing.near, database=False, read_timeout=120, settings=CONTROL) as control:
        locks = Locks(identify(control).flavour)
        run = Cutover(config, crossing.near, plan, stream, shuts, locks, control, max_freeze, kill_blockers, progress, report)

        def attempted(attempt: int, front: list[str]) -> Outcome:
            return _attempt(run, replace(crossing, attempt=attempt), front)

        return carry_out(run, partial(_rehearse, run, crossing), attempted, "traffic goes on", dry_run=dry_run)


def _attempt(run: Cutover, crossing: Crossing, front: list[str]) -> Outcome:
    since = current_position(run.control)
    written = prepare(run, since)
    with connected(crossing.far, database=False, read_timeout=120, settings=CONTROL) as far:
        _raise_numbers(run, crossing, far)
        try:
            began, position = _close(run, crossing, far, [*front, *written], front)
            crossing = replace(crossing, arrived=current_position(far))
            _ready_to_move(crossing)
        except BaseException as reason:
            run.progress.unfroze()
            undo(crossing)
            raise_undone(reason)
    with run.step("move") as done:
        left = max(began + run.max_freeze - time.monotonic(), run.max_freeze / 4)
        _move(crossing, left)
        frozen = time.monotonic() - began
        done.append(f"on_switch has moved the traffic to {crossing.far.role}, {frozen * 1000:.0f} ms after writes were held")
    with run.step("let go") as done:
        problems = end(crossing, "done", aborted=False)
        run.progress.unfroze()
        done.append("; ".join(problems) or "clients go on")
    unsettled = f"the switch is done, but {'; '.join(problems)}; tried again when the daemon starts" if problems else ""
    return Outcome(time.monotonic() - began, position, crossing.attempt, unsettled)


def _raise_numbers(run: Cutover, crossing: Crossing, far: Connection) -> int:
    statements = raising_apart(run.control, far, run.plan, crossing.shuts, crossing.opens)
    with run.stream.held() if statements else contextlib.nullcontext():
        for statement in statements:
            execute(far, statement)
    return len(statements)


def _close(
    run: Cutover, crossing: Crossing, far: Connection, order: Sequence[str], front: list[str]
) -> tuple[float, Position]:
    """Hold writes, bring the other side up to date, and take the tables aside; when it began, and the last position."""
    shuts = crossing.shuts
    with contextlib.ExitStack() as stack:
        guard, renamer, watchdog = _get_ready(run, crossing, stack)
        held = hooks.exists(run.config, "on_freeze")
        if held:
            with run.step("on_freeze") as done:
                watchdog.start(())
                run.progress.froze()
                done.append(_insisted(crossing, run.reserve))
        freeze = hold(run, stack, watchdog, (guard, renamer), order, front, held=held)
        final = drain_and_prove(run, watchdog, freeze)
        with run.step("numbers") as done:
            done.append(f"AUTO_INCREMENT of {_raise_numbers(run, crossing, far)} tables raised")
        with run.step("close") as done:
            stack.callback(renamer.cancel, run.control)  # before the locks go, should it still be waiting then
            queue_up(run.control, run.locks, shuts, freeze, renamer, watchdog)
            nothing_passed(run.control, shuts, final, ())
            if not watchdog.call_off():
                raise NotThisTime(f"the freeze was over after {run.max_freeze:g} s")
            began = time.monotonic() - watchdog.elapsed
            error = let_go(shuts, guard, renamer, _ANSWER)
            if error is not None and look(run.control, shuts)[0] != "after":
                raise error
            done.append(f"{len(shuts.old)} tables of {crossing.near.role} taken aside to {shuts.archive}")
    remove_sentry(run.control, shuts)
    return began, final


def _insisted(crossing: Crossing, seconds: float) -> str:
    try:
        return crossing.call("on_freeze", seconds) or "clients are held"
    except hooks.HookFailed as failure:
        raise NotThisTime(str(failure)) from None


def _get_ready(run: Cutover, crossing: Crossing, stack: contextlib.ExitStack) -> tuple[Session, Session, Watchdog]:
    """Everything that can be done before the freeze: intent, the place for closed tables, sentry, sessions."""
    shuts, state = crossing.shuts, states.of(run.config)
    with run.step("intent") as done:
        with connected(run.config.target, database=False) as home, together(home):
            crossing.intend(CLOSING, home)
            state.enter(home, "cutting_over")
        execute(run.control, f"CREATE DATABASE IF NOT EXISTS {quote(shuts.archive)}")
        raise_sentry(run.control, shuts)
        create_token(run.control, shuts)
        guard = Session(run.place, idle=_IDLE, waiting=run.max_freeze)
        stack.callback(guard.close)
        renamer = Session(run.place, idle=_IDLE, waiting=run.max_freeze)
        stack.callback(renamer.close)
        if run.locks.flavour == "mysql":
            execute(renamer.connection, "SET SESSION foreign_key_checks = 0")
        watchdog = Watchdog(run.place, run.max_freeze)
        stack.callback(watchdog.close)
        stack.enter_context(watchdog.telling())
        done.append(f"attempt {crossing.attempt}")
    return guard, renamer, watchdog


def _ready_to_move(crossing: Crossing) -> None:
    """Write down that traffic may move from now on, and what stood in the other side's binlog before it did."""
    with connected(crossing.config.target, database=False) as home:
        crossing.intend(MOVING, home)


def _move(crossing: Crossing, seconds: float) -> None:
    """From here on there is no other attempt: whatever it is that fails, the traffic may be on the other side."""
    try:
        move(crossing, seconds)
    except (CutoverUndone, CutoverInDoubt):
        raise
    except Exception as error:
        raise CutoverInDoubt(
            f"moving the traffic to {crossing.far.role} {crossing.far.address} was begun, and then failed: {describe(error)}."
            f" All clients are kept out of {crossing.near.role} {crossing.near.address}. Start `replicator run`: it takes this"
            " step again."
        ) from error


def _rehearse(run: Cutover, crossing: Crossing) -> None:
    """Say what each step would do and how long it is expected to take."""
    shuts = crossing.shuts
    called = [hook for hook in hooks.HOOKS if hooks.exists(run.config, hook)]
    run.report("hooks", f"{', '.join(called)} in {run.config.cutover.hooks}, each for {run.max_freeze:g} s at most", None)
    run.report("prepare", "compare what was touched since the last full verification, while traffic runs", None)
    rehearse_hold(run)
    aside = f"take {len(shuts.old)} tables of {crossing.near.role} aside to {shuts.archive}"
    run.report("close", aside, seconds_of_rename(run))
    run.report("move", f"on_switch moves the traffic to {crossing.far.role} {crossing.far.address}", None)
    run.report("done", f"writes would be held for {run.max_freeze:g} s at most; nothing has changed", None)
