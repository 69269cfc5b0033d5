"""A migration of every shape whose target is filled by plain SQL, as if the stream had just become exact."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

from replicator import state
from replicator.apply import heartbeat
from replicator.binlog.safe_position import current_position
from replicator.config import Config, load
from replicator.mysql.connection import Connection, close, connect, connected, execute
from replicator.mysql.flavour import identify
from replicator.mysql.position import Position
from replicator.planning import resolve
from replicator.progress import Progress
from replicator.staging import create_staging, index_staging, staging_relation
from replicator.state import Checkpoint
from replicator.transform.plan import MigrationPlan
from replicator.transform.produce import Values
from replicator.verify import Report, Verifier, verify
from tests.conftest import ServerPair


class QuietLog:
    """The stream of a source that nobody writes to: it has applied everything and touched what it is told."""

    def __init__(self) -> None:
        self.marks = 0
        self.open: set[int] = set()
        self.units: dict[int, set[Values]] | None = {}
        self.staged: dict[str, set[Values]] | None = {}
        self.barriers = 0

    def begin(self) -> int:
        self.marks += 1
        self.open.add(self.marks)
        return self.marks

    def since(self, mark: int) -> dict[int, set[Values]] | None:
        assert mark in self.open
        return self.units

    def staged_since(self, mark: int) -> dict[str, set[Values]] | None:
        assert mark in self.open
        return self.staged

    def forget(self, mark: int) -> None:
        self.open.remove(mark)

    def wait_applied(self, position: Position, timeout: float) -> bool:  # noqa: ARG002
        return True

    def source_barrier(self) -> None:
        self.barriers += 1

    @contextmanager
    def held(self) -> Iterator[Position]:
        yield Position("binlog.000001", 4)


@dataclass(slots=True)
class Scene:
    """Both ends of a migration, with autocommitting sessions to either."""

    config: Config
    source: Connection
    target: Connection
    log: QuietLog = field(default_factory=QuietLog)
    progress: Progress = field(default_factory=lambda: Progress("test"))
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def plan(self) -> MigrationPlan:
        return resolve(self.config, self.source, self.target)

    def verify(self, **more: object) -> Report:
        """One verification; the marks that it sets are gone afterwards."""
        report = verify(self.config, self.plan, self.log, progress=self.progress, stop=self.stop, **more)  # type: ignore[arg-type]
        assert not self.log.open
        return report

    def verifier(self) -> Verifier:
        return Verifier(self.config, self.plan, self.log, self.progress, self.stop)

    def relation(self, table: str) -> str:
        return staging_relation(self.config.migration.state_database, self.config.migration.name)(table)

    def begin_stream(self) -> None:
        """State, heartbeat and staging as they are when the stream has just become exact."""
        stored = state.of(self.config)
        stored.create(self.target)
        stored.begin(self.target, {})
        heartbeat.create(self.source, stored.database)
        heartbeat.beat(self.source, stored.database, stored.migration)
        plan = self.plan
        for table in plan.sources.values():
            if table.staged is not None:
                create_staging(self.target, self.relation, table.staged)
                index_staging(self.target, self.relation, table.staged)
        position = current_position(self.source)
        stored.begin_stream(self.target, "forward", Checkpoint(position, identify(self.source).identity, 0.0))

    def stage(self) -> None:
        """Fill staging, where both databases are on one server."""
        for table in self.plan.sources.values():
            if table.staged is not None:
                names = ", ".join(f"`{name}`" for name in table.staged.columns)
                execute(self.target, f"DELETE FROM {self.relation(table.table.name)}")
                execute(
                    self.target,
                    f"INSERT INTO {self.relation(table.table.name)} ({names}) SELECT {names} FROM {table.table.sql}",
                )


NewScene = Callable[..., Scene]


@pytest.fixture
def scene(tmp_path: Path, database: Callable[..., str], request: pytest.FixtureRequest) -> NewScene:
    """`scene(pair, source script, target script, transforms)`; `{source}` in the target script is the source database."""

    def new(pair: ServerPair, source: str, target: str, transforms: str) -> Scene:
        names = {"source": database(pair.source, "source"), "target": database(pair.target, "target")}
        state_database = database(pair.target, "state")
        (tmp_path / "transforms.py").write_text(
            "from replicator import const, copy_table, many, one, transform\n" + dedent(transforms)
        )
        (tmp_path / "replicator.toml").write_text(
            f"""
            [migration]
            name = "test"
            transforms = "transforms.py"
            state_database = "{state_database}"
            [source]
            url = "{pair.source.url(names["source"])}"
            password_file = "{pair.source.password_file}"
            [target]
            url = "{pair.target.url(names["target"])}"
            password_file = "{pair.target.password_file}"
            """
        )
        config = load(tmp_path / "replicator.toml", {})
        for endpoint, script in ((config.source, source), (config.target, target.replace("{source}", names["source"]))):
            with connected(endpoint, write=True, several=True) as connection:
                run_script(connection, script)
        made = Scene(config, connect(config.source, write=True), connect(config.target, write=True))
        request.addfinalizer(lambda: close(made.source))
        request.addfinalizer(lambda: close(made.target))
        made.begin_stream()
        return made

    return new


def run_script(connection: Connection, script: str) -> None:
    """Several statements in one text."""
    with connection.cursor() as cursor:
        cursor.execute(script)
        while cursor.nextset():
            pass
