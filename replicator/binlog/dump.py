"""The connection that a server sends its binlog through, and its packets at full speed.

mysql-replication builds the registration; the dump command and the reading of packets are our own
(docs/decisions/0003-binlog-connection.md says why).
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import pymysql
from pymysql.constants import COMMAND
from pymysqlreplication.binlogstream import ReportSlave

from replicator.binlog.codes import HEADER_LENGTH
from replicator.errors import BinlogPurged, EventDamaged, SourceError, StreamError
from replicator.mysql.connection import Endpoint, close, connect, is_lost, value
from replicator.mysql.gtid import MysqlGtidSet
from replicator.mysql.position import Position

_COM_BINLOG_DUMP_GTID: Final = 30
_THROUGH_GTID: Final = 4
_BUFFER: Final = 1 << 18
_WHOLE_PACKET: Final = 0xFFFFFF
"""A packet of this length goes on in the next one."""
_EVENT_SIZE: Final = struct.Struct("<I")
_SIZE_AT: Final = 4 + 1 + 9
"""Behind a packet's header and the status byte in front of the event, whose own header says how long it is."""
_LEAST: Final = 1 + HEADER_LENGTH
_FAREWELL: Final = 1 << 12
"""The longest packet that is no event: an error, or the end."""
_SILENCE: Final = 30.0
"""Seconds without a byte, beyond some heartbeats, after which the connection counts as dead."""

_SERVER_SHUTDOWN: Final = 1053
_INTERRUPTED: Final = 1317
_DUMP_FAILED: Final = 1236


class Dump:
    """One running COM_BINLOG_DUMP. `packets` yields the events' bytes; `close` may be called from any thread."""

    def __init__(self, endpoint: Endpoint, position: Position, *, server_id: int, by_gtid: bool, heartbeat: float) -> None:
        """Connect and start the dump.

        Raises SourceConnectionLost when the source cannot be reached, SourceError when it refuses.
        """
        self._endpoint = endpoint
        self._position = position
        self._server_id = server_id
        self._closing = threading.Event()
        self.bytes_read = 0
        self.heard_at = time.monotonic()
        self._connection = connect(endpoint, database=False)
        try:
            self.mariadb = "mariadb" in str(value(self._connection, "SELECT VERSION()")).lower()
            self._start(by_gtid, heartbeat)
        except (pymysql.MySQLError, OSError) as error:
            close(self._connection)
            if is_lost(error):
                raise endpoint.lost(error) from None
            raise endpoint.refused(error, "starting to read the binlog (needs REPLICATION SLAVE)") from None
        self._socket: socket.socket = self._raw._sock
        self._socket.settimeout(_SILENCE + 5 * heartbeat)

    @property
    def _raw(self) -> Any:
        """The connection with PyMySQL's protected parts, which mysql-replication uses in the same way."""
        return self._connection

    def close(self) -> None:
        """End the dump and wake a reader."""
        self._closing.set()
        with suppress(OSError):  # already gone
            self._socket.shutdown(socket.SHUT_RDWR)

    def dispose(self) -> None:
        """Free the connection, when no one reads from it any more."""
        self._raw._force_close()

    def _start(self, by_gtid: bool, heartbeat: float) -> None:
        period = int(heartbeat * 1e9)
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SET @master_heartbeat_period = %s, @source_heartbeat_period = %s,"
                " @master_binlog_checksum = @@GLOBAL.binlog_checksum,"
                " @source_binlog_checksum = @@GLOBAL.binlog_checksum,"
                " @mariadb_slave_capability = 4",
                (period, period),
            )
            if by_gtid and self.mariadb:
                cursor.execute(
                    "SET @slave_connect_state = %s, @slave_gtid_strict_mode = 1, @slave_gtid_ignore_duplicates = 0",
                    (self._position.gtid,),
                )
        registration = ReportSlave("replicator").encoded(self._server_id)[5:]  # without its packet header and command
        self._command(COMMAND.COM_REGISTER_SLAVE, registration)
        self._raw._read_packet()
        if by_gtid and not self.mariadb:
            gtids = MysqlGtidSet(self._position.gtid).encode()
            self._command(
                _COM_BINLOG_DUMP_GTID,
                struct.pack("<HIIQI", _THROUGH_GTID, self._server_id, 0, 4, len(gtids)) + gtids,
            )
        else:
            file = b"" if by_gtid else self._position.file.encode()
            # The command holds 32 bits of the offset. Behind 4 GiB the file is read from its start and skipped.
            offset = 4 if by_gtid or self._position.pos >= 1 << 32 else self._position.pos
            self._command(COMMAND.COM_BINLOG_DUMP, struct.pack("<IHI", offset, 0, self._server_id) + file)

    def _command(self, command: int, payload: bytes) -> None:
        self._raw._execute_command(command, payload)

    def packets(self) -> Iterator[bytes]:
        """Every event, header first, without the status byte in front of it; ends after `close`.

        Raises SourceConnectionLost, BinlogPurged or StreamError.
        """
        view = memoryview(bytearray(_BUFFER))
        start = end = 0
        sequence = 1
        parts: list[bytes] = []
        left = 0
        """Of an event that takes several packets."""
        while True:
            length = -1
            have = end - start
            if have >= 4:
                length = view[start] | view[start + 1] << 8 | view[start + 2] << 16
                stop = start + 4 + length
                # Every length is said twice: who believed a damaged one would wait for what never comes.
                if parts:
                    fits = length == min(left, _WHOLE_PACKET)
                elif have < 5:
                    fits = True
                elif view[start + 4]:
                    fits = 1 <= length <= _FAREWELL
                elif have < _SIZE_AT + 4:
                    fits = length >= _LEAST
                else:
                    left = _EVENT_SIZE.unpack_from(view, start + _SIZE_AT)[0] + 1
                    fits = length >= _LEAST and length == min(left, _WHOLE_PACKET)
                if not fits:
                    raise EventDamaged(
                        f"source {self._endpoint.address}: behind {self._position} a packet of {length} bytes comes that is not"
                        " as long as its event: damaged on its way or on disk."
                    )
                if stop <= end:
                    if view[start + 3] != sequence and (parts or view[start + 4] != 0xFF):  # MariaDB numbers its farewell 0
                        raise self._endpoint.lost(EOFError("a packet is missing"))
                    sequence = sequence + 1 & 0xFF
                    if length < _WHOLE_PACKET and not parts and not view[start + 4]:
                        event = bytes(view[start + 5 : stop])
                        start = stop
                        yield event
                        continue
                    payload = bytes(view[start + 4 : stop])
                    start = stop
                    parts.append(payload)
                    left -= length
                    if length == _WHOLE_PACKET:
                        continue
                    payload = b"".join(parts)
                    parts.clear()
                    if payload[0]:
                        self._refused(payload)
                    yield payload[1:]
                    continue
            if start:
                view[: end - start] = bytes(view[start:end])
                start, end = 0, end - start
            if length + 4 > len(view):
                larger = memoryview(bytearray(length + 4))
                larger[:end] = view[:end]
                view = larger
            elif length < _BUFFER // 2 and len(view) > _BUFFER and end <= _BUFFER:
                smaller = memoryview(bytearray(_BUFFER))
                smaller[:end] = view[:end]
                view = smaller
            if self._closing.is_set():
                return
            try:
                received = self._socket.recv_into(view[end:])
            except (OSError, ValueError) as error:  # ValueError: TLS on a socket that was shut down
                if self._closing.is_set():
                    return
                if isinstance(error, TimeoutError):
                    error = TimeoutError("the source is silent: no event and no heartbeat")
                raise self._endpoint.lost(error) from None
            if not received:
                if self._closing.is_set():
                    return
                raise self._endpoint.lost(EOFError("the source ended the connection"))
            self.bytes_read += received
            self.heard_at = time.monotonic()
            end += received

    def _refused(self, payload: bytes) -> None:
        """Raise what a packet that is no event says."""
        if payload[0] != 0xFF:
            raise self._endpoint.lost(EOFError("the source ended the stream"))
        code = int.from_bytes(payload[1:3], "little")
        text = payload[3:].decode("utf-8", "replace")
        if text.startswith("#"):
            text = text[6:]
        raise self._error(code, text)

    def _error(self, code: int, text: str) -> SourceError:
        place = f"source {self._endpoint.address}, reading the binlog from {self._position}"
        lower = text.lower()
        if code in (_SERVER_SHUTDOWN, _INTERRUPTED):
            what = "is shutting down" if code == _SERVER_SHUTDOWN else "killed this reader's connection"
            lost = self._endpoint.lost(pymysql.OperationalError(code, f"the source {what} ({text})"))
            assert isinstance(lost, SourceError)
            return lost
        if "server_uuid/server_id" in lower or "server_id as this" in lower:
            return StreamError(
                f"{place}: another replica of this source uses server_id {self._server_id} as well, and the source has"
                f" ended this connection. Give each replica a server_id of its own. (error {code}: {text})"
            )
        if code != _DUMP_FAILED:
            return SourceError(f"{place}: error {code}: {text}")
        if any(sign in lower for sign in _PURGED):
            return BinlogPurged(
                f"{place}: the source no longer has this position ({text}). If a server with the whole binlog exists,"
                " point the source at it; otherwise abort, keep the binlog for longer, and start the migration again."
            )
        if any(sign in lower for sign in _DIVERGED):
            return BinlogPurged(
                f"{place}: the source does not know transactions that were read from it before ({text}). It has been"
                " restored from a backup, has lost its last commits, is another server, or its binlog has been begun anew"
                " (RESET MASTER): point the source at the server that has them, or abort and start the migration again."
            )
        if "max_allowed_packet" in lower and "bogus" not in lower:
            return StreamError(
                f"{place}: an event is larger than the source's max_allowed_packet: raise it. Where it is large enough, the"
                f" binlog has been begun anew (RESET MASTER): abort and start the migration again. ({text})"
            )
        return StreamError(
            f"{place}: error {code}: {text}. Where the binlog has been begun anew (RESET MASTER), abort and start the"
            " migration again."
        )


_PURGED: Final = (
    "purged",
    "could not find first log file",
    "could not open log file",
    "no longer available",
    "could not find the gtid",
    "could not find gtid",
)
_DIVERGED: Final = (
    "file size",
    "impossible position",
    "has more gtids than",
    "not in the master's binlog",
    "missing the gtid",
    "even though",
)
