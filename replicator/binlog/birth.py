"""When a binlog file was begun, asked of the server: a file of the same name that began later is another history."""

from __future__ import annotations

import secrets

from replicator.binlog.codes import EventType
from replicator.binlog.dump import Dump
from replicator.binlog.transactions import header_time
from replicator.mysql.connection import Endpoint
from replicator.mysql.position import Position


def new_server_id() -> int:
    """For one more reader: no replica has one as high."""
    return secrets.randbelow(2**31) + 2**31 - 1


def born(endpoint: Endpoint, position: Position) -> int:
    """Seconds since 1970. Raises BinlogPurged where the server does not have the position, and what Dump raises."""
    dump = Dump(endpoint, position, server_id=new_server_id(), by_gtid=False, heartbeat=1.0)
    try:
        return next(int(header_time(event)) for event in dump.packets() if event[4] == EventType.FORMAT_DESCRIPTION)
    finally:
        dump.dispose()
