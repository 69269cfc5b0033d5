"""`abort` beside a real daemon, whatever that is doing: it ends by itself with 0, and nothing is created or written again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest

from replicator.commands import current_status
from replicator.config import Config, load
from replicator.demo.servers import Server
from replicator.errors import ReplicatorError, WrongState
from replicator.migration import Migration
from replicator.mysql.connection import Connection, execute, rows, value
from replicator.progress import Progress
from replicator.state import State, of

COMMAND = [sys.executable, "-m", "replicator"]
PATIENCE = 60
ROWS = 1 << 16
"""Enough for copy workers in processes of their own."""
SOURCE = (
    "CREATE TABLE items (id INT PRIMARY KEY AUTO_INCREMENT, size INT NOT NULL)",
    "CREATE TABLE visits (id INT PRIMARY KEY AUTO_INCREMENT, place INT NOT NULL, KEY (place))",
)
TARGET = """
CREATE TABLE items (id INT PRIMARY KEY, size INT NOT NULL);
CREATE TABLE places (place INT PRIMARY KEY, visits INT NOT NULL);
"""
TRANSFORMS = """
from replicator import transform


@transform("items")
def items(row):
    return {{"id": row.id, "size": row.size + sum(range({items})) * 0}}


@transform("places", source="visits", group_by=["place"], key={{"place": "place"}})
def places(rows):
    return {{"place": rows[0].place, "visits": len(rows) + sum(range({places})) * 0}}
"""
SLOW = 10_000
"""Numbers that are added up for a row: a fraction of a millisecond."""


@dataclass
class Shop:
    """A migration in a folder, and its daemon."""

    server: Server
    folder: Path
    config: Config
    connect: Callable[..., Connection]
    stack: ExitStack

    def fill(self, table: str, count: int) -> None:
        connection = self.connect(self.server, self.config.source.database)
        column = "size" if table == "items" else "place"
        execute(connection, f"INSERT INTO {table} ({column}) VALUES (1)")
        while value(connection, f"SELECT COUNT(*) FROM {table}") < count:
            execute(connection, f"INSERT INTO {table} ({column}) SELECT {column} + (SELECT MAX({column}) FROM {table})"
                                f" FROM {table}")  # fmt: skip

    def slow(self, **functions: int) -> None:
        text = TRANSFORMS.format(**{"items": 0, "places": 0, **functions})
        (self.folder / "transforms/all.py").write_text(text)

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen([*COMMAND, "run", *more], cwd=self.folder, stdout=log, stderr=log)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def until(self, daemon: subprocess.Popen[bytes], reached: Callable[[dict[str, Any]], bool]) -> None:
        """Wait for what the daemon's status says."""
        deadline = time.monotonic() + PATIENCE
        while True:
            status: dict[str, Any] = {}
            with suppress(ReplicatorError):
                status = current_status(self.config)
            if status and reached(status):
                return
            assert daemon.poll() is None, self.log
            assert time.monotonic() < deadline, status
            time.sleep(0.02)

    def ask(self) -> subprocess.Popen[str]:
        """`abort`, when the daemon has taken it."""
        asked = subprocess.Popen(
            [*COMMAND, "abort", "--drop-target"], cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.stack.callback(asked.kill)
        assert asked.stdout is not None
        assert "ending the migration" in asked.stdout.readline()
        return asked

    def gone(self, daemon: subprocess.Popen[bytes], asked: subprocess.Popen[str], says: str = "is aborted") -> None:
        """Both have ended well, and nothing is left, then and later."""
        out, _ = asked.communicate(timeout=PATIENCE)
        assert asked.returncode == 0, out
        assert says in " ".join(out.split())
        assert daemon.wait(PATIENCE) == 0, self.log
        names = [json.loads(line)["event"] for line in self.log.splitlines()]
        assert names[-1] == "daemon.stopped"
        assert not {"daemon.failed", "daemon.crashed", "error.retried"} & set(names), self.log
        connection = self.connect(self.server)
        for _ in range(2):
            assert self.left(connection) == {}
            time.sleep(0.3)

    def left(self, connection: Connection) -> dict[str, int]:
        """Tables of the target, and rows and staging of the state database, but for the beat, which is nobody's."""
        found: dict[str, int] = {}
        state = self.config.migration.state_database
        for database, table in rows(
            connection,
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN (%s, %s)",
            (self.config.target.database, state),
        ):
            count = value(connection, f"SELECT COUNT(*) FROM `{database}`.`{table}`")
            if (count or database != state or ":" in table) and table != "heartbeat":
                found[f"{database}.{table}"] = count
        return found


@pytest.fixture
def shop(
    server: Server, database: Callable[..., str], connect: Callable[..., Connection], tmp_path: Path
) -> Iterator[Shop]:
    source, target = database(server, "shop"), database(server, "shop_new")
    for folder in ("transforms", "schema"):
        (tmp_path / folder).mkdir()
    (tmp_path / "schema/target.sql").write_text(TARGET)
    lines = ["[migration]", 'name = "shop"', 'schema = "schema"', f'state_database = "{source}_state"']
    for role, name in (("source", source), ("target", target)):
        lines += [f"[{role}]", f'url = "{server.url(name)}"', f'password_file = "{server.password_file}"']
    lines += ["[http]", 'listen = "off"', "[control]", 'socket = "control.sock"', "[copy]", "workers = 2"]
    (tmp_path / "replicator.toml").write_text("\n".join(lines) + "\n")
    root = connect(server, source)
    for statement in SOURCE:
        execute(root, statement)
    with ExitStack() as stack:
        made = Shop(server, tmp_path, load(tmp_path / "replicator.toml", {}), connect, stack)
        made.slow()
        yield made
    execute(root, f"DROP DATABASE IF EXISTS {source}_state")


@pytest.mark.parametrize("count", [ROWS, 1 << 14], ids=["processes", "thread"])
def test_while_rows_are_copied(shop: Shop, count: int) -> None:
    shop.fill("items", count)
    shop.fill("visits", 4)
    shop.slow(items=SLOW)
    daemon = shop.start()
    shop.until(daemon, lambda status: status["phase"] == "copying" and status["copy"]["ratio"] > 0)
    shop.gone(daemon, shop.ask())


def test_while_the_binlog_is_replayed(shop: Shop) -> None:
    """The stream waits for a row that somebody else has locked."""
    shop.fill("items", 1 << 12)
    shop.fill("visits", 4)
    shop.slow(items=2 * SLOW)
    daemon = shop.start()
    shop.until(daemon, lambda status: status["phase"] == "copying" and status["copy"]["ratio"] > 0)
    other = shop.connect(shop.server, shop.config.target.database, autocommit=False)
    execute(other, "SELECT * FROM items WHERE id = 1 FOR UPDATE")
    execute(shop.connect(shop.server, shop.config.source.database), "UPDATE items SET size = 99 WHERE id = 1")
    shop.until(daemon, lambda status: status["activity"] == "replaying the binlog")
    asked = shop.ask()
    time.sleep(0.5)
    assert asked.poll() is None
    other.rollback()
    shop.gone(daemon, asked)


def test_while_units_are_built(shop: Shop) -> None:
    shop.fill("items", 4)
    shop.fill("visits", ROWS)
    shop.slow(places=SLOW)
    daemon = shop.start()
    shop.until(daemon, lambda status: status["activity"] == "building units from staging")
    shop.gone(daemon, shop.ask())


def test_while_it_verifies(shop: Shop) -> None:
    shop.fill("items", 1 << 13)
    shop.fill("visits", 4)
    shop.slow(items=SLOW)
    daemon = shop.start()
    shop.until(daemon, lambda status: status["phase"] == "replicating")
    shop.gone(daemon, shop.ask())


def test_in_front_of_the_copy(shop: Shop) -> None:
    """The state is begun, and the daemon waits for somebody's prepared transaction."""
    shop.fill("items", 4)
    shop.fill("visits", 4)
    other = shop.connect(shop.server, shop.config.source.database)
    for statement in ("XA START 'a'", "INSERT INTO items (size) VALUES (9)", "XA END 'a'", "XA PREPARE 'a'"):
        execute(other, statement)
    try:
        daemon = shop.start()
        shop.until(daemon, lambda status: str(status["activity"]).startswith("waiting until XA"))
        shop.gone(daemon, shop.ask())
    finally:
        execute(other, "XA ROLLBACK 'a'")


def test_before_it_has_begun(shop: Shop) -> None:
    """The checks wait for a table that somebody has locked; then the daemon ends instead of beginning."""
    shop.fill("items", 4)
    shop.fill("visits", 4)
    other = shop.connect(shop.server, shop.config.source.database)
    execute(other, "LOCK TABLES items WRITE")
    daemon = shop.start()
    shop.until(daemon, lambda status: status["activity"] == "checking")
    asked = shop.ask()
    time.sleep(0.5)
    assert asked.poll() is None
    execute(other, "UNLOCK TABLES")
    shop.gone(daemon, asked, "ends before the migration has begun")


def test_state_goes_as_a_whole_or_not_at_all(shop: Shop) -> None:
    """Who begins again behind a removal that broke off must not find jobs that are done."""
    connection = shop.connect(shop.server)
    state = of(shop.config)
    state.create(connection)
    state.begin(connection, {})
    job = state.table("job")
    execute(connection, f"INSERT INTO {job} (migration, name, chunk_rows, estimate, planned) VALUES ('shop', 'items', 1, 1, 1)")
    execute(connection, f"CREATE TRIGGER {state.table('stay')} BEFORE DELETE ON {job} FOR EACH ROW SIGNAL SQLSTATE '45000'")
    with pytest.raises(pymysql.MySQLError):
        state.remove(connection)
    connection.rollback()
    assert state.exists(connection)
    execute(connection, f"DROP TRIGGER {state.table('stay')}")
    state.remove(connection)
    assert shop.left(connection) == {}


@pytest.mark.parametrize("daemon_lives", [True, False])
def test_while_another_host_helps_to_copy(shop: Shop, daemon_lives: bool) -> None:
    """Its worker ends by itself and says why, and writes nothing behind the abort; also where no daemon is left."""
    shop.fill("items", ROWS)
    shop.fill("visits", 4)
    shop.slow(items=SLOW)
    daemon = shop.start("--set", "copy.workers=1")
    shop.until(daemon, lambda status: status["phase"] == "copying" and status["copy"]["ratio"] > 0)
    root = shop.connect(shop.server)
    before = value(root, "SELECT COUNT(*) FROM information_schema.processlist")
    helper = subprocess.Popen([*COMMAND, "copy-worker"], cwd=shop.folder, text=True, stderr=subprocess.PIPE)
    shop.stack.callback(helper.kill)
    while value(root, "SELECT COUNT(*) FROM information_schema.processlist") < before + 2:
        assert helper.poll() is None
        time.sleep(0.02)
    if daemon_lives:
        shop.gone(daemon, shop.ask())
    else:
        daemon.kill()
        daemon.wait()
        assert subprocess.run([*COMMAND, "abort", "--drop-target"], cwd=shop.folder, check=False).returncode == 0
    _, said = helper.communicate(timeout=PATIENCE)
    assert helper.returncode == 4, said
    assert "the migration shop is over: it was aborted" in " ".join(said.split())
    assert shop.left(root) == {}


def breaks(*_: object) -> None:
    raise ReplicatorError("killed")


def test_an_abort_that_broke_off_is_not_taken_for_alive(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    connection, state = half_way(shop, "replicating")
    with monkeypatch.context() as patch:
        patch.setattr(State, "remove", breaks)
        with pytest.raises(ReplicatorError, match="killed"):
            Migration(shop.config, Progress("shop")).ending.abort(drop_target=False)
    with pytest.raises(WrongState, match="an abort of the migration shop broke off"):
        Migration(shop.config, Progress("shop")).run(once=True)
    assert Migration(shop.config, Progress("shop")).ending.abort(drop_target=False)
    assert not state.exists(connection)
    assert shop.left(connection) == {}


def test_an_end_that_broke_off_is_finished(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing begins anew, and there is no way back that lacks its staging."""
    connection, state = half_way(shop, "reversing")
    with monkeypatch.context() as patch:
        patch.setattr("replicator.ending._drop_staging", breaks)
        with pytest.raises(ReplicatorError, match="killed"):
            Migration(shop.config, Progress("shop")).ending.complete()
    with pytest.raises(WrongState, match="the migration shop is completed"):
        Migration(shop.config, Progress("shop")).run(once=True)
    assert shop.left(connection) == {f"{state.database}.migration": 1}


def half_way(shop: Shop, phase: str) -> tuple[Connection, State]:
    """A migration with staging, as it is stored."""
    connection, state = shop.connect(shop.server), of(shop.config)
    state.create(connection)
    state.begin(connection, {})
    state.enter(connection, phase)
    execute(connection, f"CREATE TABLE `{state.database}`.`shop:items` (id INT PRIMARY KEY)")
    return connection, state
