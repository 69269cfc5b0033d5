"""A small migration on two servers, there and back, whose stream is a stand-in; and clients that go where a file says."""

from __future__ import annotations

import fcntl
import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pymysql

from replicator import config as configs
from replicator import state as states
from replicator.binlog.safe_position import current_position
from replicator.config import Config
from replicator.cutover.crossing import cross
from replicator.cutover.hold import Outcome
from replicator.demo.servers import Server
from replicator.mysql.connection import Connection, connected, error_code, execute, rows
from replicator.mysql.flavour import identify
from replicator.mysql.position import Position
from replicator.planning import resolve
from replicator.progress import Progress
from replicator.state import Checkpoint
from replicator.transform.plan import MigrationPlan
from tests.writers import Routed

Side = Literal["source", "target"]
TABLES = ("customers", "orders")
_TRANSFORMS = "".join(
    f'@transform("{table}")\ndef {table}(row):\n    return {{"id": row.id, "note": row.note}}\n' for table in TABLES
)


@dataclass(frozen=True)
class Two:
    """One migration, whichever side is in use."""

    servers: dict[Side, Server]
    config: Config
    plan: MigrationPlan
    folder: Path

    @property
    def route(self) -> Side:
        return "target" if (self.folder / "route").read_text().strip() == "target" else "source"

    def connect(self, side: Side) -> Connection:
        # PyMySQL leaves a unix socket open when nobody listens on its other end.
        return pymysql.connect(**self.servers[side].connect_args("shop", tcp=True), autocommit=True, read_timeout=60)

    def hook(self, name: str, text: str) -> None:
        path = self.folder / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\nset -eu\ncd {self.folder}\necho $REPLICATOR_HOOK >> called\n{text}\n")
        path.chmod(0o755)

    def cross(self, back: bool, max_freeze: float) -> Outcome | None:
        """A cutover or a rollback, by a daemon that has just proved every table."""
        with connected(self.config.target, database=False) as home:
            states.of(self.config).enter(home, "reversing" if back else "replicating")
        progress = Progress("shop")
        progress.enter("reversing" if back else "replicating")
        for table in self.plan.targets:
            progress.expect(table, table, 1)
            progress.verified(table, 1, 0)
        return cross(
            self.config,
            self.plan,
            Copying(self, back),
            back=back,
            max_freeze=max_freeze,
            kill_blockers=False,
            dry_run=False,
            progress=progress,
            report=lambda *_: None,
        )

    def tables(self, side: Side, schema: str) -> set[str]:
        with self.connect(side) as connection:
            found = rows(connection, "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (schema,))
        return {table for (table,) in found}

    def open_side(self) -> Side:
        """Where the traffic is; asserts that it is one of the two worlds, whole, and nothing of the cutover left behind."""
        everything, side = {*TABLES, "old"}, self.route
        here = {"source": everything, "target": set(TABLES)}
        aside = {"archive": set(everything) if side == "target" else set(), "shop_closed": set()}
        assert self.tables("source", "shop") == (here["source"] if side == "source" else set())
        assert self.tables("source", "archive") == aside["archive"]
        assert self.tables("target", "shop") == here["target"]
        assert self.tables("target", "shop_closed") == aside["shop_closed"]
        with self.connect("target") as connection:
            state = states.of(self.config)
            assert state.intent(connection) is None
            assert state.phase(connection) in (("reversing",) if side == "target" else ("replicating", "rolled_back"))
        return side


def make_two(source: Server, target: Server, folder: Path) -> Two:
    """In the phase `replicating`. The servers are this migration's alone."""
    servers: dict[Side, Server] = {"source": source, "target": target}
    for side, server in servers.items():
        with pymysql.connect(**server.connect_args(tcp=True), autocommit=True) as connection:
            for schema in ("shop", *(("archive",) if side == "source" else ("state",))):
                execute(connection, f"CREATE DATABASE {schema} COLLATE utf8mb4_unicode_ci")
            for table in TABLES:
                execute(connection, f"CREATE TABLE shop.{table} (id int AUTO_INCREMENT PRIMARY KEY, note varchar(40) NOT NULL)")
            if side == "source":
                execute(connection, "CREATE TABLE shop.old (id int PRIMARY KEY)")
    (folder / "transforms").mkdir(parents=True)
    (folder / "transforms" / "shop.py").write_text(
        f'from replicator import drop_table, transform\n{_TRANSFORMS}drop_table("old", reason="old")\n'
    )
    (folder / "replicator.toml").write_text(f"""
[migration]
name = "shop"
state_database = "state"
[source]
url = "{source.url("shop", tcp=True)}"
password_file = "{source.password_file}"
[target]
url = "{target.url("shop", tcp=True)}"
password_file = "{target.password_file}"
[http]
listen = "off"
[cutover]
mode = "hooks"
archive_database = "archive"
""")
    config = configs.load(folder / "replicator.toml", {})
    with connected(config.source) as one, connected(config.target) as other:
        plan = resolve(config, one, other)
        stored = states.of(config)
        stored.create(other)
        stored.begin(other, {})
        stored.begin_stream(other, "forward", Checkpoint(current_position(one), identify(one).identity, 0.0))
        stored.enter(other, "replicating")
    (folder / "route").write_text("source")
    two = Two(servers, config, plan, folder)
    two.hook("on_freeze", "true")
    alone = "exec 8> gate 9> inside; flock 8; flock 9; "  # when it has ended, none is left on the other side
    two.hook("on_switch", f"[ ! -e broken ]; {alone}echo $REPLICATOR_TO > new; mv new route")
    two.hook("on_abort", f"{alone}echo $REPLICATOR_FROM > new; mv new route")
    two.hook("on_unfreeze", "true")
    return two


@dataclass
class Copying:
    """Stands in for the stream: writes what is missing on the side that is not in use."""

    two: Two
    back: bool

    def lag_seconds(self) -> float | None:
        return 0.0

    def applied(self) -> Position:
        return Position("binlog.000001", 4)

    def wait_applied(self, position: Position, timeout: float) -> bool:
        return position.pos > 0 and timeout > 0

    def held(self) -> AbstractContextManager[object]:
        return nullcontext()

    def prepare_proof(self) -> int:
        with self.two.connect("target" if self.back else "source") as near:
            return self._copy(near)

    def prove(self, deadline: float, source: Connection) -> int:
        copied = self._copy(source)
        assert time.monotonic() < deadline
        return copied

    def _copy(self, near: Connection) -> int:
        copied = 0
        with self.two.connect("source" if self.back else "target") as far:
            for table in TABLES:
                name = f"{'archive' if self.back else 'shop'}.{table}"
                there = {number for (number,) in rows(far, f"SELECT id FROM {name}")}
                missing = [row for row in rows(near, f"SELECT id, note FROM shop.{table}") if row[0] not in there]
                if missing:
                    with far.cursor() as cursor:
                        cursor.executemany(f"INSERT INTO {name} (id, note) VALUES (%s, %s)", missing)
                copied += len(missing)
        return copied

    def stop(self) -> None: ...


class Clients(Routed):
    """Threads that insert a row into each table in one transaction, on the side that the route names, and remember what was
    acknowledged."""

    def __init__(self, two: Two, count: int = 3) -> None:
        super().__init__(two.folder, count)
        self._two = two

    def _write(self, number: int) -> None:
        serial, side = 0, self._two.route
        connection: Connection | None = None
        with (self._two.folder / "gate").open("w") as gate, (self._two.folder / "inside").open("w") as inside:
            while not self._stop.wait(0.02):
                serial += 1
                note, committing = f"{number}-{serial}", False
                try:
                    if connection is None:
                        side = self._two.route
                        connection = self._two.connect(side)
                    fcntl.flock(gate, fcntl.LOCK_EX)
                    fcntl.flock(inside, fcntl.LOCK_SH)
                    fcntl.flock(gate, fcntl.LOCK_UN)
                    if self._two.route != side:
                        connection.close()
                        connection = None
                        continue
                    connection.begin()
                    for table in TABLES:
                        execute(connection, f"INSERT INTO {table} (note) VALUES (%s)", (note,))
                    committing = True
                    connection.commit()
                    self.acknowledged[note] = side
                except (pymysql.MySQLError, OSError) as error:
                    self.errors[error_code(error)] += 1
                    if committing:
                        self.doubtful.add(note)
                    if connection is not None and connection.open:
                        with suppress(pymysql.MySQLError, OSError):
                            connection.close()
                    connection = None
                finally:
                    fcntl.flock(inside, fcntl.LOCK_UN)
        if connection is not None and connection.open:
            connection.close()

    def check(self) -> None:
        """Every write that is acknowledged by now stands once, in all tables, where the traffic is."""
        acknowledged = dict(self.acknowledged)
        with self._two.connect(self._two.open_side()) as connection:
            for table in TABLES:
                found = Counter(note for (note,) in rows(connection, f"SELECT note FROM {table}"))
                lost = {note: side for note, side in acknowledged.items() if note not in found}
                assert not lost, f"{table}: {lost}"
                assert not [note for note, times in found.items() if times > 1], table
                unknown = set(found) - set(self.acknowledged) - self.doubtful
                assert len(unknown) <= len(self._threads), f"{table}: {unknown}"  # their answers are under way
