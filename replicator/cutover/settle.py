"""One of two worlds: after a kill, a lost connection or an error nobody guesses, the server's tables are looked at."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import pymysql

from replicator import state as states
from replicator.config import Config
from replicator.cutover.moves import Moves, Name, World, look, moves_from_json, tables_in, views_in
from replicator.errors import CutoverInDoubt, ReplicatorError
from replicator.mysql.connection import Connection, connected, describe, execute, is_lost, together
from replicator.mysql.flavour import identify
from replicator.mysql.sql import quote
from replicator.state import Checkpoint, State

_ARCHIVE_PATIENCE = 5
"""Seconds to wait for the transactions on one dropped table."""
SWITCH, ARCHIVE = "switch", "archive"
"""The steps that an intent names: before the rename it may end either way, from then on only forward."""


def raise_sentry(connection: Connection, moves: Moves) -> None:
    """While the sentry stands, no rename of ours succeeds. When this returns, one that was under way has ended or will
    fail: both need the name for themselves.

    It is a MEMORY table because it has no file. MySQL was seen, killed within the rename and started again, to repeat
    the removal of the dropped sentry's file, which by then was that of the token.
    """
    execute(connection, f"CREATE TABLE IF NOT EXISTS {quote(*moves.sentry)} (id int) ENGINE=MEMORY")


def create_token(connection: Connection, moves: Moves) -> None:
    """What the rename moves onto the sentry's name. InnoDB, for the statement to be atomic."""
    execute(connection, f"DROP TABLE IF EXISTS {quote(*moves.token)}")
    execute(connection, f"CREATE TABLE {quote(*moves.token)} (id int PRIMARY KEY) ENGINE=InnoDB")


def remove_sentry(connection: Connection, moves: Moves) -> None:
    """Remove what only served the rename; under the sentry's name that may be the token by now."""
    for name in (moves.sentry, moves.token):
        execute(connection, f"DROP TABLE IF EXISTS {quote(*name)}")


def undone(connection: Connection, state: State, moves: Moves) -> None:
    """Nothing has changed: the stream goes on. What has come back returns to the archive, at the next start if not now."""
    problems = _move_each(connection, moves.returning, moves.source, moves.target)
    with together(connection):
        state.enter(connection, moves.phase)
        if problems:
            state.intend(connection, ARCHIVE, {"moves": state.facts(connection)["switch"]})
        else:
            state.clear_intent(connection)


def switched(connection: Connection, state: State, moves: Moves) -> None:
    """The tables are in place, and the stream in the other direction begins behind the rename; what is left is to archive
    the dropped ones."""
    assert moves.since is not None
    with together(connection):
        state.enter(connection, moves.next_phase)
        checkpoint = Checkpoint(moves.since, identify(connection).identity, 0.0)
        state.begin_stream(connection, moves.next_direction, checkpoint)
        state.learn(connection, switch=moves.to_json())
        if moves.direction == "forward":
            state.learn(connection, new_tables=list(moves.new))
        state.intend(connection, ARCHIVE, {"moves": moves.to_json()})


def archive_dropped(connection: Connection, moves: Moves) -> list[str]:
    """Move the dropped tables; what could not be moved, and why."""
    return _move_each(connection, moves.dropped, moves.source, moves.archive)


def bring_dropped(connection: Connection, moves: Moves) -> list[str]:
    """Bring the dropped tables back; what could not be moved, and why."""
    return _move_each(connection, moves.returning, moves.target, moves.source)


def _move_each(connection: Connection, tables: Sequence[str], home: str, to: str) -> list[str]:
    """Each by itself: a rename that waits for one table must not hold another."""
    execute(connection, f"SET SESSION lock_wait_timeout = {_ARCHIVE_PATIENCE}")
    there = tables_in(connection, home)
    problems = []
    for table in tables:
        if table in there:
            try:
                execute(connection, f"RENAME TABLE {quote(home, table)} TO {quote(to, table)}")
            except pymysql.MySQLError as error:
                if is_lost(error):
                    raise
                problems.append(f"{home}.{table}: {describe(error)}")
    return problems


def create_views(connection: Connection, schema: str, views: Sequence[tuple[str, str]]) -> list[str]:
    """Have old code read the new tables in `schema` under old names; what could not be made, and why.

    As temporary tables they cannot be written to. A statement of the old application that has waited for the rename would
    else change a new table, without what the transform makes of such a change.
    """
    missing = [(name, query) for name, query in views if name not in views_in(connection, schema)]
    if missing:
        execute(connection, f"USE {quote(schema)}")
    problems = []
    for name, query in missing:
        try:
            execute(connection, f"CREATE ALGORITHM = TEMPTABLE SQL SECURITY INVOKER VIEW {quote(schema, name)} AS {query}")
        except pymysql.MySQLError as error:
            if is_lost(error):
                raise
            problems.append(f"view {schema}.{name}: {describe(error)}")
    return problems


def drop_views(connection: Connection, names: Sequence[Name]) -> None:
    """Remove those that are there."""
    for name in names:
        execute(connection, f"DROP VIEW IF EXISTS {quote(*name)}")


def finish(connection: Connection, state: State, moves: Moves) -> list[str]:
    """Views and dropped tables, and nothing is left to do; otherwise the intent stays, and the next `recover` tries again."""
    problems = create_views(connection, moves.source, moves.views) + archive_dropped(connection, moves)
    drop_views(connection, moves.leftovers)
    if not problems:
        state.clear_intent(connection)
    return problems


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
                    " were renamed. Start the server and then `replicator run`, which looks whether the old tables are"
                    f" in {moves.archive} (done) or in {moves.source} (undone). Nothing else needs to be done by hand."
                ) from None
            time.sleep(0.2)


def _settled(connection: Connection, state: State, moves: Moves) -> World:
    raise_sentry(connection, moves)
    world, odd = look(connection, moves)
    if world == "between":
        raise CutoverInDoubt(
            f"some tables are renamed and some are not: {'; '.join(odd)}. Nobody but the rename moves them: look into the"
            " server's error log and the binlog for who did. Stop the application, bring every table back to where it was"
            f" (or on to where it belongs: old ones in {moves.archive}, new ones in {moves.source}), and start"
            " `replicator run` again."
        )
    remove_sentry(connection, moves)
    if world == "after":
        switched(connection, state, moves)
    else:
        undone(connection, state, moves)
    return world


def recover(config: Config) -> Literal["undone", "done"] | None:
    """End a cutover that a kill has interrupted; None when there is none. To be called whenever a daemon starts.

    The plan is not asked for: after the switch the target's tables are not where it expects them.

    Raises CutoverInDoubt, and TargetError when the server cannot be reached.
    """
    state = states.of(config)
    with connected(config.target, database=False) as connection:
        intent = state.intent(connection) if state.exists(connection) else None
    if intent is None or intent[0] not in (SWITCH, ARCHIVE):
        return None
    moves = moves_from_json(intent[1]["moves"])
    world = settle(config, moves, 30.0) if intent[0] == SWITCH else "after"
    with connected(config.target, database=False, read_timeout=120) as connection:
        left = state.intent(connection)
        if left is not None:
            finish(connection, state, moves_from_json(left[1]["moves"]))
    return "undone" if world == "before" else "done"
