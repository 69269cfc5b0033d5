"""One of two worlds: after a kill, a lost connection or an error nobody guesses, the server's tables are looked at."""

from __future__ import annotations

import time
from typing import Literal

import pymysql

from replicator import state as states
from replicator.config import Config
from replicator.cutover.moves import Moves, World, look, moves_from_json
from replicator.errors import CutoverInDoubt, ReplicatorError
from replicator.mysql.connection import Connection, connected, describe, execute
from replicator.mysql.sql import quote
from replicator.state import State

STEP = "cutover"
"""The intent's step."""


def create_sentry(connection: Connection, moves: Moves) -> None:
    """While the sentry stands, no rename of ours succeeds. When this returns, one that was under way has ended or will
    fail: both need the name for themselves."""
    for name in (moves.sentry, moves.token):
        execute(connection, f"CREATE TABLE IF NOT EXISTS {quote(*name)} (id int PRIMARY KEY) ENGINE=InnoDB")


def drop_sentry(connection: Connection, moves: Moves) -> None:
    """Remove what only served the rename."""
    execute(connection, f"DROP TABLE IF EXISTS {quote(*moves.sentry)}, {quote(*moves.token)}")


def close_intent(connection: Connection, state: State, phase: str) -> None:
    """Phase and intent change together."""
    connection.begin()
    try:
        state.enter(connection, phase)
        state.clear_intent(connection)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def settle(config: Config, moves: Moves, seconds: float) -> World:
    """Which world it is, once and for all, and put the state in order accordingly.

    Waits up to `seconds` for a server that does not answer. Raises CutoverInDoubt.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            with connected(config.target, database=False, read_timeout=120, settings={"lock_wait_timeout": 60}) as connection:
                return _settled(connection, states.of(config), moves)
        except CutoverInDoubt:
            raise
        except (ReplicatorError, pymysql.MySQLError, OSError) as error:
            if time.monotonic() > deadline:
                raise CutoverInDoubt(
                    f"{config.target.address} does not answer ({describe(error)}), so it is not known whether the tables"
                    f" were renamed. Start the server and then `replicator run`: it looks whether the old tables are in"
                    f" {moves.archive} (done) or in {moves.source} (undone). Nothing else needs to be done by hand."
                ) from None
            time.sleep(0.2)


def _settled(connection: Connection, state: State, moves: Moves) -> World:
    create_sentry(connection, moves)
    world, odd = look(connection, moves)
    if world == "between":
        raise CutoverInDoubt(
            f"some tables are renamed and some are not: {'; '.join(odd)}. Nobody but the rename moves them: look into the"
            " server's error log and the binlog for who did. Stop the application, bring every table back to where it was"
            f" (or on to where it belongs: old ones in {moves.archive}, new ones in {moves.source}), and run"
            " `replicator run` again."
        )
    drop_sentry(connection, moves)
    close_intent(connection, state, "completed" if world == "after" else "replicating")
    return world


def recover(config: Config) -> Literal["undone", "done"] | None:
    """End a cutover that a kill has interrupted; None when there is none. To be called whenever a daemon starts.

    The plan is not asked for: after the switch the target's tables are not where it expects them.

    Raises CutoverInDoubt, and TargetError when the server cannot be reached.
    """
    state = states.of(config)
    with connected(config.target, database=False) as connection:
        if not state.exists(connection):
            return None
        intent = state.intent(connection)
    if intent is None or intent[0] != STEP:
        return None
    return "done" if settle(config, moves_from_json(intent[1]["moves"]), 30.0) == "after" else "undone"
