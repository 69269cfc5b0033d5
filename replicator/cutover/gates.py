"""What has to be true before a cutover may begin. Each gate says what is, what has to be, and what to do.

These look at the migration and at what runs on the server now; schema_gates.py looks at the tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pymysql

from replicator import quarantine
from replicator import state as states
from replicator.config import Config
from replicator.cutover import hooks
from replicator.cutover.locks import Locks, problem_seeing_locks
from replicator.cutover.moves import Moves
from replicator.cutover.schema_gates import legacy_views_gate, orphan_gate, schema_gates
from replicator.cutover.stream import ForwardStream
from replicator.mysql.connection import Connection, Endpoint, account, connected, describe, rows, value
from replicator.mysql.flavour import identify
from replicator.progress import Gate, Progress
from replicator.settings import format_duration
from replicator.transform.plan import MigrationPlan

_MAX_LAG = 1.0
_VERIFIED_WITHIN = 86400.0
"""Seconds since the last full verification; what was touched since is compared again in the freeze."""
_SPARE_CONNECTIONS = 6
_PHASE_FIXES = {
    "paused": "Run `replicator resume`, so that the stream goes on.",
    "reversing": "It is cut over already: `replicator rollback` goes back, `replicator complete` ends it.",
}
_OF_RENAMED = ("views", "events", "unmapped")
"""Gates about what stays beside tables of the same names; in mode hooks no new tables take the place of the old ones."""


def gates(
    config: Config,
    plan: MigrationPlan,
    moves: Moves,
    stream: ForwardStream,
    progress: Progress,
    *,
    max_freeze: float,
    kill_blockers: bool = False,
    orphans: bool = True,
    place: Endpoint | None = None,
) -> list[Gate]:
    """All gates of a cutover. Looking for orphans reads every child table; `orphans=False` leaves it out.

    `place`: in mode hooks, the server whose tables are in use. Raises the endpoints' errors where one cannot be reached.
    """
    with (
        connected(config.target, database=False, read_timeout=3600) as home,
        connected(place or config.target, database=False, read_timeout=3600) as connection,
    ):
        found = [_phase(config, progress, home, moves.phase)]
        if place is None:
            found += _one_server(config, connection)
            if not found[-1].ok:
                return found  # the others look for both databases on one server
        else:
            found.append(_hooks(config))
            if moves.direction == "reverse":
                found.append(_kept_since(config, home))
        locks = Locks(identify(connection).flavour)
        found += [_lag(stream), _verified(plan, progress), _quarantine(config, home)]
        found += [_prepared_transactions(connection), _connections(connection, len(moves.read))]
        sees = _sees_locks(connection, locks)
        found.append(sees)
        if sees.ok:
            names = {(moves.source, table) for table in moves.leaving} | {(moves.target, table) for table in moves.new}
            found.append(_blockers(connection, locks, names, max_freeze, kill_blockers))
        found += schema_gates(connection, plan, moves)
        if moves.views:
            found.append(legacy_views_gate(home, config.target.database, moves.views))
        if orphans and moves.direction == "forward":  # behind a rollback references are mended
            found.append(orphan_gate(home, config.target.database))
        if place is not None:
            found = [gate for gate in found if gate.name not in _OF_RENAMED]
        return found


def _hooks(config: Config) -> Gate:
    found = hooks.problems(config)
    return Gate(
        "hooks",
        not found,
        "; ".join(found) or "executable",
        "executable",
        f"Write {config.cutover.hooks}/on_switch, which moves the traffic, and chmod +x it.",
    )


def _kept_since(config: Config, home: Connection) -> Gate:
    """After a rollback the stream goes on from where the cutover was: what the way back wrote is in there too."""
    checkpoint = states.of(config).checkpoint(home, "forward")
    with connected(config.source, database=False) as source:
        files = {str(found[0]) for found in rows(source, "SHOW BINARY LOGS")}
    needed = "" if checkpoint is None else checkpoint.position.file
    return Gate(
        "binlog of the source",
        needed in files,
        f"{needed} is there" if needed in files else f"{needed or 'the file'} is gone",
        "kept since the cutover",
        "Without it nothing can be replicated after a rollback: `replicator complete`, or begin a new migration back.",
    )


def _phase(config: Config, progress: Progress, connection: Connection, wanted: str) -> Gate:
    stored = states.of(config).phase(connection)
    shown = progress.phase
    return Gate(
        "phase",
        stored == shown == wanted,
        shown if stored == progress.stage else f"{shown} ({stored or 'nothing'} is stored)",
        wanted,
        _PHASE_FIXES.get(shown, "Wait until the stream of that phase runs; `replicator status` says what it is doing."),
    )


def _one_server(config: Config, connection: Connection) -> Iterator[Gate]:
    with connected(config.source, database=False) as source:
        here, there = identify(connection), identify(source)
    same = (here.flavour, here.identity) == (there.flavour, there.identity)
    yield Gate(
        "one server",
        same,
        "source and target are on one server" if same else "source and target are on two servers",
        "one server",
        'Set mode = "hooks" below [cutover]: tables are renamed within one server only.',
    )


def _lag(stream: ForwardStream) -> Gate:
    lag = stream.lag_seconds()
    return Gate(
        "lag",
        lag is not None and lag <= _MAX_LAG,
        "unknown" if lag is None else f"{lag:.2f} s",
        f"{_MAX_LAG:g} s",
        "Wait until the stream has caught up; the drain in the freeze takes as long as the lag.",
    )


def _verified(plan: MigrationPlan, progress: Progress) -> Gate:
    tables = {entry["table"]: entry for entry in progress.snapshot()["tables"]}
    missing = sorted(name for name in plan.targets if tables.get(name, {}).get("verified_at") is None)
    different = sorted(name for name in plan.targets if name in tables and tables[name]["mismatched_rows"])
    limit = f"every table, without a difference, within {format_duration(_VERIFIED_WITHIN)}"
    if missing or different:
        shown = [f"{', '.join(missing[:5])} never verified"] if missing else []
        shown += [f"{', '.join(different[:5])} differ"] if different else []
        fix = "Run `replicator verify`, with --repair if rows differ."
        if progress.direction == "reverse":
            fix = "Run `replicator verify`; rows that differ have no way back, correct them or their inverse first."
        return Gate("verified", False, "; ".join(shown), limit, fix)
    oldest = min(datetime.fromisoformat(tables[name]["verified_at"]) for name in plan.targets)
    age = (datetime.now(UTC) - oldest).total_seconds()
    return Gate("verified", age <= _VERIFIED_WITHIN, f"{age / 3600:.1f} h ago", limit, "Run `replicator verify`.")


def _quarantine(config: Config, connection: Connection) -> Gate:
    quarantined = sum(quarantine.counts(states.of(config), connection).values())
    return Gate(
        "quarantine",
        quarantined == 0,
        f"{quarantined} rows",
        "0 rows",
        "Correct the rows in the source or the transform, then `replicator verify --repair`.",
    )


def _prepared_transactions(connection: Connection) -> Gate:
    try:
        names = [found[3] for found in rows(connection, "XA RECOVER")]
        prepared = [name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in names]
    except pymysql.MySQLError as error:
        return Gate("open XA", False, describe(error), "none", f"GRANT XA_RECOVER_ADMIN ON *.* TO {account(connection)}.")
    return Gate(
        "open XA",
        not prepared,
        ", ".join(prepared[:5]) or "none",
        "none",
        "XA COMMIT or XA ROLLBACK them: a prepared transaction keeps its tables locked.",
    )


def _connections(connection: Connection, tables: int) -> Gate:
    limit = int(value(connection, "SELECT @@GLOBAL.max_connections"))
    used = int(rows(connection, "SHOW GLOBAL STATUS LIKE 'Threads_connected'")[0][1])
    needed = 2 * tables + _SPARE_CONNECTIONS
    return Gate(
        "connections",
        limit - used >= needed,
        f"{limit - used} free",
        f"{needed} free",
        f"SET GLOBAL max_connections = {used + needed + 50}.",
    )


def _sees_locks(connection: Connection, locks: Locks) -> Gate:
    problem, fix = problem_seeing_locks(connection, locks.flavour) or ("visible", "")
    return Gate("lock view", not fix, problem, "visible", fix)


def _blockers(
    connection: Connection, locks: Locks, names: set[tuple[str, str]], max_freeze: float, kill_blockers: bool
) -> Gate:
    old = [blocker for blocker in locks.blockers(connection, names, ()) if blocker.age > max_freeze]
    return Gate(
        "long transactions",
        not old or kill_blockers,
        "; ".join(map(str, old[:5])) or "none",
        f"none older than {format_duration(max_freeze)} on a table that moves",
        "Let it end, end it with KILL, or use --kill-blockers.",
    )
