"""One history: the engine migrates while an application writes, and processes and connections die.

What runs is `Migration` with its copy, its stream and its applier, as they are. The model has the two servers, the clock (there
is none: threads run at once, where they are started) and the moments: in front of every statement the history may have
the application commit, the daemon killed, or a connection lost. And it looks at every commit of the target.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, Self
from unittest.mock import patch

from replicator import migration as migration_module
from replicator import state as state_module
from replicator.apply import feed as feed_module
from replicator.apply import stream as stream_module
from replicator.apply.feed import Feed, Piece
from replicator.apply.stream import Stream
from replicator.binlog.events import BinlogEvent, Wanted
from replicator.config import Config, CopyConfig, CutoverConfig, MigrationConfig, StreamConfig, ThrottleConfig
from replicator.copy import chunks, crew, session
from replicator.copy import writing as writing_module
from replicator.errors import ConnectionLost
from replicator.migration import Migration
from replicator.mysql.catalog import Column
from replicator.mysql.connection import Endpoint
from replicator.mysql.encoding import RowFunction, row_encoder
from replicator.mysql.literals import encoder
from replicator.mysql.position import Position
from replicator.progress import Progress
from replicator.staging import staging_name
from replicator.transform import produce as produce_module
from replicator.transform.plan import MigrationPlan
from replicator.transform.row import row_class
from replicator.verify.compare import Comparer
from replicator.verify.snapshots import Snapshots
from tests.model.draw import Draw
from tests.model.server import Crash, Daemon, Database, Fault, Link
from tests.model.shop import COLUMNS, SOURCE, TARGET, Row, Tables, Variant, create_statements, expected, plan, target_tables
from tests.model.source import Change, Source, Writing, version_at

_STATE = "_replicator"
_NAME = "m"
_LIVES = 60
"""More deaths than any history has."""


class Violation(BaseException):
    """The promise is broken. No Exception: nobody in the engine may take it for something to try again."""


class Simulation:
    """See the module."""

    def __init__(self, data: bytes) -> None:
        self._draw = draw = Draw(data)
        self.told: list[str] = []
        """What happened, for whoever reads a failure."""
        self.variant: Variant = draw.of(("plain", "silent"))
        self.plan = plan(self.variant)
        self._all_tables = _all_tables(self.plan)
        self.source, self.target = servers()
        self.target.others = lambda: 0
        self.source.moment = self.target.moment = lambda commits: None
        self.target.committed = lambda: None
        self._daemon = self.source.daemon
        self._daemon.dead = False
        self.source.begin(self.variant)
        self.target.empty()
        self.chunk_rows = draw.of((100, 3, 100, 1))
        self.batch_rows = draw.of((1, 3, 8, 500))
        self.piece_events = draw.of((1000, 1, 2))
        self._gap = draw.of((0, 20, 30, 60, 30, 10, 120, 300))
        self._parallel = draw.below(2) == 1
        self._verified = draw.below(4) == 0
        self._over = False
        self._at_commit: Fault | None = None
        """Befalls the next one that commits: it will not hear that it has."""
        self._checked: int | None = None
        """The version that was found right while catching up."""
        self._known: dict[int, dict[str, set[Row]]] = {}
        self.deaths = self.commits = self.exact = 0
        for _ in range(draw.below(8)):
            self._write(seen=draw.below(4) != 3)

    # What happens beside the engine -----------------------------------------------------------------------

    def moment(self, commits: bool) -> Fault | None:
        """In front of a statement."""
        if self._at_commit is not None and commits:
            fault, self._at_commit = self._at_commit, None
            return fault
        if self._over or self._draw.over:
            return None
        if self._gap:
            self._gap -= 1
            return None
        return self._act()

    def _act(self) -> Fault | None:
        draw = self._draw
        self._gap = draw.of((0, 0, 1, 3, 10, 30, 100, 200))
        kind = draw.below(16)
        if kind == 13:
            self.source.commit([], seen=False)  # of no concern here
        elif kind < 13:
            for _ in range(draw.of((1, 1, 2, 4))):
                self._write(seen=kind < 9)
        else:
            how = draw.of(_MOMENTS)
            which: Literal["crash", "lost"] = "crash" if kind == 15 else "lost"
            self.told.append(f"{which} ({how})")
            if how != "commit":
                return which, how
            self._at_commit = (which, "after")
        return None

    def _write(self, *, seen: bool) -> None:
        changes = Writing(self.source, self._draw).run()
        self.source.commit(changes, seen=seen)
        self.told.append(f"{len(self.source.log)}{'' if seen else ' (not visible yet)'}: {_text(changes)}")

    def more(self, read: Position, *, exact: bool) -> bool:
        """The stream has applied everything up to `read`: whether it goes on. Before it is `exact`, it is ended some time."""
        if not exact and self._draw.below(2):
            return False
        ahead = version_at(read) + 1 + self._draw.of((0, 0, 0, 1, 3))
        while not self._draw.over and len(self.source.log) < ahead:
            fault = self._act()
            if fault is not None and fault[0] == "crash":
                self._daemon.dead = True
                raise Crash
        return len(self.source.log) > version_at(read)

    # The daemon -------------------------------------------------------------------------------------------

    def run(self) -> None:
        """All of it. Raises Violation, and what the engine raises for rows that are no bad ones."""
        self.target.committed = self._committed
        self.source.moment = self.target.moment = self.moment
        if self._parallel:
            self.source.stale = lambda: max(0, self._draw.below(12) - 7)
            self.target.others = lambda: max(0, self._draw.below(4) - 2)
        with self._patched():
            for _ in range(_LIVES):
                try:
                    self._live()
                    break
                except Crash:
                    self.deaths += 1
                except ConnectionLost:
                    self.deaths += 1  # the service manager starts it again
                self._daemon.dead = False
                self.target.restart()
            else:
                raise Violation("the migration does not end")
            self._over = True
            self.source.visible = len(self.source.log)
            self._check(len(self.source.log), whole=True)
            if self._verified:
                self._verify()

    def _live(self) -> None:
        _Life(self).go_on()

    def stream_ended(self, stream: Stream) -> None:
        """The replicating stream has nothing left to read."""
        if stream.error is not None:
            raise stream.error

    @contextmanager
    def _patched(self) -> Iterator[None]:
        def connect(*, host: str, autocommit: bool, **_: object) -> Any:
            if self._daemon.dead:
                raise Crash
            return (self.source if host == "source" else self.target).connect(autocommit=autocommit)

        def read(endpoint: Endpoint, place: Position, **options: Any) -> Any:
            return _Reading(self.source, place, options["wanted"])

        changes: list[tuple[object, str, object]] = [
            (migration_module, "Stream", _Stream),
            (migration_module, "defer_indexes", lambda *_: None),
            (migration_module, "restore_indexes", lambda *_: None),
            (stream_module, "threading", _AT_ONCE),
            (stream_module, "Feed", lambda *args, **options: _Feed(self, *args, **options)),
            (stream_module, "FEWEST_ROWS", self.batch_rows),
            (stream_module, "FOLLOWED_ROWS", self.batch_rows),
            (stream_module, "RETRY_WAIT", (0.0, 0.0)),
            (stream_module, "IDLE_WAIT", 0.0),
            (stream_module, "CHECKPOINT_INTERVAL", -1.0),
            (feed_module, "threading", _AT_ONCE),
            (feed_module, "BinlogStream", read),
            (feed_module, "PIECE_BYTES", self.piece_events),
            (crew, "threading", _AT_ONCE),
            (chunks, "FIRST_CHUNK_ROWS", self.chunk_rows),
            (session, "FIRST_CHUNK_ROWS", self.chunk_rows),
            (produce_module, "row_encoder", _row_encoder),
            (writing_module, "row_encoder", _row_encoder),
            (produce_module, "row_class", _row_class),
            (produce_module, "encoder", _encoder),
        ]
        with ExitStack() as stack:
            stack.enter_context(patch("pymysql.connect", connect))
            for place, name, value in changes:
                stack.enter_context(patch.object(place, name, value))
            yield

    # The promise ------------------------------------------------------------------------------------------

    def _committed(self) -> None:
        """Look at what a commit leaves, before it is one."""
        self.commits += 1
        found = self.target.sql.execute(
            f"SELECT m.phase, m.facts, c.file, c.pos FROM {_STATE}.migration m LEFT JOIN {_STATE}.checkpoint c ON"
            " c.migration = m.name"
        ).fetchone()
        if found is None or found[3] is None:
            return
        phase, facts, file, pos = found
        try:
            version = version_at(Position(file, pos))
        except ValueError as error:
            raise Violation(f"the checkpoint is inside a transaction: {error}") from None
        if version > len(self.source.log):
            raise Violation("the checkpoint is behind the end of the binlog")
        if phase == "replicating":
            self.exact += 1
            self._check(version, whole=True)
        elif phase == "catching_up" and self._checked != version and self._past_high(version, facts):
            self._check(version, whole=False)
            self._checked = version

    def _past_high(self, version: int, facts: str) -> bool:
        return version >= version_at(Position(**json.loads(facts)["high"]))

    def _check(self, version: int, *, whole: bool) -> None:
        """Staging is the source at the checkpoint; so are all rows that need none; with `whole` everything is."""
        state = self.source.states[version]
        wanted = self._known.get(version)
        if wanted is None:
            wanted = self._known[version] = {**expected(state), **_staged(self.plan, state)}
        there: dict[str, set[Row]] = {name: set() for name in wanted}
        for name, width, *row in self.target.sql.execute(self._all_tables):
            there[name].add(tuple(row[:width]))
        for name in wanted if whole else wanted.keys() - _BUILT:
            if there[name] != wanted[name]:
                missing, extra = wanted[name] - there[name], there[name] - wanted[name]
                raise Violation(f"{name} at {version}: missing {missing}, too much {extra}")

    def _verify(self) -> None:
        """The engine's own comparison finds nothing, and it finds what is planted."""
        on = self._snapshots()
        comparers = [
            Comparer(_CONFIG, index, transform, lambda name: f"`{SOURCE}`.`{name}`")
            for index, transform in enumerate(self.plan.transforms)
        ]
        for comparer in comparers:
            found = comparer.between(on, "TRUE", "TRUE" + comparer.constant_condition)
            if found.differences:
                raise Violation(f"the verification finds what is not there: {found.differences}")
        for comparer in comparers:
            condition = "TRUE" + comparer.constant_condition
            table = f"{TARGET}.{comparer.table}"
            (place,) = self.target.sql.execute(f"SELECT min(rowid) FROM {table} WHERE {condition}").fetchone()
            column = comparer.transform.target_columns[-1]
            for spoil in (f"DELETE FROM {table} WHERE rowid = ?", f"UPDATE {table} SET {column} = 77 WHERE rowid = ?"):
                self.target.sql.execute("SAVEPOINT planted")
                self.target.sql.execute(spoil, (place,))
                found = comparer.between(on, "TRUE", condition)
                self.target.sql.execute("ROLLBACK TO planted")
                self.target.sql.execute("RELEASE planted")
                if place is not None and not found.differences:
                    raise Violation(f"the verification does not see {spoil}")

    def _snapshots(self) -> Snapshots:
        return Snapshots(
            self.source.connect(autocommit=True),  # type: ignore[arg-type]
            self.target.connect(autocommit=True),  # type: ignore[arg-type]
            Position("", 0),
            "mariadb",
            _AtOnce(),
        )


class _Life(Migration):
    """A life of the daemon."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(_CONFIG, Progress(_NAME), _StopEvent())
        self._plan = simulation.plan
        self._simulation = simulation

    def go_on(self) -> None:
        """From wherever the last one died."""
        with self._target() as target:
            phase = self.state.phase(target)
            if phase is None:
                self.state.begin(target, {})
            if phase in (None, "preparing"):
                with self._source() as source:
                    self._begin(source, target)
                phase = "copying"
        assert phase is not None
        self._forward(phase, once=False)

    def replicate(self, *, once: bool) -> None:  # noqa: ARG002
        """Without those who look on."""
        stream = self._new_stream(exact=True, units=True)
        stream.start()
        self._simulation.stream_ended(stream)


class _Stream(Stream):
    def _feed(self, *arguments: Any) -> Feed:
        feed = super()._feed(*arguments)
        assert isinstance(feed, _Feed)
        feed.dry, feed.exact = self.stop, self._exact
        return feed


class _Feed(Feed):
    """Where nothing more stands in the binlog, something happens, or the stream is told to stop."""

    def __init__(self, simulation: Simulation, *arguments: Any, **options: Any) -> None:
        self._simulation = simulation
        self.dry: Callable[[], None] = lambda: None
        self.exact = False
        super().__init__(*arguments, **options)

    def take(self, rows: int, timeout: float) -> list[Piece]:
        while not self._pieces and self._error is None:
            if not self._simulation.more(self.read_position, exact=self.exact):
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


class _Target(Database):
    def __init__(self, source: Source, daemon: Daemon) -> None:
        super().__init__([TARGET, _STATE], daemon)
        self._source = source
        self.others: Callable[[], int] = lambda: 0
        """Chunks that other workers hold."""
        for statement in create_statements(target_tables().values()):
            self.sql.execute(statement)
        state = state_module.State(_STATE, _NAME)
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
def servers() -> tuple[Source, _Target]:
    """The two that all histories share, one after the other."""
    daemon = Daemon()
    source = Source(daemon)
    return source, _Target(source, daemon)


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


class _AtOnce(Executor):
    def submit(self, call: Any, /, *arguments: Any, **options: Any) -> Any:
        future: Future[Any] = Future()
        future.set_result(call(*arguments, **options))
        return future


def _staged(plan: MigrationPlan, state: Tables) -> dict[str, set[Row]]:
    """What staging has to hold."""
    return {
        staging_name(_NAME, name): {
            tuple([row[COLUMNS[name].index(column)] for column in source.staged.columns]) for row in state[name].values()
        }
        for name, source in plan.sources.items()
        if source.staged is not None
    }


def _all_tables(plan: MigrationPlan) -> str:
    """Every row of the target and of staging, behind the name of its table, as wide as the widest."""
    tables = [(f"{TARGET}.{name}", name, len(table.columns)) for name, table in plan.targets.items()]
    for name, source in plan.sources.items():
        if source.staged is not None:
            staging = staging_name(_NAME, name)
            tables.append((f"{_STATE}.`{staging}`", staging, len(source.staged.columns)))
    return " UNION ALL ".join(
        f"SELECT '{name}', {width}, *{', NULL' * (_WIDEST - width)} FROM {sql}" for sql, name, width in tables
    )


def _text(changes: Sequence[Change]) -> str:
    return "; ".join(f"{change.table} {change.before or ''} → {change.after or ''}" for change in changes)


_MOMENTS: tuple[Literal["before", "after", "commit"], ...] = ("before", "after", "commit")
"""Of a fault: around the next statement, or behind the next commit."""
_WIDEST = 4
_BUILT = frozenset({"member", "total", "line", "roster"})
"""Tables that come of staging."""
_SKIP_LOCKED = " FOR UPDATE SKIP LOCKED"
_AT_ONCE = SimpleNamespace(
    Thread=_InlineThread, Event=_StopEvent, Condition=threading.Condition, Lock=threading.Lock, RLock=threading.RLock
)
_UNUSED: Any = None
_CONFIG = Config(
    path=Path("replicator.toml"),
    migration=MigrationConfig(_NAME, Path(), None, _STATE),
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
