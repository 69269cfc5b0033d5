"""The engine as the model runs it: whole, but at once, with the model's servers behind its connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol, Self
from unittest.mock import patch

from replicator import beginning
from replicator import migration as migration_module
from replicator import state as state_module
from replicator.apply import feed as feed_module
from replicator.apply import session as session_module
from replicator.apply import stream as stream_module
from replicator.apply.feed import Feed, Piece
from replicator.apply.session import Session
from replicator.apply.stream import Stream
from replicator.binlog.events import BinlogEvent, Wanted
from replicator.config import Config, CopyConfig, CutoverConfig, MigrationConfig, StreamConfig, ThrottleConfig
from replicator.copy import chunks, crew
from replicator.copy import session as copy_session_module
from replicator.copy import writing as writing_module
from replicator.migration import Migration
from replicator.mysql.catalog import Column
from replicator.mysql.connection import Endpoint, connected
from replicator.mysql.encoding import RowFunction, row_encoder
from replicator.mysql.literals import encoder
from replicator.mysql.position import Position
from replicator.progress import Progress
from replicator.transform import produce as produce_module
from replicator.transform.plan import MigrationPlan
from replicator.transform.row import row_class
from tests.model.server import Crash, Daemon, Database, Link
from tests.model.shop import SOURCE, TARGET, create_statements, target_tables
from tests.model.source import Source

STATE = "_replicator"
NAME = "m"


class World(Protocol):
    """What the engine finds around it."""

    source: Source
    target: Target
    plan: MigrationPlan
    batch_rows: int
    piece_events: int
    chunk_rows: int

    def more(self, read: Position, *, exact: bool) -> bool:
        """The stream has applied everything up to `read`: whether it goes on."""
        ...


@contextmanager
def running(world: World) -> Iterator[None]:
    """Inside, the engine meets the world's servers, and threads run where they are started."""

    def connect(*, host: str, autocommit: bool, **_: object) -> Any:
        if world.source.daemon.dead:
            raise Crash
        return (world.source if host == "source" else world.target).connect(autocommit=autocommit)

    def read(endpoint: Endpoint, place: Position, **options: Any) -> Any:
        return _Reading(world.source, place, options["wanted"])

    changes: list[tuple[object, str, object]] = [
        (migration_module, "Stream", _Stream),
        (beginning, "born", lambda *_: 0),
        (beginning, "defer_indexes", lambda *_: None),
        (migration_module, "restore_indexes", lambda *_: None),
        (stream_module, "threading", _AT_ONCE),
        (session_module, "Feed", lambda *args, **options: _Feed(world, *args, **options)),
        (stream_module, "FEWEST_ROWS", world.batch_rows),
        (stream_module, "FOLLOWED_ROWS", world.batch_rows),
        (stream_module, "RETRY_WAIT", (0.0, 0.0)),
        (stream_module, "IDLE_WAIT", 0.0),
        (stream_module, "CHECKPOINT_INTERVAL", -1.0),
        (feed_module, "threading", _AT_ONCE),
        (feed_module, "BinlogStream", read),
        (feed_module, "PIECE_BYTES", world.piece_events),
        (crew, "threading", _AT_ONCE),
        (chunks, "FIRST_CHUNK_ROWS", world.chunk_rows),
        (copy_session_module, "FIRST_CHUNK_ROWS", world.chunk_rows),
        (produce_module, "row_encoder", _row_encoder),
        (writing_module, "row_encoder", _row_encoder),
        (produce_module, "row_class", _row_class),
        (produce_module, "encoder", _encoder),
    ]
    with ExitStack() as stack:
        stack.enter_context(patch("replicator.mysql.connection.Session", connect))
        for place, name, value in changes:
            stack.enter_context(patch.object(place, name, value))
        yield


class Life(Migration):
    """A life of the daemon."""

    def __init__(self, world: World) -> None:
        super().__init__(CONFIG, Progress(NAME), _StopEvent())
        self._plan = world.plan
        self._world = world

    def go_on(self) -> None:
        """From wherever the last one died."""
        with self.home.target() as target:
            phase = self.state.phase(target)
            if phase is None:
                self.state.begin(target, {})
            if phase in (None, "preparing"):
                with connected(self.config.source) as source:
                    beginning.begin(self.config, self.state, self.plan, source, target, self.progress, self.stop)
                phase = "copying"
        assert phase is not None
        self._forward(phase, once=False)

    def replicate(self, *, once: bool) -> None:  # noqa: ARG002
        """Without those who look on."""
        stream = self._new_stream(exact=True, units=True)
        stream.start()
        if stream.error is not None:
            raise stream.error


class _Stream(Stream):
    def _apply(self, session: Session) -> None:
        assert isinstance(session.feed, _Feed)
        session.feed.dry, session.feed.exact = self.stop, self._exact
        super()._apply(session)


class _Feed(Feed):
    """Where nothing more stands in the binlog, something happens, or the stream is told to stop."""

    def __init__(self, world: World, *arguments: Any, **options: Any) -> None:
        self._world = world
        self.dry: Callable[[], None] = lambda: None
        self.exact = False
        super().__init__(*arguments, **options)

    def take(self, rows: int, timeout: float) -> list[Piece]:
        while not self._pieces and self._error is None:
            if not self._world.more(self.read_position, exact=self.exact):
                self.dry()
                return []
            self._stream = self._open(self.read_position, wanted=self._wanted)
            self._read()
        return super().take(rows, timeout)


class _Reading:
    """A BinlogStream that ends where the binlog does."""

    def __init__(self, source: Source, place: Position, wanted: Callable[[str, str], Wanted | None]) -> None:
        self._source, self._place, self._wanted = source, place, wanted
        self.bytes_read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[BinlogEvent]:
        return self._source.events(self._place, self._wanted, self._count)

    def _count(self) -> None:
        self.bytes_read += 1

    def close(self) -> None:
        """See BinlogStream."""


class Target(Database):
    def __init__(self, source: Source, daemon: Daemon) -> None:
        super().__init__([TARGET, STATE], daemon)
        self._source = source
        self.others: Callable[[], int] = lambda: 0
        """Chunks that other workers hold."""
        for statement in create_statements(target_tables().values()):
            self.sql.execute(statement)
        state = state_module.State(STATE, NAME)
        state.create(self.connect(autocommit=True))  # type: ignore[arg-type]

    def special(self, link: Any, statement: str) -> Any:
        if statement.startswith("INSERT IGNORE INTO `_replicator`.`job`"):
            self._source.oldest = self._source.visible  # nobody reads who has not begun
        return super().special(link, statement)

    def _execute(self, link: Link, statement: str) -> Any:
        if statement.endswith(_SKIP_LOCKED):
            # The first ones are in the hands of other workers, whose rows will come later, of an older version.
            statement = f"{statement.removesuffix(_SKIP_LOCKED)} OFFSET {self.others()}"
        return super()._execute(link, statement)


@cache
def servers() -> tuple[Source, Target]:
    """The two that all histories share, one after the other."""
    daemon = Daemon()
    source = Source(daemon)
    return source, Target(source, daemon)


def _row_encoder(columns: Sequence[Column], *, digits: bool = False) -> RowFunction:
    return _compiled(tuple(columns), digits)


_encoder = cache(encoder)


@cache
def _row_class(table: str, columns: tuple[str, ...]) -> type[Any]:
    return row_class(table, columns)


@cache
def _compiled(columns: tuple[Column, ...], digits: bool) -> RowFunction:
    return row_encoder(columns, digits=digits)


class _InlineThread:
    def __init__(self, target: Callable[[], None], **_: object) -> None:
        self._run = target

    def start(self) -> None:
        self._run()

    def join(self) -> None:
        pass

    def is_alive(self) -> bool:
        return False


class _StopEvent(threading.Event):
    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002
        return self.is_set()


class AtOnce(Executor):
    """Does at once what it is given."""

    def submit(self, call: Any, /, *arguments: Any, **options: Any) -> Any:
        future: Future[Any] = Future()
        future.set_result(call(*arguments, **options))
        return future



_SKIP_LOCKED = " FOR UPDATE SKIP LOCKED"
_AT_ONCE = SimpleNamespace(
    Thread=_InlineThread, Event=_StopEvent, Condition=threading.Condition, Lock=threading.Lock, RLock=threading.RLock
)
_UNUSED: Any = None
CONFIG = Config(
    path=Path("replicator.toml"),
    migration=MigrationConfig(NAME, Path(), None, STATE),
    source=Endpoint("source", "u", host="source", database=SOURCE),
    target=Endpoint("target", "u", host="target", database=TARGET),
    copy=CopyConfig(workers=0),
    stream=StreamConfig(heartbeat=None, on_bad_row="stop", on_schema_change="stop", accept_schema_change=None),
    throttle=ThrottleConfig(max_replica_lag=None, replicas=(), max_threads_running=0),
    http=_UNUSED,
    cutover=CutoverConfig("rename", "shop_old", 5.0, Path("hooks")),
    control=_UNUSED,
    log=_UNUSED,
    secret_files=(),
)
