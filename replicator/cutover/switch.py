"""The one rename, made so that no write passes between the last one that was applied and the first on the new tables.

The rename is sent while everything is frozen and waits behind the keepers. They give their tables back one at a time, each
when the rename is next in line for it, so that nobody overtakes. In the end the rename has every table for itself and waits
for the sentry alone. Now nothing can be written any more, and the binlog says whether anything was. Only if not, the
sentry is dropped. Whoever dies before that leaves the sentry standing, and the rename fails as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from replicator.cutover.freeze import Blocked, Freeze, NotThisTime
from replicator.cutover.locks import Locks
from replicator.cutover.moves import Moves, Name
from replicator.cutover.order import touched
from replicator.cutover.session import Session
from replicator.cutover.watchdog import Watchdog
from replicator.errors import CutoverUndone
from replicator.mysql.connection import Connection, describe, execute, is_lost
from replicator.mysql.position import Position
from replicator.mysql.sql import quote

_GLANCE = 0.0005
"""Seconds between two looks at the locks."""


def queue_up(control: Connection, locks: Locks, moves: Moves, freeze: Freeze, renamer: Session, watchdog: Watchdog) -> None:
    """Send the rename and hand every table over to it, until only the sentry is left. Raises NotThisTime."""
    ours = {renamer.identity, *(session.identity for session in freeze.sessions)}
    renamer.begin(moves.statement)
    freeze.end_reading()
    for table in sorted((*moves.old, *moves.outdated), key=str.encode):
        place = _place((moves.source, table))
        before = {name for name in moves.locked if _place(name) < place}
        # It has all that it asks for before this one: what it waits for, then, is this one.
        while not (before <= locks.exclusive(control, renamer.identity) and locks.waiting(control, {renamer.identity})):
            _still_waiting(control, locks, moves, renamer, watchdog, ours)
        freeze.give_back(table, control)
    while not moves.locked <= locks.exclusive(control, renamer.identity):
        _still_waiting(control, locks, moves, renamer, watchdog, ours)


def _place(name: Name) -> tuple[bytes, bytes]:
    """Where the name stands in the order in which both servers lock."""
    return name[0].encode(), name[1].encode()


def _still_waiting(
    control: Connection, locks: Locks, moves: Moves, renamer: Session, watchdog: Watchdog, ours: Collection[int]
) -> None:
    if renamer.wait(_GLANCE):
        error = renamer.error
        text = f"the rename ended early: {describe(error) if error else 'it found no sentry'}"
        raise NotThisTime(text) if error is None or is_lost(error) else CutoverUndone(text)
    blockers = locks.blockers(control, moves.locked, ours)
    if watchdog.remaining <= 0 or any(blocker.waits for blocker in blockers):
        missing = moves.locked - locks.exclusive(control, renamer.identity)
        raise Blocked(sorted({table for _, table in missing}), blockers)


def nothing_passed(control: Connection, moves: Moves, final: Position, ours: Sequence[str]) -> None:
    """Look whether a table that transforms read was written to behind `final`. Raises NotThisTime."""
    late = touched(control, final, moves.source, moves.read, ours)
    if late:
        raise NotThisTime(f"a write to {', '.join(sorted(late))} passed between freeze and rename")


def let_go(moves: Moves, guard: Session, renamer: Session, patience: float) -> Exception | None:
    """Drop the sentry and wait for the rename; its error, None when it is done. From here on there is no way back."""
    try:
        execute(guard.connection, f"DROP TABLE {quote(*moves.sentry)}")
        guard.unlock()
    except Exception as error:  # dropped or not: without its lock the rename ends at once, the one way or the other
        guard.close()
        renamer.wait(patience)
        return renamer.error or error
    deadline = time.monotonic() + patience
    while not renamer.wait(deadline - time.monotonic()):
        if time.monotonic() > deadline:
            return TimeoutError(f"no answer for {patience:g} s")
    return renamer.error
