"""A small migration from one server to another, an application that writes meanwhile, and the daemon, in a thread or not."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pymysql
from structlog.testing import capture_logs

from replicator import state as states
from replicator.binlog.safe_position import current_position
from replicator.config import Config, load
from replicator.demo.servers import Server
from replicator.errors import ReplicatorError
from replicator.mysql.connection import Connection, execute, rows
from replicator.mysql.position import Position
from tests.conftest import ServerPair
from tests.scenarios.life import Moment, Run

SOURCE = """
CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(60) NOT NULL);
CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT NOT NULL, amount INT NOT NULL, KEY (customer_id));
CREATE TABLE visits (id INT PRIMARY KEY, place INT NOT NULL, minutes INT NOT NULL, KEY (place))
"""
TARGET = """
CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(60) NOT NULL);
CREATE TABLE orders (id INT PRIMARY KEY, customer VARCHAR(60) NULL, amount INT NOT NULL);
CREATE TABLE places (place INT PRIMARY KEY, visits INT NOT NULL, minutes INT NOT NULL);
"""
TRANSFORMS = """
from replicator import copy_table, one, transform

copy_table("customers")


@transform("orders", related={"customer": one("customers", where={"id": "customer_id"})})
def orders(row, customer):
    return {"id": row.id, "customer": None if customer is None else customer.name, "amount": row.amount}


@transform("places", source="visits", group_by=["place"], key={"place": "place"})
def places(rows):
    return {"place": rows[0].place, "visits": len(rows), "minutes": sum(row.minutes for row in rows)}
"""
ORACLE = {
    "customers": "SELECT id, name FROM customers ORDER BY id",
    "orders": "SELECT o.id, c.name, o.amount FROM orders o LEFT JOIN customers c ON c.id = o.customer_id ORDER BY o.id",
    "places": "SELECT place, COUNT(*), SUM(minutes) FROM visits GROUP BY place ORDER BY place",
}
CUSTOMERS = 20
USER = "migrator"
"""Of the daemon: root has ways of its own past many limits."""

_numbers = itertools.count(1)


class Traffic:
    """One client that writes transactions over all tables, with these numbers, and comes back when the server does."""

    def __init__(self, server: Server, database: str, numbers: Iterator[int]) -> None:
        self._server, self._database, self._numbers = server, database, numbers
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="application", daemon=True)
        self.done = 0
        """Transactions whose commit was answered."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _work(self) -> None:
        connection: Connection | None = None
        while not self._ending.wait(0.004):
            try:
                connection = connection or _connected(self._server, self._database, read_timeout=20)
                transaction(connection, next(self._numbers))
                self.done += 1
            except (pymysql.MySQLError, OSError):  # it may be committed or not: the tables say
                if connection is not None and connection.open:
                    with suppress(pymysql.MySQLError, OSError):
                        connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def more(self, transactions: int = 20) -> None:
        """Wait until that many more are committed."""
        wanted = self.done + transactions
        until(lambda: self.done >= wanted, "the application writes")


def transaction(connection: Connection, number: int) -> None:
    """The one with this number, committed."""
    execute(connection, "BEGIN")
    execute(connection, f"INSERT INTO orders VALUES ({1000 + number}, {number % CUSTOMERS}, {number})")
    execute(connection, f"UPDATE customers SET name = 'customer {number}' WHERE id = {number % (CUSTOMERS - 3)}")
    execute(connection, f"INSERT INTO visits VALUES ({1000 + number}, {number % 7}, {number % 60})")
    execute(connection, f"UPDATE orders SET amount = amount + 1 WHERE id = {1000 + number - 3}")
    execute(connection, f"DELETE FROM visits WHERE id = {1000 + number - 40}")
    connection.commit()


@dataclass
class World:
    """One migration between two servers."""

    source: Server
    target: Server
    names: dict[str, str]
    folder: Path
    config: Config
    stack: ExitStack
    logs: list[MutableMapping[str, Any]] = field(default_factory=list)
    """What the daemons in threads have logged."""
    _run: Run | None = None
    _transactions: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # The daemon -------------------------------------------------------------------------------------------

    def start(self, moment: Moment = lambda _: None) -> Run:
        """The daemon in a thread of this process; returns at once."""
        self._run = Run(self.config, moment)
        return self._run

    def replicating(self) -> Run:
        """The daemon in a thread, when it has become exact."""
        run = self.start()
        run.until(lambda: run.exact("forward"), "become exact")
        return run

    def stop(self) -> None:
        """End the thread, as SIGTERM would; raises what has ended it before."""
        run, self._run = self._run, None
        if run is not None:
            run.stop()

    def process(self, *more: str) -> Process:
        """`replicator run` as a process of its own, ended by SIGKILL after the test where it still runs."""
        command = [sys.executable, "-m", "replicator", "--config", str(self.folder / "replicator.toml"), "run", *more]
        with (self.folder / "log").open("wb") as log:
            running = Process(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log), self.folder / "log")
        self.stack.callback(running.kill)
        return running

    def status(self) -> dict[str, Any]:
        """What the daemon says: while it runs in a thread, its own word, else what it has stored."""
        if self._run is not None and self._run.running:
            return self._run.migration.progress.snapshot()
        return states.read_status(self.config) or {}

    def says(self, error: str, text: str) -> bool:
        """Whether status and log both name this error and its reason."""
        last = self.status().get("last_error") or {}
        logged = any(event.get("error") == error and text in str(event.get("reason")) for event in list(self.logs))
        return last.get("error") == error and text in str(last.get("message")) and logged

    def await_said(self, error: str, text: str) -> None:
        """Wait until status and log name it, while the daemon goes on."""
        assert self._run is not None
        self._run.until(lambda: self.says(error, text), f"say {error}: {text}")

    # The tables -------------------------------------------------------------------------------------------

    def traffic(self) -> Traffic:
        """An application, which writes inside of its block."""
        return Traffic(self.source, self.names["source"], self._transactions)

    def on(self, side: str) -> Connection:
        """Root's session on the source or the target, in the migration's database."""
        connection = _connected({"source": self.source, "target": self.target}[side], self.names[side])
        self.stack.callback(_closed, connection)
        return connection

    def applied(self) -> Position | None:
        """The checkpoint."""
        with _connected(self.target, self.names["state"]) as connection:
            found = states.of(self.config).checkpoint(connection, "forward")
        return None if found is None else found.position

    def equal(self, read_from: Server | None = None) -> None:
        """When all that was written until now is applied, the target is what SQL makes of the source.

        `read_from`: the server whose binlog is read, where that is a replica of the source.
        """
        assert self._run is not None
        with _connected(read_from or self.source) as connection:
            end = current_position(connection)
        self._run.until(lambda: (now := self.applied()) is not None and now.reached(end), f"apply everything up to {end}")
        self.compare()

    def compare(self) -> None:
        """By SQL on both sides."""
        with _connected(self.source, self.names["source"]) as one, _connected(self.target, self.names["target"]) as other:
            for table, query in ORACLE.items():
                expected = rows(one, query)
                assert rows(other, f"SELECT * FROM {table} ORDER BY 1") == expected
                assert expected


@dataclass
class Process:
    """The daemon as a process."""

    popen: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """SIGKILL."""
        self.popen.kill()
        self.popen.wait()

    def ends(self, code: int, error: str, text: str) -> None:
        """It has to end by itself, with this exit code, and to say why in the last line of its log."""
        assert self.popen.wait(60) == code, self.log.read_text()
        last = json.loads(self.log.read_text().splitlines()[-1])
        assert last["event"] == "daemon.failed"
        assert last["error"] == error
        assert text in last["reason"], last["reason"]


def until(reached: Callable[[], bool], what: str, seconds: float = 60.0, every: float = 0.01) -> None:
    """Wait for something outside of the daemon."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(every)


@contextmanager
def make_world(
    pair: ServerPair, folder: Path, *, urls: dict[str, str] | None = None, settings: str = ""
) -> Iterator[World]:
    """Databases of its own on both servers, dropped afterwards; `urls` stand in for those of the servers."""
    number = next(_numbers)
    names = {role: f"faults_{number}_{role}" for role in ("source", "target", "state", "archive")}
    with ExitStack() as stack:
        for server in (pair.source, pair.target):
            stack.callback(_drop, server, names)
        for role, server in (("source", pair.source), ("target", pair.target)):
            with _connected(server) as connection:
                _create_user(connection, server)
                execute(connection, f"CREATE DATABASE {names[role]}")
                if role == "source":
                    create_source(connection, names[role])
        (folder / "transforms").mkdir()
        (folder / "transforms/all.py").write_text(TRANSFORMS)
        (folder / "schema").mkdir()
        (folder / "schema/target.sql").write_text(TARGET)
        (folder / "hooks").mkdir()
        for hook in ("on_freeze", "on_switch", "on_unfreeze", "on_abort"):  # nobody cuts over here
            (folder / "hooks" / hook).write_text("#!/bin/sh\n")
            (folder / "hooks" / hook).chmod(0o755)
        lines = ["[migration]", 'name = "faults"', 'schema = "schema"', f'state_database = "{names["state"]}"']
        for role, server in (("source", pair.source), ("target", pair.target)):
            url = (urls or {}).get(role, "").format(names[role]) or server.url(names[role], USER, tcp=True)
            lines += [f"[{role}]", f'url = "{url}"', f'password_file = "{server.password_file}"']
        lines += ["[http]", 'listen = "off"', "[control]", 'socket = "control"']
        lines += ["[cutover]", 'mode = "hooks"', f'archive_database = "{names["archive"]}"', settings]
        (folder / "replicator.toml").write_text("\n".join(lines) + "\n")
        logs = stack.enter_context(capture_logs())
        config = load(folder / "replicator.toml", {})
        made = World(pair.source, pair.target, names, folder, config, ExitStack(), logs)
        stack.callback(_end, made)
        yield made


def create_source(connection: Connection, database: str) -> None:
    """The application's tables and first rows."""
    execute(connection, f"USE {database}")
    for statement in filter(str.strip, SOURCE.split(";")):
        execute(connection, statement)
    for customer in range(CUSTOMERS):
        execute(connection, f"INSERT INTO customers VALUES ({customer}, 'name {customer}')")
        execute(connection, f"INSERT INTO orders VALUES ({customer}, {customer % 9}, 0)")
        execute(connection, f"INSERT INTO visits VALUES ({customer}, {customer % 5}, 1)")


def _create_user(connection: Connection, server: Server) -> None:
    """An account that may do what the daemon needs, and is stopped by what stops others."""
    execute(connection, f"CREATE USER IF NOT EXISTS {USER}@'127.0.0.1' IDENTIFIED BY '{server.password}'")
    more = ", XA_RECOVER_ADMIN" if server.flavour == "mysql" else ""
    execute(
        connection,
        "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP, REFERENCES, TRIGGER, LOCK TABLES, RELOAD, PROCESS,"
        f" REPLICATION SLAVE, REPLICATION CLIENT{more} ON *.* TO {USER}@'127.0.0.1'",
    )


def _end(world: World) -> None:
    world.stack.close()  # sessions that hold locks would hold the daemon up
    with suppress(ReplicatorError):  # that of a daemon that has ended is for the test to look at
        world.stop()


def _drop(server: Server, names: dict[str, str]) -> None:
    with _connected(server) as connection:
        for name in names.values():
            execute(connection, f"DROP DATABASE IF EXISTS {name}")


def _connected(server: Server, database: str | None = None, **more: Any) -> Connection:
    # Through TCP: PyMySQL leaves a unix socket open when nobody listens on its other end.
    return pymysql.connect(**server.connect_args(database, tcp=True), autocommit=True, **more)


def _closed(connection: Connection) -> None:
    if connection.open:
        with suppress(pymysql.MySQLError, OSError):
            connection.close()
