"""A migration in a folder between two databases of one server, up to the moment when the copy begins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from replicator.config import Config, load
from replicator.copy import build_jobs, copy_jobs, run_jobs
from replicator.copy.jobs import Job
from replicator.demo.servers import Server
from replicator.mysql.connection import Connection, connect, connected, execute, rows
from replicator.planning import resolve
from replicator.progress import Progress
from replicator.staging import create_staging, index_staging, staging_relation
from replicator.state import State, of
from replicator.throttle import Throttle
from replicator.transform.plan import MigrationPlan


@dataclass(slots=True)
class Migration:
    """One that stands before its copy."""

    server: Server
    config: Config
    source: Connection
    target: Connection
    progress: Progress
    stop: threading.Event
    throttle: Throttle

    @property
    def plan(self) -> MigrationPlan:
        return resolve(self.config, self.source, self.target)

    @property
    def state(self) -> State:
        return of(self.config)

    def prepare(self) -> None:
        """State and staging, as the daemon makes them."""
        self.state.create(self.target)
        self.state.begin(self.target, {})
        for table in self.plan.sources.values():
            if table.staged is not None:
                create_staging(self.target, self.relation, table.staged)

    def relation(self, table: str) -> str:
        return staging_relation(self.config.migration.state_database, self.config.migration.name)(table)

    def copy(self, workers: int = 0) -> None:
        self.run(copy_jobs(self.plan), workers)

    def build(self, workers: int = 0) -> None:
        for table in self.plan.sources.values():
            if table.staged is not None:
                index_staging(self.target, self.relation, table.staged)
        self.run(build_jobs(self.plan), workers)

    def run(self, jobs: Sequence[Job], workers: int = 0, plan: MigrationPlan | None = None) -> None:
        run_jobs(
            self.config,
            plan or self.plan,
            jobs,
            workers=workers,
            progress=self.progress,
            stop=self.stop,
            throttle=self.throttle,
        )

    def read(self, query: str) -> list[tuple[Any, ...]]:
        return list(rows(self.target, query))


NewMigration = Callable[..., Migration]


@pytest.fixture
def migration(tmp_path: Path, database: Callable[..., str], request: pytest.FixtureRequest) -> NewMigration:
    """`migration(server, source DDL and rows, target DDL, transforms)`."""

    def new(server: Server, source: str, target: str, transforms: str) -> Migration:
        names = {role: database(server, role) for role in ("source", "target", "state")}
        (tmp_path / "transforms.py").write_text(
            "from replicator import const, copy_table, drop_table, keep_table, many, one, transform\n" + dedent(transforms)
        )
        (tmp_path / "replicator.toml").write_text(
            f"""
            [migration]
            name = "test"
            transforms = "transforms.py"
            state_database = "{names["state"]}"
            [source]
            url = "{server.url(names["source"])}"
            password_file = "{server.password_file}"
            [target]
            url = "{server.url(names["target"])}"
            password_file = "{server.password_file}"
            """
        )
        config = load(tmp_path / "replicator.toml", {})
        for endpoint, script in ((config.source, source), (config.target, target)):
            with connected(endpoint, write=True, several=True) as connection:
                run_script(connection, script)
        made = Migration(
            server,
            config,
            connect(config.source, write=True),
            connect(config.target, write=True),
            Progress("test"),
            threading.Event(),
            Throttle(config.throttle, (config.source,)),
        )
        request.addfinalizer(made.source.close)
        request.addfinalizer(made.target.close)
        made.prepare()
        return made

    return new


def run_script(connection: Connection, script: str) -> None:
    """Several statements in one text."""
    with connection.cursor() as cursor:
        cursor.execute(script)
        while cursor.nextset():
            pass


def fill(connection: Connection, table: str, columns: str, values: str, number: int) -> None:
    """`INSERT INTO table (columns) SELECT values`, `number` times with n = 1, 2, …."""
    execute(
        connection,
        f"INSERT INTO {table} ({columns}) WITH RECURSIVE d AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM d WHERE i < 9),"
        " r AS (SELECT a.i + 10 * b.i + 100 * c.i + 1000 * d.i + 10000 * e.i + 1 AS n FROM d a, d b, d c, d d, d e)"
        f" SELECT {values} FROM r WHERE n <= {number}",
    )
