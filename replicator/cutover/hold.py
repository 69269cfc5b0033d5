"""What a cutover is made of in either mode: hold writes, drain, prove; and what all its steps share."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from replicator.binlog.safe_position import current_position
from replicator.config import Config
from replicator.cutover.freeze import Blocked, Freeze, NotThisTime, kill
from replicator.cutover.locks import Blocker, Locks
from replicator.cutover.moves import Moves
from replicator.cutover.order import lock_order, sampled
from replicator.cutover.session import Session
from replicator.cutover.stream import ForwardStream
from replicator.cutover.watchdog import Watchdog
from replicator.errors import CutoverUndone, VerificationFailed
from replicator.mysql.connection import Connection, Endpoint, execute, value
from replicator.mysql.position import Position
from replicator.mysql.sql import quote
from replicator.progress import Progress
from replicator.transform.plan import MigrationPlan

_ROUNDS = 40
"""How often an attempt tries to get all tables: many short tries, since clients wait as long as each of them takes."""
_LEAST_SAMPLE = 0.5
"""Seconds of traffic to learn the lock order from."""
_SINGLE = 40
"""Tables that are asked for one by one, at least: together, a server can find circles that it ends by failing clients."""
_UNTIL_GONE = 2.0
"""Seconds to wait for who was in the way, while nobody has to wait for us."""
_BETWEEN = 0.1
"""Seconds of undisturbed traffic between two rounds, at least."""

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
    unsettled: str = ""
    """What is left for a person to look at, although the switch is done."""


@dataclass(slots=True)
class Cutover:
    """What all steps share."""

    config: Config
    place: Endpoint
    """Where the tables are that the application uses."""
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
        if self.config.cutover.mode == "hooks":
            return self.max_freeze / 2
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


def prepare(run: Cutover, since: Position) -> list[str]:
    """Compare what can be compared while traffic runs; the tables that are written to, in the order to lock them in."""
    began = time.monotonic()
    with run.step("prepare") as done:
        done.append(f"{prepare_proof(run)} rows left to compare in the freeze")
        time.sleep(max(0.0, _LEAST_SAMPLE - (time.monotonic() - began)))
        written = lock_order(sampled(run.control, since, run.moves.source, run.moves.read))
        done.append(f"{len(written)} tables are being written to")
    return written


def prepare_proof(run: Cutover) -> int:
    """Compare what was touched lately while traffic runs; rows that are left for the freeze."""
    try:
        return run.stream.prepare_proof()
    except VerificationFailed as difference:
        raise CutoverUndone(f"the target is not the transform of the source: {difference}") from difference


def hold(
    run: Cutover,
    stack: contextlib.ExitStack,
    watchdog: Watchdog,
    others: tuple[Session, ...],
    order: Sequence[str],
    front: list[str],
    *,
    held: bool = False,
) -> Freeze:
    """Hold the application, in several rounds if need be: between two of them everything goes on undisturbed.

    `others`: the session that guards the sentry, and more that must not outlive the freeze. `held`: clients wait for us
    already, and the clock of `watchdog` runs on over all rounds.
    """
    execute(others[0].connection, f"LOCK TABLES {quote(*run.moves.sentry)} WRITE")
    blocked: Blocked | None = None
    with run.step("freeze") as done:
        for number in range(1, _ROUNDS + 1):
            if blocked is not None and not held and (still := _outlasting(run, blocked)):
                if run.kill_blockers:
                    kill(run.control, still)
                continue
            prepare_proof(run)  # what traffic has touched meanwhile must not wait for the freeze
            for session in others:  # many rounds take longer than a session may be idle
                execute(session.connection, "DO 0")
            groups = _groups(run.moves, [*front, *order])
            freeze = Freeze(run.place, run.locks, run.moves, groups, run.max_freeze, writers_first=number % 2 == 1)
            stack.callback(freeze.close, run.control)
            sessions = (*freeze.sessions, *others)
            begun = partial(watchdog.watch, sessions) if held else partial(_begin_freeze, run, watchdog, sessions)
            try:
                first = run.patience if held else min(run.patience * number, run.max_freeze / 4)
                killing = run.kill_blockers and number > _ROUNDS / 2
                freeze.take(run.control, begun, first, run.patience, killing=killing)
            except Blocked as reason:
                freeze.close(run.control)
                blocked = reason
                if held and watchdog.remaining < run.reserve + 2 * run.patience:
                    raise
                if not held:
                    run.progress.unfroze()
                    watchdog.call_off()
                busy = {table for blocker in blocked.blockers for table in blocker.on}
                # Who waits for a table while it holds no other keeps nobody from ending.
                hard = [table for table in blocked.tables if table in busy]
                front[:] = hard + [table for table in front if table not in hard]
                if run.kill_blockers and held:
                    kill(run.control, [blocker for blocker in blocked.blockers if not blocker.waits])
            else:
                done.append(f"{len(run.moves.read)} tables held in round {number}")
                return freeze
        assert blocked is not None
        raise blocked


def _outlasting(run: Cutover, blocked: Blocked) -> list[Blocker]:
    """Those who were in the way, did not wait for us, and still are after a while, in which nobody has to wait."""
    who = {blocker.session for blocker in blocked.blockers if not blocker.waits}
    names = {(run.moves.source, table) for table in blocked.tables}
    deadline = time.monotonic() + _UNTIL_GONE
    while True:
        time.sleep(_BETWEEN)
        still = [blocker for blocker in run.locks.blockers(run.control, names, ()) if blocker.session in who]
        if not still or time.monotonic() > deadline:
            return still


def _begin_freeze(run: Cutover, watchdog: Watchdog, sessions: Sequence[Session]) -> None:
    """The clock runs from the first table on."""
    watchdog.start(sessions)
    run.progress.froze()


def _groups(moves: Moves, order: Sequence[str]) -> list[tuple[str, ...]]:
    """Tables are asked for one by one, those that are written to in front; very many others in the end together."""
    frozen = set(moves.read)
    busy = [table for table in dict.fromkeys(order) if table in frozen]
    single = busy + [table for table in moves.read if table not in busy][: max(0, _SINGLE - len(busy))]
    rest = tuple(table for table in moves.read if table not in single)
    return [*((table,) for table in single), *([rest] if rest else [])]


def drain_and_prove(run: Cutover, watchdog: Watchdog, freeze: Freeze) -> Position:
    """Writes are held: apply all there is, compare what has to be compared, carry the numbers over."""
    with run.step("drain") as done:
        applied = run.stream.applied()
        final = current_position(run.control)
        if not final.reached(applied):
            raise CutoverUndone(f"the binlog of {run.place.address} was begun anew: {applied} is applied, it ends at {final}")
        if not run.stream.wait_applied(final, watchdog.remaining - run.reserve):
            raise NotThisTime(f"the stream had not applied everything up to {final} in time, it is at {run.stream.applied()}")
        done.append(f"applied up to {final}")
    with run.step("prove") as done:
        try:
            done.append(f"{run.stream.prove(watchdog.deadline - run.reserve, freeze.reader)} rows compared, no difference")
        except CutoverUndone as late:
            raise NotThisTime(str(late)) from late
    return final


def rehearse_hold(run: Cutover) -> None:
    """Say what `hold` and `drain_and_prove` would do and how long they are expected to take."""
    tables, lag = len(run.moves.read), run.stream.lag_seconds() or 0.0
    sessions = int(value(run.control, "SELECT COUNT(*) FROM information_schema.innodb_trx"))
    run.report("freeze", f"lock {tables} tables, {sessions} transactions are under way now", 0.004 * tables)
    run.report("drain", "apply everything up to the position read then", lag + 0.02)
    run.report("prove", "compare the rows that are left", 0.05)


def seconds_of_rename(run: Cutover) -> float:
    """About what the server needs for the rename, as measured with 37 tables and 108 foreign keys.

    MySQL writes a table's whole description anew for each foreign key from or to a table that is renamed.
    """
    renamed = [old for old, _ in run.moves.pairs]
    if run.locks.flavour == "mariadb":
        return 0.003 * len(renamed)
    names = ", ".join(["(%s, %s)"] * len(renamed))
    references = value(
        run.control,
        "SELECT COUNT(*) FROM information_schema.referential_constraints WHERE (constraint_schema, table_name)"
        f" IN ({names}) OR (unique_constraint_schema, referenced_table_name) IN ({names})",
        tuple(part for _ in range(2) for name in renamed for part in name),
    )
    return 0.007 * len(renamed) + 0.005 * int(references)
