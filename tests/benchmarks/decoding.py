"""(a) Reading row images: our stream against mysql-replication's own reader, every value of every row."""

from __future__ import annotations

import secrets
import time

from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent

from replicator.binlog.events import RowsEvent, TransactionEnd, Wanted
from replicator.binlog.safe_position import current_position
from replicator.binlog.stream import BinlogStream
from replicator.demo.servers import Flavour, Server
from replicator.mysql.connection import connected
from replicator.mysql.position import Position
from tests.benchmarks.figures import Figure, Sizes, faster
from tests.benchmarks.place import DATABASE, fill, run_all, server
from tests.benchmarks.table import COLUMNS, NAME, transactions


def measure(flavour: Flavour, sizes: Sizes) -> list[Figure]:
    """Rows/s of both readers on the same binlog; the library, being slow, reads the beginning of it."""
    ours, theirs = [], []
    with server(flavour) as source:
        fill(source, sizes.base_rows)
        endpoint = source.endpoint("source", DATABASE)
        with connected(endpoint, several=True) as connection:
            begin = current_position(connection)
            run_all(connection, transactions(sizes.decode_transactions, sizes.base_rows))
            end = current_position(connection)
        for _ in range(sizes.repetitions):
            ours.append(_ours(source, begin, end))
            theirs.append(_library(source, begin, sizes.library_rows))
    return [faster("a", flavour, "decoding 20 columns from the binlog", ours, "mysql-replication", theirs, 15.0)]


def _ours(source: Server, begin: Position, end: Position) -> float:
    everything = Wanted(COLUMNS, COLUMNS)
    stream = BinlogStream(
        source.endpoint("source", DATABASE),
        begin,
        server_id=_server_id(),
        wanted=lambda _, table: everything if table == NAME else None,
    )
    rows = 0
    began = time.monotonic()
    with stream:
        for event in stream:
            if isinstance(event, RowsEvent):
                rows += len(event.rows)
            elif isinstance(event, TransactionEnd) and event.position.reached(end):
                break
        return rows / (time.monotonic() - began)


def _library(source: Server, begin: Position, enough: int) -> float:
    settings = {"unix_socket": str(source.socket), "user": "root", "passwd": source.password, "charset": "utf8mb4"}
    rows = 0
    began = time.monotonic()
    stream = BinLogStreamReader(
        connection_settings=settings,
        ctl_connection_settings={**settings, "database": "information_schema"},
        server_id=_server_id(),
        resume_stream=True,
        log_file=begin.file,
        log_pos=begin.pos,
        only_events=[WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent],
    )
    try:
        for event in stream:
            rows += len(event.rows)  # decodes them
            if rows >= enough:
                break
        return rows / (time.monotonic() - began)
    finally:
        stream.close()


def _server_id() -> int:
    return secrets.randbelow(2**31) + 2**31 - 1
