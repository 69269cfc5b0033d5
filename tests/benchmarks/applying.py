"""(c) Applying changes: our stream through a transform function against a native replica of the same server."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from pymysql.cursors import DictCursor

from replicator.apply import heartbeat
from replicator.apply.course import Course
from replicator.apply.stream import Stream
from replicator.binlog.safe_position import current_position
from replicator.config import Config
from replicator.demo.servers import Flavour, Server
from replicator.mysql.connection import connected, execute, value
from replicator.mysql.flavour import identify
from replicator.mysql.position import Position
from replicator.planning import resolve
from replicator.progress import Progress
from replicator.state import Checkpoint, of
from replicator.throttle import Throttle
from tests.benchmarks.figures import Figure, Sizes, faster
from tests.benchmarks.place import DATABASE, STATE, begin_state, checksum, fill, migration, run_all, server
from tests.benchmarks.table import CHANGES_PER_TRANSACTION, transactions

PATIENCE = 1800
ERRORS = ("Last_IO_Error", "Last_SQL_Error")
REPLICA = {
    # Every server here writes a binlog of what it applies, as MySQL's replicas do by default.
    "mariadb": ("--log-slave-updates=ON", "--slave-parallel-threads=0", "--skip-slave-start"),
    "mysql": ("--replica-parallel-workers=1", "--skip-replica-start"),
}
AT_LEAST = {"mysql": 1.0, "mariadb": 0.4}


def measure(flavour: Flavour, sizes: Sizes) -> list[Figure]:
    """Row changes/s of both, in turns, each from an equal copy of the table to the end of the same binlog."""
    changes = sizes.transactions * CHANGES_PER_TRANSACTION
    ours, theirs = [], []
    with (
        server(flavour) as source,
        server(flavour) as target,
        server(flavour, *REPLICA[flavour]) as replica,
        tempfile.TemporaryDirectory() as scratch,
    ):
        fill(source, sizes.base_rows)
        config = migration(source, target, Path(scratch))
        with connected(config.source, several=True) as connection:
            heartbeat.create(connection, STATE)
            begin = current_position(connection)
            run_all(connection, transactions(sizes.transactions, sizes.base_rows))
            end = current_position(connection)
        right = checksum(source)
        for _ in range(sizes.repetitions):
            fill(target, sizes.base_rows)
            ours.append(changes / _ours(config, begin, end))
            assert checksum(target) == right
            fill(replica, sizes.base_rows)
            theirs.append(changes / _native(flavour, source, replica, begin, end))
            assert checksum(replica) == right
    measured = f"applying transactions of {CHANGES_PER_TRANSACTION} row changes through a transform"
    return [faster("c", flavour, measured, ours, "native replica, 1 thread", theirs, AT_LEAST[flavour])]


def _ours(config: Config, begin: Position, end: Position) -> float:
    with connected(config.source) as reader, connected(config.target, write=True) as writer:
        plan = resolve(config, reader, writer)
        begin_state(config, writer)
        of(config).begin_stream(writer, "forward", Checkpoint(begin, identify(reader).identity, 0.0))
    throttle = Throttle(config.throttle, (config.source, config.target))
    course = Course(plan, of(config), config.source, config.target)
    stream = Stream(course, Progress("bench"), exact=True, throttle=throttle)
    began = time.monotonic()
    stream.start()
    try:
        assert stream.wait_applied(end, PATIENCE)
        return time.monotonic() - began
    finally:
        stream.stop()


def _native(flavour: Flavour, source: Server, replica: Server, begin: Position, end: Position) -> float:
    new = flavour == "mysql"
    change, prefix, role, wait = (
        ("CHANGE REPLICATION SOURCE TO", "SOURCE", "REPLICA", "SOURCE_POS_WAIT")
        if new
        else ("CHANGE MASTER TO", "MASTER", "SLAVE", "MASTER_POS_WAIT")
    )
    with connected(replica.endpoint("target", DATABASE)) as connection:
        execute(connection, f"RESET {role} ALL")
        if new:
            execute(connection, "RESET BINARY LOGS AND GTIDS")  # or it passes over what it has applied before
        execute(
            connection,
            f"{change} {prefix}_HOST='127.0.0.1', {prefix}_PORT={source.port}, {prefix}_USER='root',"
            f" {prefix}_PASSWORD=%s, {prefix}_LOG_FILE=%s, {prefix}_LOG_POS=%s, "
            + ("SOURCE_AUTO_POSITION=0, SOURCE_SSL=0, GET_SOURCE_PUBLIC_KEY=1" if new else "MASTER_USE_GTID=no"),
            (source.password, begin.file, begin.pos),
        )
        began = time.monotonic()
        execute(connection, f"START {role}")
        seconds, reached = 0.0, -1  # not within these five seconds
        while reached == -1:
            reached = value(connection, f"SELECT {wait}(%s, %s, 5)", (end.file, end.pos))
            seconds = time.monotonic() - began
            with connection.cursor(DictCursor) as cursor:
                cursor.execute(f"SHOW {role} STATUS")
                errors = [text for name, text in (cursor.fetchone() or {}).items() if name in ERRORS and text]
            if reached is None or errors or seconds > PATIENCE:
                raise AssertionError(f"the replica did not reach {end}: {' '.join(errors)}")
        execute(connection, f"STOP {role}")
    return seconds
