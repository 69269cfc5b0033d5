"""Real servers for every test that asks for one: started at the first use, once a run.

A test that takes `server` or `server_pair` runs on both flavours; `@pytest.mark.cross` adds the two pairs of unlike
servers. Whoever restarts, kills or reconfigures a server takes one of its own from `new_server`.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pymysql
import pytest

from replicator.demo.servers import FLAVOURS, Flavour, Server, find_flavours, launch
from replicator.mysql.connection import Connection


@dataclass(frozen=True, slots=True)
class ServerPair:
    """Where a test's source and target databases stand: mostly on the same server."""

    source: Server
    target: Server

    @property
    def same(self) -> bool:
        """Whether both databases are on one server, as mode rename needs."""
        return self.source is self.target


_missing: dict[Flavour, int] = {}
"""How many tests each missing flavour cost."""


def demand(flavour: Flavour) -> None:
    """Skip where the flavour is not installed; in CI, fail."""
    if flavour in find_flavours():
        return
    _missing[flavour] = _missing.get(flavour, 0) + 1
    reason = f"no {flavour} server is installed: run ops/install/install.sh"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much was compared, and last, in red, what was not tested at all."""
    for report in terminalreporter.getreports("passed"):
        for name, amount in getattr(report, "user_properties", ()):
            terminalreporter.line(f"{report.nodeid}: {name}: {amount}")
    for flavour, tests in sorted(_missing.items()):
        terminalreporter.section(f"NOT TESTED ON {flavour.upper()}", red=True, bold=True)
        terminalreporter.line(f"{tests} tests did not run: no {flavour} server. ops/install/install.sh installs it.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Both flavours for `server`, like pairs for `server_pair`, and unlike ones where they are asked for."""
    if "server" in metafunc.fixturenames:
        metafunc.parametrize("server", FLAVOURS, indirect=True)
    if "server_pair" in metafunc.fixturenames:
        unlike = metafunc.definition.get_closest_marker("cross") is not None
        pairs = [pair for pair in itertools.product(FLAVOURS, repeat=2) if unlike or pair[0] == pair[1]]
        names = [source if source == target else f"{source}-{target}" for source, target in pairs]
        metafunc.parametrize("server_pair", pairs, indirect=True, ids=names)


@pytest.fixture(scope="session")
def _running() -> Iterator[Callable[[Flavour], Server]]:
    started: dict[Flavour, Server] = {}
    with ExitStack() as stack:

        def running(flavour: Flavour) -> Server:
            demand(flavour)
            if flavour not in started:
                started[flavour] = stack.enter_context(launch(flavour, in_memory=True))
            return started[flavour]

        yield running


@pytest.fixture
def mariadb(_running: Callable[[Flavour], Server]) -> Server:
    """The run's MariaDB server."""
    return _running("mariadb")


@pytest.fixture
def mysql(_running: Callable[[Flavour], Server]) -> Server:
    """The run's MySQL server."""
    return _running("mysql")


@pytest.fixture
def server(request: pytest.FixtureRequest, _running: Callable[[Flavour], Server]) -> Server:
    """The run's MariaDB, then its MySQL server."""
    return _running(request.param)


@pytest.fixture
def server_pair(request: pytest.FixtureRequest, _running: Callable[[Flavour], Server]) -> ServerPair:
    """MariaDB to MariaDB, MySQL to MySQL, and with `@pytest.mark.cross` each to the other."""
    source, target = request.param
    return ServerPair(_running(source), _running(target))


@pytest.fixture
def new_server() -> Iterator[Callable[..., Server]]:
    """Starts a server for this test alone: `new_server("mysql", durable=True)`, and more of what `launch` takes."""
    with ExitStack() as stack:

        def new(flavour: Flavour, **more: Any) -> Server:
            demand(flavour)
            return stack.enter_context(launch(flavour, **{"in_memory": not more.get("durable"), **more}))

        yield new


_numbers = itertools.count(1)


@pytest.fixture
def database() -> Iterator[Callable[..., str]]:
    """Creates databases: `database(server)`, `database(server, "target")` give their names, unique in the run."""
    created: list[tuple[Server, str]] = []

    def create(on: Server, name: str = "db") -> str:
        name = f"{name}_{next(_numbers)}"
        _execute(on, f"CREATE DATABASE `{name}`")
        created.append((on, name))
        return name

    yield create
    for on, name in created:
        if on.pid is not None:
            _execute(on, f"DROP DATABASE IF EXISTS `{name}`")


@pytest.fixture
def connect() -> Iterator[Callable[..., Connection]]:
    """Opens root's autocommitting connections, `connect(server, "db_1")`, and closes them after the test."""
    opened: list[Connection] = []

    def connect(to: Server, database: str | None = None, **more: Any) -> Connection:
        connection = pymysql.connect(**{**to.connect_args(database), "autocommit": True, **more})
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        if connection.open:
            connection.close()


def _execute(on: Server, statement: str) -> None:
    with pymysql.connect(**on.connect_args(), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
