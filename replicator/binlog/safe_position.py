"""Where to begin: positions of which it is certain that everything before them is visible to SELECT.

A transaction stands in the binlog before the engine has committed it, so the end of the binlog is no such position: a row
that was written just before it may be missing from what is copied afterwards, and would not be replayed either.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Final

import pymysql

from replicator.errors import SourceError
from replicator.mysql.connection import Connection, describe, execute, passes, row, rows, value
from replicator.mysql.flavour import Server, identify
from replicator.mysql.position import Position

_PATIENCE: Final = 60.0
"""Seconds to wait for transactions that stand in the binlog to become visible; usually it takes a few milliseconds."""

_SOURCE: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)


def current_position(connection: Connection) -> Position:
    """The end of the binlog. Transactions in front of it may not be visible yet.

    Raises SourceError when the server writes no binlog, or does not let us see it, and PyMySQL's error when the connection is
    lost.
    """
    return _end_of_binlog(connection, identify(connection))


def safe_position(connection: Connection) -> tuple[Position, str]:
    """A position such that every transaction before it is visible to SELECTs that start after the call, and how it was found.

    - `snapshot` (MariaDB): the position that belongs to a START TRANSACTION WITH CONSISTENT SNAPSHOT, for which the server
      holds its commits in order between binlog and engine for a moment.
    - `gtid_owned` (MySQL with gtid_mode=ON): the end of the binlog is read first, then the GTIDs that transactions own. A
      transaction owns its GTID from before it is written to the binlog until the engine has committed it, so what is in
      front of the end and not visible owns one; these are waited for.
    - `rotation` (MySQL without GTIDs): FLUSH BINARY LOGS begins a new file only when the engine has committed all that
      stands in the old one; the position is the new file's beginning.

    The GTID set of the position holds at least what stands in front of it, and only what is visible.

    Raises SourceError when the server writes no binlog, lacks a privilege, or a transaction does not finish, and PyMySQL's
    error when it passes: a lost connection, for one.
    """
    server = identify(connection)
    try:
        if server.flavour == "mariadb":
            return _snapshot(connection), "snapshot"
        if value(connection, "SELECT @@GLOBAL.gtid_mode") == "ON":
            return _unowned(connection, server), "gtid_owned"
        return _rotation(connection, server), "rotation"
    except pymysql.MySQLError as error:
        if passes(error):
            raise
        raise SourceError(f"source: finding a position to start from: {describe(error)}") from None


def _end_of_binlog(connection: Connection, server: Server) -> Position:
    try:
        gtid = value(connection, "SELECT @@GLOBAL.gtid_binlog_pos") if server.flavour == "mariadb" else None
        found = row(connection, server.status_statement)
    except pymysql.MySQLError as error:
        if passes(error):
            raise
        raise SourceError(
            f"source: {server.status_statement}: {describe(error)}. It takes the privilege REPLICATION CLIENT (MariaDB:"
            " BINLOG MONITOR)."
        ) from None
    if found is None:
        raise SourceError("source: the server writes no binlog. Start it with --log-bin and --binlog-format=ROW.")
    if gtid is None:
        gtid = found[4] if len(found) > 4 else ""
    return Position(str(found[0]), int(found[1]), "".join(str(gtid).split()))


def begin_snapshot(connection: Connection, tables: Sequence[str], locking: Connection) -> Position:
    """Begin a transaction on `connection` that sees the tables (quoted) exactly as they are at the returned position.

    MariaDB says which position that is. MySQL does not: there `locking`, another session, keeps writers away from the
    tables for the moment that it takes to begin.
    """
    try:
        execute(connection, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        server = identify(connection)
        if server.flavour == "mariadb":
            execute(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
            return _position_of_snapshot(connection)
        execute(locking, f"LOCK TABLES {', '.join(f'{table} READ' for table in tables)}")
        try:
            execute(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
            return _end_of_binlog(connection, server)
        finally:
            execute(locking, "UNLOCK TABLES")
    except pymysql.MySQLError as error:
        if passes(error):
            raise
        raise SourceError(f"source: reading tables at one position of the binlog: {describe(error)}") from None


def _snapshot(connection: Connection) -> Position:
    execute(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
    try:
        return _position_of_snapshot(connection)
    finally:
        execute(connection, "ROLLBACK")


def _position_of_snapshot(connection: Connection) -> Position:
    status = dict(rows(connection, "SHOW STATUS LIKE 'binlog_snapshot_%'"))
    file, pos = status.get("Binlog_snapshot_file"), status.get("Binlog_snapshot_position")
    if not file or not pos:
        raise SourceError("source: the server writes no binlog. Start it with --log-bin and --binlog-format=ROW.")
    gtid = value(connection, "SELECT BINLOG_GTID_POS(%s, %s)", (file, int(pos)))
    return Position(str(file), int(pos), str(gtid or ""))


def _unowned(connection: Connection, server: Server) -> Position:
    end = _end_of_binlog(connection, server)
    waiting = _owned(connection)
    deadline = time.monotonic() + _PATIENCE
    while waiting := waiting & _owned(connection):
        if time.monotonic() > deadline:
            raise SourceError(
                f"source: transactions {', '.join(sorted(waiting))} have not finished for {_PATIENCE:.0f} seconds. Look for"
                " a session that has set GTID_NEXT, or for a commit that waits for a semi-synchronous replica, end it, and"
                " try again."
            )
        time.sleep(0.002)
    executed = value(connection, "SELECT @@GLOBAL.gtid_executed")
    return Position(end.file, end.pos, "".join(str(executed).split()))


def _owned(connection: Connection) -> set[str]:
    """GTIDs that transactions in progress own.

    The server writes each with its thread, `uuid:5#12:6#13` and `uuid:tag:1#14`, and one source's right behind the other's.
    """
    _, *parts = _SOURCE.split(str(value(connection, "SELECT @@GLOBAL.gtid_owned") or ""))
    owned: set[str] = set()
    for uuid, numbers in zip(parts[::2], parts[1::2], strict=True):
        source = uuid
        for token in numbers.strip(",\n ").split(":")[1:]:
            if "#" in token:
                owned.add(f"{source}:{token}")
            else:
                source = f"{uuid}:{token}"
    return owned


def _rotation(connection: Connection, server: Server) -> Position:
    try:
        execute(connection, "FLUSH NO_WRITE_TO_BINLOG BINARY LOGS")
    except pymysql.MySQLError as error:
        raise SourceError(
            f"source: FLUSH BINARY LOGS: {describe(error)}. A server without GTIDs tells a safe position to start from in no"
            " other way: grant RELOAD for the start, or set gtid_mode = ON."
        ) from None
    return Position(_end_of_binlog(connection, server).file, 4)
