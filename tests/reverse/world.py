"""A shop with every shape of a transform, its daemon in a thread, and SQL that says what both sides have to be."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
from pymysql.constants import CLIENT

from replicator.binlog.safe_position import current_position
from replicator.config import Config, load
from replicator.daemon import Daemon
from replicator.demo.servers import Server
from replicator.migration import Migration
from replicator.mysql.connection import Connection, execute, rows
from replicator.progress import Progress

SHOP = Path(__file__).parent / "shop"
PATIENCE = 60.0

# What the new tables have to be, of old tables in {old}. A column in brackets does not come back.
NEW = {
    "companies": "SELECT id, name FROM {old}.companies",
    "customers": "SELECT id, COALESCE(company_id, tenant_id), name, IF(BINARY role = 'admin', 'admin', 'staff')"
    " FROM {old}.customers",
    "offers": "SELECT id, name[, REPLACE(LOWER(name), ' ', '-')] FROM {old}.services WHERE deleted_at IS NULL",
    "bookings": "SELECT b.id, s.id, b.note FROM {old}.bookings b LEFT JOIN {old}.services s"
    " ON s.id = b.service_id AND s.deleted_at IS NULL",
    "branches": "SELECT b.id, b.name, COALESCE((SELECT GROUP_CONCAT(DISTINCT CONCAT('[', h.day, ',', h.opens, ']')"
    " ORDER BY h.day, h.opens) FROM {old}.hours h WHERE h.branch_id = b.id AND h.day <= 7), '') FROM {old}.branches b",
    "persons": "SELECT id, name FROM {old}.people",
    "addresses": "SELECT id, street, city FROM {old}.people WHERE street IS NOT NULL",
    "events": "SELECT 'mail', id, body, IF(state = 'sent', 'done', 'open') FROM {old}.mails"
    " UNION ALL SELECT 'hook', id, body, '' FROM {old}.hooks WHERE kind = 'web'",
    "staff_skills": "SELECT id, staff_id, skill[, id = (SELECT MIN(f.id) FROM {old}.skills f WHERE f.staff_id = s.staff_id)]"
    " FROM {old}.skills s",
    "regions": "SELECT id, code FROM {old}.regions",
    "orders": "SELECT o.id, r.code, o.total FROM {old}.orders o LEFT JOIN {old}.regions r ON r.id = o.region_id",
}
STANDS = {
    "offers": "SELECT id, title[, slug] FROM {new}.offers",
    "branches": "SELECT id, name, REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(opening, ' ', ''), '[[', '['), ']]', ']'), '[]', ''),"
    " '\"', '') FROM {new}.branches",
    "staff_skills": "SELECT id, staff_id, skill[, is_first] FROM {new}.staff_skills",
}
# Columns and rows of the old tables that no inverse owns: they never change but with their row.
UNOWNED = {
    "customers": "SELECT id, secret FROM {old}.customers",
    "services": "SELECT id, extra FROM {old}.services",
    "bookings": "SELECT id, secret FROM {old}.bookings",
    "branches": "SELECT id, CONCAT(secret, ' ', YEAR(stamp)) FROM {old}.branches",
    "people": "SELECT id, secret FROM {old}.people",
    "hooks": "SELECT id, secret FROM {old}.hooks",
}
FILTERED = {
    "services": "SELECT id, name, deleted_at FROM {old}.services WHERE deleted_at IS NOT NULL ORDER BY id",
    "hours": "SELECT branch_id, staff, day, opens FROM {old}.hours WHERE day > 7 OR branch_id = 'lost' ORDER BY id",
    "hooks": "SELECT id, kind, body FROM {old}.hooks WHERE kind <> 'web' ORDER BY id",
}


@dataclass
class Shop:
    """One migration and where its databases are."""

    server: Server
    config: Config
    source: str
    target: str
    archive: str
    daemon: Daemon | None = None
    errors: list[BaseException] = field(default_factory=list)
    thread: threading.Thread | None = None

    @contextmanager
    def session(self) -> Iterator[Connection]:
        with pymysql.connect(**self.server.connect_args(self.source), autocommit=True) as connection:
            yield connection

    def run(self, *statements: str) -> None:
        with self.session() as connection:
            for statement in statements:
                execute(connection, statement)

    # The daemon -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Another life of the daemon."""
        migration = Migration(self.config, Progress("shop", proof_interval=0.2))
        self.daemon = daemon = Daemon(migration)

        def live() -> None:
            try:
                daemon.run(once=False)
            except BaseException as error:
                self.errors.append(error)

        self.thread = threading.Thread(target=live, name="life")
        self.thread.start()

    @property
    def migration(self) -> Migration:
        assert self.daemon is not None
        return self.daemon._migration

    def stop(self) -> None:
        if self.thread is not None:
            self.migration.stop.set()
            self.thread.join()
            self.thread = self.daemon = None

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        assert self.daemon is not None
        *_, last = self.daemon.answer(command, arguments)
        return last

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert not self.errors, self.errors
            assert self.thread is None or self.thread.is_alive()
            assert time.monotonic() < deadline, f"{what} took too long: {self.migration.progress.snapshot()}"
            time.sleep(0.02)

    def until_verified(self, phase: str) -> None:
        """In that phase, and every table proved."""

        def proved() -> bool:
            status = self.migration.progress.snapshot()
            if status["phase"] != phase or not status["tables"]:
                return False
            return all(table["verified_at"] is not None for table in status["tables"])

        self.until(proved, f"verifying while {phase}")
        differing = [table["table"] for table in self.migration.progress.snapshot()["tables"] if table["mismatched_rows"]]
        assert not differing, self.ask("verify")["message"]

    def until_applied(self) -> None:
        """Everything that stands in the binlog now is on the other side."""
        with self.session() as connection:
            end = current_position(connection)

        def applied() -> bool:
            _, stream = self.migration.exact()
            return stream.wait_applied(end, 0.1)

        self.until(applied, "applying")

    # What is there ----------------------------------------------------------------------------------------

    def tables(self, schema: str) -> set[str]:
        with self.session() as connection:
            found = rows(connection, "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (schema,))
        return {table for (table,) in found}

    def ask_sql(self, statement: str, *, old: str = "", new: str = "", whole: bool = True) -> list[tuple[Any, ...]]:
        """Sorted rows; `whole` with the bracketed columns."""
        text = statement.format(old=old, new=new)
        while "[" in text and "[, " in text:
            start, end = text.index("[, "), _closing(text)
            text = text[:start] + (text[start + 1 : end] if whole else "") + text[end + 1 :]
        with self.session() as connection:
            execute(connection, "SET SESSION group_concat_max_len = 1000000")
            return sorted(rows(connection, text), key=repr)

    def assert_transformed(self, old: str, new: str, *, whole: bool) -> None:
        """The new tables are what SQL makes of the old ones; but for the columns that do not come back, unless `whole`."""
        for table, statement in NEW.items():
            stands = STANDS.get(table, f"SELECT * FROM {{new}}.{table}")
            made = self.ask_sql(statement, old=old, whole=whole)
            there = self.ask_sql(stands, new=new, whole=whole)
            assert _plain(there) == _plain(made), table

    def unowned(self, old: str) -> dict[str, dict[Any, Any]]:
        return {table: dict(self.ask_sql(statement, old=old)) for table, statement in UNOWNED.items()}

    def filtered(self, old: str) -> dict[str, list[tuple[Any, ...]]]:
        return {table: self.ask_sql(statement, old=old) for table, statement in FILTERED.items()}


def _closing(text: str) -> int:
    depth = 0
    for place in range(text.index("[, "), len(text)):
        depth += {"[": 1, "]": -1}.get(text[place], 0)
        if not depth:
            return place
    raise AssertionError(text)


def _plain(found: list[tuple[Any, ...]]) -> list[str]:
    return sorted(repr(tuple(value.decode() if isinstance(value, bytes) else value for value in row)) for row in found)


def make_shop(server: Server, database: Callable[..., str], folder: Path) -> Shop:
    source, target, archive = database(server, "shop"), database(server, "new_shop"), database(server, "archive")
    state = database(server, "state")
    with pymysql.connect(
        **server.connect_args(source), autocommit=True, client_flag=CLIENT.MULTI_STATEMENTS
    ) as connection, connection.cursor() as cursor:  # fmt: skip
        cursor.execute((SHOP / "source.sql").read_text())
        while cursor.nextset():
            pass
    (folder / "transforms").mkdir(parents=True)
    shutil.copy(SHOP / "transforms.py", folder / "transforms" / "shop.py")
    (folder / "replicator.toml").write_text(f"""
[migration]
name = "shop"
schema = "{SHOP / "target.sql"}"
state_database = "{state}"
[source]
url = "{server.url(source)}"
password_file = "{server.password_file}"
[target]
url = "{server.url(target)}"
password_file = "{server.password_file}"
[stream]
heartbeat = "200ms"
[http]
listen = "off"
[control]
socket = "{folder / "control"}"
[cutover]
archive_database = "{archive}"
""")
    return Shop(server, load(folder / "replicator.toml", {}), source, target, archive)


