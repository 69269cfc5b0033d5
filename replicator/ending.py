"""When a migration may end, and what is removed then."""

from __future__ import annotations

from replicator.config import Config
from replicator.errors import WrongState
from replicator.mysql.catalog import read_tables
from replicator.mysql.connection import Connection, connected, execute
from replicator.mysql.sql import quote
from replicator.state import State


def unless_completable(state: State, target: Connection) -> None:
    """Raises WrongState before a cutover, and while it has left something to do."""
    phase = state.phase(target) if state.exists(target) else None
    if phase != "reversing":
        raise WrongState(f"the migration is {phase or 'not begun'}: only after a cutover can it be completed")
    if state.intent(target) is not None:
        raise WrongState(
            "the last switch left something to do, the log says what: restart `replicator run`, which tries it again,"
            " and then complete"
        )


def unless_abortable(state: State, target: Connection) -> None:
    """Raises WrongState where nothing has begun, in the middle of a cutover, and behind one."""
    if not state.exists(target):
        raise WrongState(f"the migration {state.migration} has not begun: there is nothing to abort")
    phase = state.phase(target)
    if phase == "completed":
        raise WrongState(
            f"the migration {state.migration} is completed: the new tables are in use, and there is nothing left to abort"
        )
    if phase == "cutting_over":
        raise WrongState("a cutover was begun and has not come to its end: `replicator run` brings it there first")
    if phase == "reversing":
        raise WrongState(
            f"the migration {state.migration} is cut over: `replicator rollback` takes that back, and `replicator complete`"
            " ends it"
        )


def complete(config: Config, state: State, target: Connection) -> None:
    """Remove staging and state; what stays is that it is completed."""
    _clear(config, state, target)
    state.complete(target)


def abort(config: Config, state: State, target: Connection) -> None:
    """Forget the migration: staging and state. The next `run` begins anew."""
    _clear(config, state, target)
    state.remove(target)


def _clear(config: Config, state: State, target: Connection) -> None:
    """Staging, and what the way back needed on the source."""
    if config.cutover.mode == "hooks":
        with connected(config.source, database=False, write=True) as source:
            if "checkpoint" in read_tables(source, state.database):
                _drop_staging(state, source)
                state.remove(source)
    _drop_staging(state, target)


def _drop_staging(state: State, server: Connection) -> None:
    for name in read_tables(server, state.database):
        if name.startswith(f"{state.migration}:"):
            execute(server, f"DROP TABLE IF EXISTS {quote(state.database, name)}")
