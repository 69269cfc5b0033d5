"""One pair of connections of a stream, from the stored checkpoint on: what reads, what writes, and where both begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import pymysql

from replicator.apply import ddl, heartbeat
from replicator.apply.applier import Applier
from replicator.apply.births import Births, unless_stranger
from replicator.apply.course import Course
from replicator.apply.feed import Feed
from replicator.apply.prepared import Prepared
from replicator.binlog.birth import new_server_id
from replicator.binlog.events import Ddl, Wanted
from replicator.errors import BinlogPurged, ConnectionLost, SourceError, StreamError, Unsupported
from replicator.mysql.connection import Connection, close, connect, connected, execute
from replicator.mysql.flavour import Server, identify
from replicator.mysql.position import Position
from replicator.quarantine import Quarantine
from replicator.staging import staging_relation
from replicator.state import Checkpoint

WantedOf = Callable[[str, str], Wanted | None]


@dataclass(frozen=True, slots=True)
class Session:
    """What works between two errors."""

    feed: Feed
    applier: Applier
    births: Births
    begin: Position
    """That of the checkpoint."""


@contextmanager
def opened(course: Course, *, exact: bool, units: bool, took: Callable[[str, float], None]) -> Iterator[Session]:
    """A session, with what its applier is told: see there. Raises what the servers refuse, what has become of the binlog,
    and inside of the block the downstream's own errors by their names."""
    connection = connect(course.downstream, write=True)
    feed: Feed | None = None
    applier: Applier | None = None
    births: Births | None = None
    try:
        execute(connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        checkpoint = _checkpoint(course, connection)
        server = _upstream(course, checkpoint)
        wanted = _wanted(course)
        applier = _applier(course, connection, checkpoint, server, wanted, exact=exact, units=units, took=took)
        births = Births(course.state, course.direction, connection, server.identity, checkpoint)
        feed = _feed(course, checkpoint, server, wanted, births)
        yield Session(feed, applier, births, checkpoint.position)
    except StreamError as error:
        if feed is not None and births is not None and not isinstance(error, BinlogPurged):
            with suppress(ConnectionLost):  # what cannot be read may belong to another history
                births.ask(course.upstream, feed.read_position)
        raise
    except (pymysql.MySQLError, OSError) as error:
        raise course.downstream.failure(error, "applying") from None
    finally:
        if feed is not None:
            feed.close()
        if applier is not None:
            applier.close()
        close(connection)


def _checkpoint(course: Course, connection: Connection) -> Checkpoint:
    state = course.state
    state.guard(connection)
    checkpoint = state.checkpoint(connection, course.direction)
    if checkpoint is None:
        raise Unsupported(
            f"{state.table('checkpoint')} has no row for {state.migration}: the state was removed by"
            " someone; abort and run again"
        )
    return checkpoint


def _upstream(course: Course, checkpoint: Checkpoint) -> Server:
    """The server that is read from, which has to have what the checkpoint speaks of, and to be what the plan was made for."""
    with connected(course.upstream, database=False) as source:
        server = identify(source)
        unless_stranger(source, course.upstream, server, checkpoint)
    if course.direction == "forward" and course.plan.logs_cascades and server.native_keys:
        raise SourceError(
            f"source {course.upstream.address}: it has been restarted with innodb_native_foreign_keys=ON and no longer"
            " logs what foreign keys change. Restart it without, or run again, which says whether that matters here"
        )
    return server


def _wanted(course: Course) -> WantedOf:
    state = course.state
    schemas = [course.plan.source_schema, *([] if course.aside is None else [course.aside.schema])]
    wanted = {
        (schema, name): Wanted(source.before, source.columns)
        for name, source in course.plan.sources.items()
        for schema in schemas
    }
    wanted[state.database, heartbeat.TABLE] = Wanted((), ("migration", "at"))
    return lambda database, table: wanted.get((database, table))


def _applier(
    course: Course,
    connection: Connection,
    checkpoint: Checkpoint,
    server: Server,
    wanted: WantedOf,
    *,
    exact: bool,
    units: bool,
    took: Callable[[str, float], None],
) -> Applier:
    plan, state, direction = course.plan, course.state, course.direction
    # What the way back makes are no units of the target: it sets nothing aside, and leaves what is set aside alone.
    own = plan if direction == "forward" else replace(plan, transforms=())
    copied = _copied(course, connection, server.identity)
    return course.applier(
        plan,
        state,
        direction,
        connection,
        course.downstream,
        identify(connection),
        staging_relation(state.database, state.migration, direction),
        Prepared(state, direction, connection, course.upstream, server, wanted, copied),
        Quarantine(state, own, course.downstream, accepting=course.set_aside),
        checkpoint=checkpoint,
        source_identity=server.identity,
        exact=exact,
        units=units,
        took=took,
    )


def _copied(course: Course, connection: Connection, identity: str) -> Callable[[Position], bool]:
    """Whether the copies hold what an XA transaction from before the start did; the way back starts without any."""
    stored = course.state.facts(connection).get("visible") if course.direction == "forward" else None
    if stored is None:
        return lambda _: True
    visible = Position(**stored["position"])
    return lambda position: identity == stored["server"] and visible.reached(position)


def _feed(course: Course, checkpoint: Checkpoint, server: Server, wanted: WantedOf, births: Births) -> Feed:
    behind = course.behind
    if behind is not None and checkpoint.position != behind.since:
        behind = None  # it is behind us
    return Feed(
        course.upstream,
        checkpoint.position,
        server_id=new_server_id(),
        wanted=wanted,
        by_gtid=server.identity != checkpoint.server,
        judge=lambda event: _judge(course, event),
        heartbeat=(course.state.database, heartbeat.TABLE, course.state.migration),
        settled=course.settled,
        behind=None if behind is None else behind.statement,
        born=births.known,
    )


def _judge(course: Course, event: Ddl) -> ddl.SchemaChange | None:
    if course.aside is not None and event.statement.startswith(course.aside.marker):
        return None  # the rows stay the same, and are followed there
    return ddl.judge(event, course.plan)
