"""A small migration on one server, a stand-in for the stream, and clients that write down what was acknowledged."""

from __future__ import annotations

import random
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql

from replicator import config as configs
from replicator import state as states
from replicator.config import Config
from replicator.cutover.hold import Outcome
from replicator.cutover.moves import Moves, make_moves
from replicator.cutover.run import cutover
from replicator.demo.servers import Server
from replicator.mysql.connection import Connection, connected, error_code, execute, rows, value
from replicator.mysql.position import Position
from replicator.planning import resolve
from replicator.progress import Progress
from replicator.transform.plan import MigrationPlan
from tests.writers import Writers

WRITTEN = ("customers", "orders", "items", "payments")
"""Written to by every client transaction, in this order."""
IDLE = tuple(f"old_{number:02}" for number in range(3))
"""Dropped tables that nobody writes to. A new table has the name of the last."""


@dataclass(frozen=True)
class World:
    """One migration in the state `replicating`."""

    server: Server
    config: Config
    plan: MigrationPlan
    source: str
    target: str
    archive: str
    tcp: bool = False
    """PyMySQL leaves a unix socket open when nobody listens on its other end: not for servers that are killed."""

    @property
    def moves(self) -> Moves:
        return make_moves(self.config, self.plan)

    @contextmanager
    def connection(self, database: str | None = None) -> Iterator[Connection]:
        connection = pymysql.connect(**self.server.connect_args(database, tcp=self.tcp), autocommit=True)
        try:
            yield connection
        finally:
            if connection.open:
                connection.close()

    def execute(self, *statements: str) -> None:
        with self.connection() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def tables(self, schema: str) -> set[str]:
        with self.connection() as connection:
            return {
                table
                for (table,) in rows(
                    connection, "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (schema,)
                )
            }

    def switched(self) -> bool:
        """Whether the new world is there; asserts that it is one of the two, and that nothing is left behind."""
        moves = self.moves
        source, target, archive = self.tables(self.source), self.tables(self.target), self.tables(self.archive)
        after = bool(archive)
        if after:
            assert archive == set(moves.leaving)
            assert target == set()
            assert source == set(moves.new) | {"sessions"}
        else:
            assert target == set(moves.new)
            assert source == set(moves.leaving) | {"sessions"}
        with self.connection() as connection:
            state = states.of(self.config)
            assert state.intent(connection) is None
            assert state.phase(connection) == ("reversing" if after else "replicating")
        return after

    def cutover(self, stream: Any = None, *, max_freeze: float = 5.0, report: Any = None, **more: Any) -> Outcome | None:
        return cutover(
            self.config,
            self.plan,
            stream or CopyingStream(self),
            max_freeze=max_freeze,
            kill_blockers=more.pop("kill_blockers", False),
            dry_run=more.pop("dry_run", False),
            progress=more.pop("progress", None) or self.progress(),
            report=report or (lambda *_: None),
        )

    def progress(self) -> Progress:
        progress = Progress("shop")
        progress.enter("replicating")
        for table in self.plan.targets:
            progress.expect(table, table, 1)
            progress.verified(table, 1, 0)
        return progress


def make_world(server: Server, database: Callable[..., str], folder: Path, *, tcp: bool = False) -> World:
    """Source `shop` with 4 tables that are read, 3 that are dropped and 1 that stays; the target has 4, and 1 that is new."""
    source, target, state = database(server, "shop"), database(server, "new_shop"), database(server, "state")
    archive = database(server, "archive")
    with pymysql.connect(**server.connect_args(), autocommit=True) as connection, connection.cursor() as cursor:
        for schema, extra in ((source, ""), (target, ", added int NOT NULL DEFAULT 7")):
            parent = None
            for table in WRITTEN:
                reference = (
                    f", CONSTRAINT {table}_parent FOREIGN KEY (parent) REFERENCES {schema}.{parent} (id)" if parent else ""
                )
                cursor.execute(
                    f"CREATE TABLE {schema}.{table} (id int AUTO_INCREMENT PRIMARY KEY, parent int NULL,"
                    f" note varchar(40) NOT NULL, KEY (parent){extra}{reference})"
                )
                parent = table
        for table in (*IDLE, "sessions"):
            cursor.execute(f"CREATE TABLE {source}.{table} (id int PRIMARY KEY)")
        cursor.execute(f"CREATE TABLE {target}.{IDLE[-1]} (id int PRIMARY KEY, added int)")
    (folder / "transforms").mkdir()
    columns = '{"id": row.id, "parent": row.parent, "note": row.note, "added": 7}'
    (folder / "transforms" / "shop.py").write_text(
        "from replicator import drop_table, keep_table, transform\n"
        + "".join(f'@transform("{table}")\ndef {table}(row):\n    return {columns}\n' for table in WRITTEN)
        + "".join(f'drop_table("{table}", reason="old")\n' for table in IDLE)
        + 'keep_table("sessions", reason="stays")\n'
    )
    (folder / "replicator.toml").write_text(
        textwrap.dedent(f"""
        [migration]
        name = "shop"
        state_database = "{state}"
        [source]
        url = "{server.url(source, tcp=tcp)}"
        password_file = "{server.password_file}"
        [target]
        url = "{server.url(target, tcp=tcp)}"
        password_file = "{server.password_file}"
        [http]
        listen = "off"
        [cutover]
        archive_database = "{archive}"
        """)
    )
    config = configs.load(folder / "replicator.toml", {})
    with connected(config.source) as one, connected(config.target) as other:
        plan = resolve(config, one, other)
        stored = states.of(config)
        stored.create(other)
        stored.begin(other, {})
        stored.enter(other, "replicating")
    return World(server, config, plan, source, target, archive, tcp)


@dataclass
class CopyingStream:
    """Stands in for the stream: brings the target up to date by copying what is missing."""

    world: World
    stopped: bool = False
    hook: Callable[[str], None] = lambda step: None
    """Called at each step, with its name."""

    def lag_seconds(self) -> float | None:
        return 0.0

    def applied(self) -> Position:
        return Position("binlog.000001", 4)

    def copy(self, connection: Connection) -> int:
        copied = 0
        for table in WRITTEN:
            old, new = f"{self.world.source}.{table}", f"{self.world.target}.{table}"
            copied += execute(
                connection,
                f"INSERT INTO {new} (id, parent, note) SELECT id, parent, note FROM {old} o"
                f" WHERE o.id > (SELECT COALESCE(MAX(id), 0) - 500 FROM {new} n)"
                f" AND NOT EXISTS (SELECT 1 FROM {new} n WHERE n.id = o.id)",
            )
        return copied

    def wait_applied(self, position: Position, timeout: float) -> bool:
        self.hook("drain")
        return position.pos > 0 and timeout > 0

    def held(self) -> AbstractContextManager[object]:
        return nullcontext()

    def prepare_proof(self) -> int:
        self.hook("prepare")
        with self.world.connection() as connection:
            execute(connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")  # waits for no row lock
            self.copy(connection)
            return self.copy(connection)

    def prove(self, deadline: float, source: Connection) -> int:
        self.hook("prove")
        self.copy(source)  # who has no binlog has nothing else to read from
        compared = 0
        for table in WRITTEN:
            old, new = (
                int(value(source, f"SELECT COUNT(*) FROM {schema}.{table}"))
                for schema in (self.world.source, self.world.target)
            )
            assert old == new
            compared += new
        assert time.monotonic() < deadline
        return compared

    def stop(self) -> None:
        self.hook("stop")
        self.stopped = True


@dataclass
class Ledger:
    """What one client was told."""

    acknowledged: dict[str, Sequence[str]] = field(default_factory=dict)
    """Each transaction's note, and the tables it wrote to."""
    doubtful: set[str] = field(default_factory=set)
    errors: Counter[int | None] = field(default_factory=Counter)
    longest: float = 0.0
    """Seconds that the slowest transaction took."""

    def acknowledged_in(self, table: str) -> set[str]:
        return {note for note, tables in self.acknowledged.items() if table in tables}


class Clients(Writers):
    """Threads that write transactions over several tables until told to stop."""

    def __init__(
        self, world: World, count: int = 8, think: float = 0.005, orders: Sequence[Sequence[str]] = (WRITTEN,)
    ) -> None:
        super().__init__(count)
        self.world = world
        self.ledgers = [Ledger() for _ in range(count)]
        self._think, self._orders = think, orders
        self._written = [0] * count

    @property
    def errors(self) -> Counter[int | None]:
        return sum((ledger.errors for ledger in self.ledgers), Counter())

    @property
    def longest(self) -> float:
        return max(ledger.longest for ledger in self.ledgers)

    @property
    def count(self) -> int:
        return sum(len(ledger.acknowledged) for ledger in self.ledgers)

    def forget_times(self) -> None:
        for ledger in self.ledgers:
            ledger.longest = 0.0

    def _write(self, number: int) -> None:
        ledger, chance, written = self.ledgers[number], random.Random(number), self._written[number]
        connection: Connection | None = None
        while not self._stop.wait(chance.random() * 2 * self._think):
            written += 1
            note, committing, began = f"{number}-{written}", False, time.monotonic()
            try:
                if connection is None:
                    connection = pymysql.connect(
                        **self.world.server.connect_args(self.world.source, tcp=self.world.tcp), read_timeout=60
                    )
                tables = chance.choice(self._orders)
                with connection.cursor() as cursor:
                    for table in tables:
                        cursor.execute(f"INSERT INTO {table} (note) VALUES (%s)", (note,))
                    if written % 7 == 0:
                        connection.rollback()
                        continue
                    committing = True
                    connection.commit()
                ledger.acknowledged[note] = tables
            except (pymysql.MySQLError, OSError) as error:
                ledger.errors[error_code(error)] += 1
                if committing:
                    ledger.doubtful.add(note)
                if connection is not None and connection.open:
                    try:
                        connection.rollback()
                    except (pymysql.MySQLError, OSError):
                        connection.close()
                        connection = None
                else:
                    connection = None
                    time.sleep(0.05)
            ledger.longest = max(ledger.longest, time.monotonic() - began)
        self._written[number] = written
        if connection is not None and connection.open:
            connection.close()

    def check(self) -> None:
        """Every acknowledged write stands in the source schema, once; nothing else but what was in doubt."""
        doubtful = set().union(*(ledger.doubtful for ledger in self.ledgers))
        with self.world.connection() as connection:
            for table in WRITTEN:
                acknowledged = set().union(*(ledger.acknowledged_in(table) for ledger in self.ledgers))
                found = Counter(note for (note,) in rows(connection, f"SELECT note FROM {self.world.source}.{table}"))
                lost = acknowledged - set(found)
                assert not lost, f"{table}: {len(lost)} acknowledged writes are lost: {sorted(lost)[:5]}"
                assert not [note for note, times in found.items() if times > 1]
                assert set(found) <= acknowledged | doubtful
