"""LOAD DATA LOCAL INFILE from memory: the fastest way into both servers, and nothing is ever read from a file."""

from __future__ import annotations

from typing import Any

from pymysql import connections, err
from pymysql.constants import COMMAND, CR

from replicator.mysql.connection import Connection

_SLICE = 1 << 18


def load(connection: Connection, statement: str, lines: bytes) -> int:
    """Run a LOAD DATA LOCAL INFILE statement over `lines`; the server's count of warnings.

    A LOCAL load turns errors into warnings: only a count of 0 says that every line is in the table as it was sent.
    Raises PyMySQL's errors.
    """
    wire: Any = connection
    wire._execute_command(COMMAND.COM_QUERY, statement)
    packet = wire._read_packet()
    if not packet.is_load_local_packet():
        wire._force_close()
        raise err.OperationalError(CR.CR_COMMANDS_OUT_OF_SYNC, "the server did not ask for the lines of LOAD DATA LOCAL")
    for start in range(0, len(lines), _SLICE):
        wire.write_packet(lines[start : start + _SLICE])
    wire.write_packet(b"")
    protocol: Any = connections
    answer = protocol.OKPacketWrapper(wire._read_packet())
    wire.server_status = answer.server_status
    return int(answer.warning_count)
