"""Mode hooks behind the intent: every step is written down before it is taken, and each can be taken again.

    closing    the old side may be closed; no traffic has moved      → undone
    moving     the old side is closed, on_switch may have begun      → done, or else returning
    returning  on_switch has failed: on_abort takes traffic back     → undone
    ending     decided; what is left waits for nobody                → as it was decided

A side is closed by renaming its tables into a database where only we look for them: that is atomic, outlives us and both
servers, and concerns nothing else on them. See docs/decisions/0020-closed-by-rename.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import pymysql
import structlog

from replicator import state as states
from replicator.config import Config
from replicator.cutover import hooks, settle
from replicator.cutover.moves import Moves, Name, World, look, moves_from_json, tables_in
from replicator.cutover.order import touched
from replicator.cutover.settle import archive_dropped, create_token, create_views, drop_views, raise_sentry, remove_sentry
from replicator.errors import CutoverInDoubt, CutoverUndone, ReplicatorError
from replicator.mysql.connection import Connection, Endpoint, connected, describe, execute, together
from replicator.mysql.flavour import identify
from replicator.mysql.position import Position
from replicator.mysql.sql import quote
from replicator.state import Checkpoint

CLOSING, MOVING, RETURNING, ENDING = "closing", "moving", "returning", "ending"
STEPS = (CLOSING, MOVING, RETURNING, ENDING)
_PATIENCE = 30.0
"""Seconds to wait for a server that does not answer."""
_OPTIONS = {"read_timeout": 120, "settings": {"lock_wait_timeout": 30}}

Decision = Literal["undone", "done"]
Made = TypeVar("Made")

_log = structlog.get_logger("cutover")


@dataclass(frozen=True, slots=True)
class Crossing:
    """One way over, from the side that is in use to the other."""

    config: Config
    shuts: Moves
    """Closes the side that is in use."""
    opens: Moves
    """Would close the other one; on the way back its tables come from aside."""
    max_freeze: float
    attempt: int = 0
    arrived: Position | None = None
    """Where the binlog of the other side ended before any traffic went there."""

    @property
    def back(self) -> bool:
        """Whether it is a rollback."""
        return self.shuts.direction == "reverse"

    @property
    def near(self) -> Endpoint:
        """The side that is in use."""
        return self.config.target if self.back else self.config.source

    @property
    def far(self) -> Endpoint:
        """The other one."""
        return self.config.source if self.back else self.config.target

    @property
    def views(self) -> list[Name]:
        """The legacy views, beside the new tables."""
        old, new = (self.opens, self.shuts) if self.back else (self.shuts, self.opens)
        return [(new.source, name) for name, _ in old.views]

    def call(self, hook: hooks.Hook, seconds: float | None = None, outcome: str = "") -> str:
        """Run a hook within `seconds`, by default `max_freeze`. Raises HookFailed."""
        given = hooks.variables(self.config, back=self.back, attempt=self.attempt, outcome=outcome)
        return hooks.call(self.config, hook, given, self.max_freeze if seconds is None else seconds)

    def intend(self, step: str, connection: Connection, **more: Any) -> None:
        """Write down what comes next."""
        details = {
            "shuts": self.shuts.to_json(),
            "opens": self.opens.to_json(),
            "max_freeze": self.max_freeze,
            "attempt": self.attempt,
            "arrived": None if self.arrived is None else self.arrived.to_json(),
            **more,
        }
        states.of(self.config).intend(connection, step, details)


def crossing_from_json(config: Config, stored: Mapping[str, Any]) -> Crossing:
    """What `intend` wrote."""
    arrived = None if stored["arrived"] is None else Position(**stored["arrived"])
    shuts, opens = moves_from_json(stored["shuts"]), moves_from_json(stored["opens"])
    return Crossing(config, shuts, opens, stored["max_freeze"], stored["attempt"], arrived)


# Closed and open --------------------------------------------------------------------------------------------


def bring(connection: Connection, moves: Moves, world: World) -> None:
    """Have the tables in place (`before`) or aside (`after`), whatever a rename that got lost may have done."""
    raise_sentry(connection, moves)
    there, odd = look(connection, moves)
    if there == "between":
        raise CutoverInDoubt(
            f"some tables of {moves.source} are aside in {moves.archive} and some are not: {'; '.join(odd)}. Nobody but us"
            " moves them: look into the server's error log and the binlog for who did, bring all of them to one of the two"
            " databases, and start `replicator run` again."
        )
    remove_sentry(connection, moves)
    if there != world:
        create_token(connection, moves)
        execute(connection, moves.statement if world == "after" else moves.way_back)
        remove_sentry(connection, moves)


def persist(endpoint: Endpoint, work: Callable[[Connection], Made], doing: str) -> Made:
    """Do something that may be done twice, until a server that comes back has done it. Raises CutoverInDoubt."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with connected(endpoint, database=False, **_OPTIONS) as connection:
                return work(connection)
        except (CutoverInDoubt, CutoverUndone):
            raise
        except (ReplicatorError, pymysql.MySQLError, OSError) as error:
            if time.monotonic() > deadline:
                raise CutoverInDoubt(
                    f"{endpoint.role} {endpoint.address}: {doing}: {describe(error)}. Nothing else was begun. Start the server"
                    " or mend what it says, then start `replicator run`: it goes on with exactly this step."
                ) from None
            time.sleep(0.2)


def _intend(crossing: Crossing, step: str) -> None:
    persist(crossing.config.target, lambda home: crossing.intend(step, home), "writing down the next step")


# The steps --------------------------------------------------------------------------------------------------


def move(crossing: Crossing, seconds: float | None = None) -> None:
    """The old side is closed, and `moving` is written down: open the other one and move the traffic, or take it back.

    Raises CutoverUndone when it was taken back, CutoverInDoubt when it is not known where it is.
    """
    if crossing.back:
        persist(crossing.far, lambda far: _bring_back(far, crossing.opens), "bringing the old tables back into place")
    else:  # before anybody can miss them
        left = persist(crossing.far, lambda far: _create_views(far, crossing), "creating the legacy views")
        for problem in left:
            _log.error("view.failed", reason=problem)
    try:
        crossing.call("on_switch", seconds)
    except hooks.HookFailed as failure:
        _intend(crossing, RETURNING)
        take_back(crossing, str(failure))
    _arrive(crossing)


def take_back(crossing: Crossing, failure: str) -> None:
    """on_switch has failed, so that nobody knows where the traffic is, until on_abort has taken it back to the old side.

    Raises CutoverUndone, or CutoverInDoubt.
    """
    place = f"{crossing.config.cutover.hooks}/"
    where = f"All clients are kept out of {crossing.near.role} {crossing.near.address}, {crossing.shuts.source}"
    if not hooks.exists(crossing.config, "on_abort"):
        _intend(crossing, MOVING)
        raise CutoverInDoubt(
            f"{failure}. Whether traffic goes to {crossing.far.role} {crossing.far.address} by now is not known, and there is"
            f" no {place}on_abort that would take it back. {where}. Look at what on_switch has done, mend it, and start"
            " `replicator run`: it calls on_switch again. Or write on_abort: it is called when on_switch fails again."
        )
    try:
        crossing.call("on_abort")
    except hooks.HookFailed as another:
        raise CutoverInDoubt(
            f"{failure}; and then {another}. Whether traffic goes to {crossing.near.role} or {crossing.far.role} is not known."
            f" {where}. Look at what both hooks have done, mend on_abort, and start `replicator run`: it calls on_abort again."
        ) from None
    late = persist(crossing.far, lambda far: _written(far, crossing), "looking whether clients have written there")
    if late:
        _intend(crossing, MOVING)
        raise CutoverInDoubt(
            f"{failure}, but clients have written to {', '.join(sorted(late))} on {crossing.far.role} {crossing.far.address}"
            f" by then, so that side has to win. {where}. Mend on_switch and start `replicator run`: it calls on_switch again."
        )
    if crossing.back:
        persist(crossing.far, lambda far: _close_again(far, crossing.opens), "closing the old tables again")
    else:
        persist(crossing.far, lambda far: drop_views(far, crossing.views), "dropping the legacy views")
    undo(crossing, aborted=True)
    raise CutoverUndone(f"the traffic is where it was, nothing has changed: {failure}")


def _bring_back(far: Connection, opens: Moves) -> None:
    bring(far, opens, "before")
    there = tables_in(far, opens.archive)
    for table in opens.dropped:
        if table in there:
            execute(far, f"RENAME TABLE {quote(opens.archive, table)} TO {quote(opens.source, table)}")


def _put_back(near: Connection, crossing: Crossing) -> None:
    bring(near, crossing.shuts, "before")
    drop_views(near, crossing.views)


def _create_views(far: Connection, crossing: Crossing) -> list[str]:
    return create_views(far, crossing.opens.source, crossing.shuts.views)


def _close_again(far: Connection, opens: Moves) -> None:
    bring(far, opens, "after")
    archive_dropped(far, opens)


def _written(far: Connection, crossing: Crossing) -> set[str]:
    assert crossing.arrived is not None
    opens = crossing.opens
    return touched(far, crossing.arrived, opens.source, opens.read, (opens.marker,))


def undo(crossing: Crossing, *, aborted: bool = False) -> None:
    """No traffic is on the other side: open the old one again. Raises CutoverInDoubt.

    Clients do not wait for the state database: where it is on the other side, that server may be the one that has died.
    """
    config, state = crossing.config, states.of(crossing.config)
    if crossing.arrived is not None and not aborted:
        # `moving` may be written down: whoever reads that must find the old side closed
        _intend(crossing, CLOSING)
    persist(crossing.near, lambda near: bring(near, crossing.shuts, "before"), "opening the tables again")
    problems = _let_through(crossing, "undone", aborted=aborted)

    def decide(home: Connection) -> None:
        with together(home):
            state.enter(home, crossing.shuts.phase)
            if problems:
                crossing.intend(ENDING, home, decision="undone", aborted=aborted)
            else:
                state.clear_intent(home)

    persist(config.target, decide, "clients go on as before, but writing down that nothing has changed")
    if problems:
        raise CutoverInDoubt(
            f"the tables in use are the same as before, and open, but {'; '.join(problems)}: traffic may still be held. Look"
            " at what the hook has to do, do it by hand, and start `replicator run` anew, which calls it again."
        )


def _arrive(crossing: Crossing) -> None:
    """The traffic has moved: from now on only forward."""
    config, state = crossing.config, states.of(crossing.config)
    arrived = crossing.arrived
    assert arrived is not None
    if not crossing.back:
        server = persist(config.target, lambda target: identify(target).identity, "asking which server the traffic has come to")
        checkpoint = Checkpoint(arrived, server, 0.0)

        def begin(source: Connection) -> None:
            state.create(source)  # the way back writes there, and its checkpoint belongs into the same transactions
            state.begin_stream(source, "reverse", checkpoint)

        persist(config.source, begin, "preparing the way back")

    def decide(home: Connection) -> None:
        with together(home):
            state.enter(home, crossing.shuts.next_phase)
            # Forward goes on from its own checkpoint: what the way back has written since then is news to it.
            state.learn(home, switch={"since": arrived.to_json()})
            if not crossing.back:
                state.learn(home, new_tables=list(crossing.opens.old))
            crossing.intend(ENDING, home, decision="done", aborted=False)

    persist(config.target, decide, "writing down that the traffic has moved")


def end(crossing: Crossing, decision: Decision, *, aborted: bool) -> list[str]:
    """Let clients through, and put in order what nobody waits for; what did not work, which is tried at the next start."""
    config, problems = crossing.config, _let_through(crossing, decision, aborted=aborted)
    if decision == "done":
        if crossing.back:  # forward replication writes them
            persist(crossing.near, lambda near: _put_back(near, crossing), "putting the new tables back")
        else:
            shuts = crossing.shuts
            left = persist(crossing.near, lambda near: archive_dropped(near, shuts), "moving the dropped tables")
            problems += [f"{one} is not in the archive yet" for one in left]
    if not problems:
        persist(config.target, states.of(config).clear_intent, "closing the cutover")
    return problems


def _let_through(crossing: Crossing, decision: Decision, *, aborted: bool) -> list[str]:
    problems = []
    for hook in ("on_abort", "on_unfreeze") if decision == "undone" and not aborted else ("on_unfreeze",):
        try:
            crossing.call(hook, outcome=decision)
        except hooks.HookFailed as failure:
            problems.append(str(failure))
    return problems


def recover(config: Config) -> Decision | None:
    """End a cutover, in either mode, that a kill has interrupted; None when there is none. To be called whenever a daemon
    starts. Raises CutoverInDoubt, and the endpoints' errors when a server cannot be reached."""
    state = states.of(config)
    with connected(config.target, database=False) as connection:
        intent = state.intent(connection) if state.exists(connection) else None
    if intent is None or intent[0] not in STEPS:
        return settle.recover(config)
    step, details = intent
    crossing = crossing_from_json(config, details)
    if step == ENDING:
        decision: Decision = details["decision"]
        for problem in end(crossing, decision, aborted=details["aborted"]):
            _log.error("cutover.unfinished", reason=problem)
        return decision
    try:
        if step == CLOSING:
            undo(crossing)
            return "undone"
        if step == RETURNING:
            take_back(crossing, "on_switch had failed before the restart")
        move(crossing)
    except CutoverUndone as undone:
        _log.warning("cutover.undone", reason=str(undone))
        return "undone"
    for problem in end(crossing, "done", aborted=False):
        _log.error("cutover.unfinished", reason=problem)
    return "done"
