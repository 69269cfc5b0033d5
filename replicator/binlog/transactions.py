"""The transaction that is being read, and the GTID events that begin one."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from replicator.binlog.codes import HEADER_LENGTH, EventType
from replicator.binlog.events import XaStep
from replicator.binlog.tagged import parse_tagged_gtid
from replicator.binlog.values import Memo
from replicator.mysql.xa import xid

_MYSQL_GTID: Final = struct.Struct("<B16sQB16x7s").unpack_from
_MARIADB_GTID: Final = struct.Struct("<IxI10xQIB").unpack_from
_LOGICAL_CLOCK: Final = 2
_COMMIT_TIME: Final = (1 << 55) - 1
"""The bits of a commit's time in a GTID event; the next one says that the time on the first server follows."""
_uuids: Final = Memo[bytes, str](lambda data: str(UUID(bytes=data)), 1024)
_STANDALONE: Final = 1
_GROUP_COMMIT: Final = 2
_PREPARED_XA: Final = 64
_COMPLETED_XA: Final = 128
"""Flags of MariaDB's GTID event."""
_UNDECIDED: Final = 2 | 8
"""Of its second flags: an ALTER TABLE starts, or has failed."""
_MARIADB_XID: Final = struct.Struct("<IBB")
_PREPARE: Final = struct.Struct("<BIII")


@dataclass(slots=True)
class Group:
    """The transaction that is being read."""

    begun: bool = False
    """Its GTID event has been read."""
    open: bool = False
    """Between BEGIN (MariaDB: a GTID that is not standalone) and its end."""
    rows: int = 0
    size: int = 0
    """Bytes of the events that were kept."""
    timestamp: float = 0.0
    xa: str | None = None
    """The id of the XA transaction whose rows these are."""
    undecided: bool = False
    """Its DDL is written ahead: whether it comes to be is told later, by the same statement again."""
    savepoints: dict[str, int] | None = None
    """Rows seen before each savepoint."""
    gtid: tuple[str, int, str] | tuple[int, int, int] | None = None
    """What the group adds to the executed set when it ends."""


def read_mysql_gtid(event: bytes, end: int) -> Group:
    """The transaction that a GTID event of MySQL begins: anonymous, with a GTID, or with a tagged one."""
    if event[4] == EventType.GTID_TAGGED:
        uuid, tag, number, timestamp = parse_tagged_gtid(event[HEADER_LENGTH:end])
        return Group(begun=True, timestamp=timestamp, gtid=(uuid, number, tag))
    # Flags, UUID, number, the logical clock's type and two values, the time of the commit on this server.
    _, source, number, clock, stamp = _MYSQL_GTID(event, HEADER_LENGTH)
    if clock == _LOGICAL_CLOCK and end >= HEADER_LENGTH + 49:
        timestamp = (int.from_bytes(stamp, "little") & _COMMIT_TIME) / 1e6
    else:
        timestamp = header_time(event)
    gtid = (_uuids[source], number, "") if event[4] == EventType.GTID else None
    return Group(begun=True, timestamp=timestamp, gtid=gtid)


def read_mariadb_gtid(event: bytes, end: int) -> Group:
    """The transaction that a GTID event of MariaDB begins; unless it stands alone, there is no BEGIN."""
    timestamp, server_id, sequence, domain, flags = _MARIADB_GTID(event)
    second = HEADER_LENGTH + 13 + (8 if flags & _GROUP_COMMIT else 0)
    return Group(
        begun=True,
        open=not flags & _STANDALONE,
        xa=_mariadb_xid(event, second) if flags & _PREPARED_XA else None,
        undecided=not flags & (_PREPARED_XA | _COMPLETED_XA) and second < end and bool(event[second] & _UNDECIDED),
        timestamp=float(timestamp),
        gtid=(domain, server_id, sequence),
    )


def _mariadb_xid(event: bytes, start: int) -> str:
    format_id, gtrid, bqual = _MARIADB_XID.unpack_from(event, start)
    start += _MARIADB_XID.size
    return xid(event[start : start + gtrid], event[start + gtrid : start + gtrid + bqual], format_id)


def read_xa_prepare(event: bytes) -> XaStep:
    """The event that ends the rows of an XA transaction: prepared, or on MySQL committed in one phase."""
    one_phase, format_id, gtrid, bqual = _PREPARE.unpack_from(event, HEADER_LENGTH)
    start = HEADER_LENGTH + _PREPARE.size
    name = xid(event[start : start + gtrid], event[start + gtrid : start + gtrid + bqual], format_id)
    return XaStep(name, "one phase" if one_phase else "prepare")


def header_time(event: bytes) -> float:
    """When the statement began, in seconds since the epoch; 0 in events that the dump thread makes up."""
    return float(int.from_bytes(event[:4], "little"))
