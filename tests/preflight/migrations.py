"""Small migrations on a test server, changed by each test where it matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pymysql

from replicator.config import Config, load
from replicator.demo.servers import Server
from replicator.preflight.context import Context, opened
from replicator.preflight.registry import CHECKS, run_all
from replicator.preflight.result import CheckResult

SOURCE = """
CREATE TABLE customers (id bigint NOT NULL PRIMARY KEY, name varchar(100) NOT NULL, note text);
CREATE TABLE orders (id bigint NOT NULL PRIMARY KEY, customer_id bigint NOT NULL, total decimal(10,2) NOT NULL);
INSERT INTO customers VALUES (1, 'Ada', NULL), (2, 'Bob', 'tall'), (3, 'Çan', '😀');
INSERT INTO orders VALUES (1, 1, 10.50), (2, 1, 3.00), (3, 3, 99.99);
"""
TARGET = """
CREATE TABLE customers (id bigint NOT NULL PRIMARY KEY, name varchar(100) NOT NULL, orders int NOT NULL);
CREATE TABLE orders (id bigint NOT NULL PRIMARY KEY, customer_id bigint NOT NULL, total decimal(10,2) NOT NULL);
"""
TRANSFORMS = """
from replicator import copy_table, many, transform

copy_table("orders")


@transform("customers", related={"orders": many("orders", where={"customer_id": "id"})})
def customers(row, orders):
    return {"id": row.id, "name": row.name, "orders": len(orders)}
"""

Execute = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Migration:
    """A folder and its two databases."""

    folder: Path
    server: Server
    source: str
    target: str

    def config(self, extra: str = "", *, name: str = "shop", target: str = "") -> Config:
        """The configuration, with more lines of TOML and, in `target`, more of its section."""
        (self.folder / "replicator.toml").write_text(f"""
[migration]
name = "{name}"
state_database = "{self.target}_state"
[source]
url = "{self.server.url(self.source)}"
password_file = "{self.server.password_file}"
[target]
url = "{self.server.url(self.target)}"
password_file = "{self.server.password_file}"
{target}
{extra}
""")
        return load(self.folder / "replicator.toml", {"XDG_RUNTIME_DIR": str(self.folder)})

    def transforms(self, text: str) -> None:
        """Replace the transforms."""
        (self.folder / "transforms" / "shop.py").write_text(text)

    def in_source(self, script: str) -> None:
        """Run statements in the source database."""
        run_script(self.server, self.source, script)

    def in_target(self, script: str) -> None:
        """Run statements in the target database."""
        run_script(self.server, self.target, script)

    def check(self, name: str, extra: str = "") -> list[CheckResult]:
        """The results of one check."""
        return check(self.config(extra), name)


def run_script(server: Server, database: str | None, script: str) -> None:
    """Run statements that each end a line with a semicolon."""
    with pymysql.connect(**server.connect_args(database), autocommit=True) as connection, connection.cursor() as cursor:
        for statement in script.split(";\n"):
            if statement.strip():
                cursor.execute(statement)


def check(config: Config, name: str) -> list[CheckResult]:
    """The results of one check."""
    with opened(config) as context:
        return run_all(context, {name: CHECKS[name]})


@contextmanager
def variables(server: Server, settings: Mapping[str, object]) -> Iterator[None]:
    """Global variables for a while."""
    with pymysql.connect(**server.connect_args(), autocommit=True) as connection, connection.cursor() as cursor:
        before = {}
        for name in settings:
            cursor.execute(f"SELECT @@GLOBAL.{name}")
            found = cursor.fetchone()
            assert found is not None
            before[name] = found[0]
        try:
            for name, value in settings.items():
                cursor.execute(f"SET GLOBAL {name} = %s", (value,))
            yield
        finally:
            for name, value in before.items():
                cursor.execute(f"SET GLOBAL {name} = %s", (value,))


def pretend(context: Context, role: str, **settings: object) -> Context:
    """The context of a server whose global variables, or other attributes of `End`, are these."""
    end = context.reached[role]
    fields = {name: settings.pop(name) for name in list(settings) if name in ("server", "endpoint", "tables")}
    changed = {**end.variables, **{name: str(value) for name, value in settings.items()}}
    return replace(context, reached={**context.reached, role: replace(end, variables=changed, **fields)})  # type: ignore[arg-type]


def look(context: Context, name: str) -> list[CheckResult]:
    """The results of one check in a context."""
    return run_all(context, {name: CHECKS[name]})


def only(results: list[CheckResult]) -> CheckResult:
    """The one result that is expected."""
    assert len(results) == 1, results
    return results[0]


def passes(results: list[CheckResult]) -> bool:
    """Whether nothing failed and nothing warns, and something was looked at."""
    return bool(results) and {result.status for result in results} == {"ok"}


def fails(results: list[CheckResult], *texts: str, status: str = "failed") -> bool:
    """Whether a result has that status, says all the texts, and has a fix."""
    for result in results:
        whole = f"{result.message} | {result.fix}"
        if result.status == status and result.fix and all(text in whole for text in texts):
            return True
    raise AssertionError(f"no {status} result says {texts}: {results}")
