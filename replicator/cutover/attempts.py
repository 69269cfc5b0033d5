"""What a cutover is in either mode: gates, then as many attempts as it takes, each undone as a whole or done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NoReturn

import pymysql

from replicator.cutover.freeze import Blocked, NotThisTime, kill
from replicator.cutover.gates import gates
from replicator.cutover.hold import Cutover, Outcome
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
from replicator.mysql.connection import connected, describe, is_lost
from replicator.progress import Gate

ATTEMPTS = 3
_PAUSE = 1.0
"""Seconds of undisturbed traffic after an attempt that was undone."""
CONTROL = {"lock_wait_timeout": 10}
"""Of the sessions that look and prepare."""


def carry_out(
    run: Cutover,
    rehearse: Callable[[], None],
    attempt: Callable[[int, list[str]], Outcome],
    otherwise: str,
    *,
    dry_run: bool,
) -> Outcome | None:
    """Pass the gates and switch; None after a dry run.

    Args:
        rehearse: says what would be done.
        attempt: one attempt, by its number; raises NotThisTime when another one may succeed. The list is for its own use,
            and the same for all of them.
        otherwise: what goes on where all attempts were undone.
    """
    closed = _look_at_gates(run, tell=dry_run)
    if dry_run:
        rehearse()
    _insist(closed)
    if dry_run:
        return None
    progress = run.progress
    progress.enter("cutting_over")
    try:
        outcome = _attempts(run, attempt, otherwise)
    except CutoverInDoubt:
        progress.cutover_ended("in_doubt")
        raise
    except BaseException:
        progress.cutover_ended("undone")
        progress.enter(run.moves.phase)
        raise
    progress.cutover_ended("switched")
    run.stream.stop()
    progress.enter(run.moves.next_phase)
    return outcome


def _look_at_gates(run: Cutover, *, tell: bool) -> list[Gate]:
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
            place=run.place if run.config.cutover.mode == "hooks" else None,
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


def _attempts(run: Cutover, attempt: Callable[[int, list[str]], Outcome], otherwise: str) -> Outcome:
    reasons: list[str] = []
    front: list[str] = []
    for number in range(1, ATTEMPTS + 1):
        try:
            with connected(run.place, database=False, read_timeout=120, settings=CONTROL) as run.control:
                try:
                    return attempt(number, front)
                except Blocked as blocked:
                    if run.kill_blockers:
                        kill(run.control, [blocker for blocker in blocked.blockers if not blocker.waits])
                    raise
        except (NotThisTime, SourceError, TargetError) as reason:
            text = str(reason)
        except (pymysql.MySQLError, OSError) as error:
            if not is_lost(error):
                raise
            text = f"the connection was lost: {describe(error)}"
        reasons.append(f"attempt {number}: {text}")
        run.report("undone", text, None)
        if number < ATTEMPTS:
            time.sleep(_PAUSE * number)
    raise CutoverUndone(f"{otherwise}, nothing has changed:\n" + "\n".join(reasons))


def raise_undone(reason: BaseException) -> NoReturn:
    """Raise what an attempt that failed for this reason, and was undone, has come to: NotThisTime where another may succeed."""
    if isinstance(reason, CutoverUndone | CutoverInDoubt | Interrupted) or not isinstance(reason, Exception):
        raise reason
    text = str(reason) if isinstance(reason, ReplicatorError) else describe(reason)
    if isinstance(reason, VerificationFailed):
        raise CutoverUndone(f"the target is not the transform of the source: {text}") from reason
    if is_lost(reason) or getattr(reason, "transient", False):
        raise NotThisTime(f"a connection was lost: {text}") from reason
    raise CutoverUndone(text) from reason
