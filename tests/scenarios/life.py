"""One migration from its first run to its last, with an application that writes meanwhile."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from replicator.binlog.safe_position import current_position
from replicator.config import Config
from replicator.config import load as load_config
from replicator.daemon import Daemon
from replicator.demo.servers import Server
from replicator.errors import ReplicatorError, WrongState
from replicator.migration import Migration
from replicator.mysql.catalog import read_tables
from replicator.mysql.connection import Connection, connected
from replicator.progress import Progress
from tests.scenarios import oracle
from tests.scenarios.case import Case, Ending, Step
from tests.scenarios.script import statements
from tests.scenarios.writer import Writer, filler

PATIENCE = 60.0
"""Seconds for anything to happen."""
_URL = re.compile(r"\{url (\w+)\}")
"""In a setting of a step: the address of one of the databases."""
_ACCEPT = re.compile(r"--set (stream\.accept_schema_change)=(\S+:\d+)")

Moment = Callable[[str], None]


class Copying(Progress):
    """Tells when the first rows are copied, before HIGH is known."""

    def __init__(self, name: str, moment: Moment) -> None:
        super().__init__(name)
        self._moment = moment
        self.waiting = self.told = False

    def copied(self, table: str, rows: int, source: str | None = None) -> None:
        super().copied(table, rows, source)
        if self.waiting and rows:
            self.waiting, self.told = False, True
            self._moment("while copying")


class Attended(Migration):
    """A migration during which something happens at given moments."""

    def __init__(self, config: Config, moment: Moment) -> None:
        self._copying = Copying(config.migration.name, moment)
        super().__init__(config, self._copying)
        self._moment = moment

    def copy(self) -> None:
        self._moment("before the copy")
        self._copying.waiting = not self._copying.told  # else it goes on behind an error
        super().copy()
        assert not self._copying.waiting, "no rows were copied: nothing can happen between them"

    def catch_up(self) -> None:
        self._moment("after the copy")
        super().catch_up()


class Run:
    """The daemon, as `replicator run` makes it, in a thread."""

    def __init__(self, config: Config, moment: Moment) -> None:
        self.migration = Attended(config, moment)
        self.daemon = Daemon(self.migration)
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="scenario", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self.daemon.run(once=False)
        except BaseException as error:
            self.error = error

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def until(self, reached: Callable[[], bool], what: str) -> None:
        """Wait; raises what ended the daemon before."""
        waited, began = 0.0, time.monotonic()
        while not reached():
            if not self.running:
                raise self.error or AssertionError(f"the daemon ended before it could {what}")
            # A machine that stands still for a minute is no fault of the daemon's.
            now = time.monotonic()
            waited, began = waited + min(now - began, 0.5), now
            assert waited < PATIENCE, f"it did not {what}: {self.migration.progress.snapshot()}"
            time.sleep(0.01)

    def exact(self, way: str) -> bool:
        """Whether it is exact, and goes this way."""
        try:
            self.migration.exact()
        except WrongState:
            return False
        return self.migration.progress.phase == {"forward": "replicating", "back": "reversing"}[way]

    def await_end(self) -> BaseException | None:
        """The error that ended it."""
        self._thread.join(PATIENCE)
        assert not self.running, f"it goes on: {self.migration.progress.snapshot()}"
        return self.error

    def stop(self) -> None:
        """As SIGTERM does."""
        self.migration.stop.set()
        if (error := self.await_end()) is not None:
            raise error


@dataclass
class Life:
    """The databases and folder of one case on one server."""

    case: Case
    server: Server
    folder: Path
    names: dict[str, str]
    writer: Writer
    run: Run | None = None
    message: str = ""
    """Of the error that ended the last run."""
    archived: bool = False

    def go(self) -> None:
        """Everything that expect.toml says."""
        self._moment("before the run")
        self._start({})
        self._expect(self.case.ending)
        for step in self.case.then:
            self._step(step)
        self._stop()

    def _step(self, step: Step) -> None:
        if not step.keep:
            self._stop()
        if step.transforms is not None:
            shutil.copy(self.case.folder / step.transforms, self.folder / "transforms/all.py")
        if step.section is not None:
            self.writer.run(self.case.script[step.section])
        if not step.keep:
            self._start({**step.settings, **(self._accepted() if step.accept else {})})
        if step.command is not None:
            assert self.run is not None
            self._await_exact()
            self._command(step.command, dict(step.arguments), step.ending)
            if step.ending.code:
                return
        self._expect(step.ending, again=True)

    def _accepted(self) -> dict[str, str]:
        found = _ACCEPT.search(self.message)
        assert found is not None, f"nothing to accept is named: {self.message}"
        return {found[1]: found[2]}

    def _start(self, overrides: dict[str, str]) -> None:
        given = {name: _URL.sub(lambda url: self.server.url(self.names[url[1]]), value) for name, value in overrides.items()}
        self.run = Run(load_config(self.folder / "replicator.toml", {}, given), self._moment)

    def _stop(self) -> None:
        if self.run is not None and self.run.running:
            self.run.stop()
        self.run = None

    def _moment(self, name: str) -> None:
        if section := self.case.script.get(name):
            self.writer.run(section)
        if name == "before the copy" and (section := self.case.script.get("all along")):
            self.writer.repeat(section)

    # Endings ----------------------------------------------------------------------------------------------

    def _expect(self, ending: Ending, again: bool = False) -> None:
        assert self.run is not None
        if ending.end == "stopped":
            if not again:
                self._write_to_the_end(stopping=True)
            error = self.run.await_end()
            self.writer.settle()
            self._judge(error, ending)
            return
        if ending.end == "throttled":
            self.run.until(self._throttled, "wait")
            reason = str(self.run.migration.progress.snapshot()["throttle"])
            assert not [part for part in ending.says if part not in reason], reason
            return
        self._await_exact()
        if not again:
            self._write_to_the_end()
        if ending.end in ("switched", "back"):
            self._verify()
            self._command("cutover" if ending.end == "switched" else "rollback", {}, ending)
            self.archived = ending.end == "switched"
            self._await_exact()
        self._catch_up()
        self._compare()
        self._verify()

    def _await_exact(self) -> None:
        run = self.run
        assert run is not None
        run.until(lambda: run.exact("back" if self.archived else "forward"), "become exact")

    def _throttled(self) -> bool:
        assert self.run is not None
        return self.run.migration.progress.snapshot()["throttle"] is not None

    def _write_to_the_end(self, stopping: bool = False) -> None:
        """What the application does once the copy is exact."""
        assert self.run is not None
        if "while replicating" in self.case.script:
            self._await_exact()
            self._moment("while replicating")
        if not stopping:
            self.writer.settle()

    def _judge(self, error: BaseException | None, ending: Ending) -> None:
        assert isinstance(error, ReplicatorError), f"it has to stop with an error of its own: {error!r}"
        self.message = str(error)
        missing = [part for part in ending.says if self._filled(part) not in self.message]
        assert not missing, f"it has to say {missing}, it says {self.message}"
        assert error.exit_code == ending.code, f"exit code {error.exit_code}: {self.message}"

    def _filled(self, text: str) -> str:
        """With the databases' names."""
        return filler(self.names)(text)

    def _command(self, command: str, arguments: dict[str, Any], ending: Ending) -> None:
        assert self.run is not None
        try:
            *_, last = self.run.daemon.answer(command, arguments)
        except ReplicatorError as error:
            self._judge(error, ending)
            return
        code = ending.code if ending.end == "equal" else 0
        assert last["exit_code"] == code, last
        assert not [part for part in ending.says if part not in str(last)], last

    def _catch_up(self) -> None:
        assert self.run is not None
        _, stream = self.run.migration.exact()
        with self._session() as source:
            end = current_position(source)
        assert stream.wait_applied(end, PATIENCE), self.run.migration.progress.snapshot()

    def _compare(self) -> None:
        """By the oracle."""
        source, target = self.names["source"], self.names["target"]
        if self.archived:
            source, target = self.names["archive"], source
        found = oracle.differences(
            self.server, source, target, {table: self._filled(query) for table, query in self.case.oracle.items()}
        )
        assert not found, "\n".join(found)

    def _verify(self) -> None:
        """The daemon's own verification has to agree."""
        assert self.run is not None
        *_, last = self.run.daemon.answer("verify", {})
        assert last["exit_code"] == 0, last

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        with connected(self.server.endpoint("source", self.names["source"])) as connection:
            yield connection


def live(case: Case, server: Server, folder: Path) -> None:
    """Run a case in databases of its own, which are dropped afterwards."""
    mark = f"{case.name}"[:40].replace("-", "_")
    names = {role: f"{mark}_{role}" for role in ("source", "target", "state", "archive")}
    fill = filler(names)

    def connect() -> Connection:
        return pymysql.connect(**server.connect_args(names["source"]), autocommit=True)

    with ExitStack() as stack:
        stack.callback(_drop, server, names)
        _drop(server, names)
        _create(case, server, names, fill)
        _write_folder(case, server, folder, names, fill)
        writer = stack.enter_context(Writer(connect, fill))
        life = Life(case, server, folder, names, writer)
        stack.callback(_end, life)
        life.go()


def _end(life: Life) -> None:
    if life.run is not None and life.run.running:
        life.run.migration.stop.set()
        life.run.await_end()


def _drop(server: Server, names: dict[str, str]) -> None:
    with pymysql.connect(**server.connect_args(), autocommit=True) as connection, connection.cursor() as cursor:
        for name in names.values():
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")


def _create(case: Case, server: Server, names: dict[str, str], fill: Callable[[str], str]) -> None:
    with pymysql.connect(**server.connect_args(), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{names['source']}`")
        cursor.execute(f"USE `{names['source']}`")
        for statement in statements(case.text("source.sql") or ""):
            cursor.execute(fill(statement))


def _write_folder(case: Case, server: Server, folder: Path, names: dict[str, str], fill: Callable[[str], str]) -> None:
    """replicator.toml, transforms and schema, as a user has them."""
    (folder / "transforms").mkdir()
    (folder / "schema").mkdir()
    with connected(server.endpoint("source", names["source"])) as connection:
        tables = read_tables(connection, names["source"])
    transforms = case.text("transforms.py") or "from replicator import copy_table\n" + "".join(
        f"copy_table({name!r})\n" for name in tables
    )
    (folder / "transforms/all.py").write_text(transforms, encoding="utf-8")
    (folder / "schema/target.sql").write_text(case.text("target.sql") or _same_tables(case, fill), encoding="utf-8")
    sections: dict[str, dict[str, str]] = {
        "migration": {"name": "case", "schema": "schema", "state_database": names["state"]},
        "source": {"url": server.url(names["source"]), "password_file": str(server.password_file)},
        "target": {"url": server.url(names["target"]), "password_file": str(server.password_file)},
        "http": {"listen": "off"},
        "control": {"socket": "control"},
        "cutover": {"archive_database": names["archive"]},
    }
    for setting, value in case.settings.items():
        section, key = setting.split(".")
        sections.setdefault(section, {})[key] = value
    lines = []
    for section, settings in sections.items():
        lines += [f"[{section}]", *(f'{key} = "{value}"' for key, value in settings.items())]
    (folder / "replicator.toml").write_text("\n".join(lines) + "\n")


def _same_tables(case: Case, fill: Callable[[str], str]) -> str:
    """The source's own CREATE TABLE statements."""
    wanted = [text for text in statements(case.text("source.sql") or "") if text.lstrip().upper().startswith("CREATE TABLE")]
    return "".join(f"{fill(text)};\n" for text in wanted)
