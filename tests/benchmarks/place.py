"""Where something is measured: databases on private servers, and the folder of a migration between two of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from replicator.config import Config, load
from replicator.demo.servers import Flavour, Server, launch
from replicator.mysql.connection import Connection, connected, execute, row
from replicator.state import of
from tests.benchmarks.table import FILL, NAME, TABLE, TRANSFORMS

DATABASE = "bench"
STATE = "_replicator"


@contextmanager
def server(flavour: Flavour, *options: str) -> Iterator[Server]:
    """A private server, all of them with the same settings, with an empty database."""
    with launch(flavour, buffer_pool="512M", options=options) as running:
        run(running, f"CREATE DATABASE {DATABASE}", database="")
        yield running


def run(on: Server, *statements: str, database: str = DATABASE) -> None:
    """Run statements, each in a transaction of its own."""
    with connected(on.endpoint("target", database), write=True) as connection:
        for statement in statements:
            execute(connection, statement)


def fill(on: Server, rows: int) -> None:
    """The table anew, with the first rows; the same on every server."""
    run(on, f"DROP TABLE IF EXISTS {NAME}", TABLE, FILL.format(rows=rows), f"ANALYZE TABLE {NAME}")


def run_all(connection: Connection, texts: Iterable[str]) -> None:
    """Run texts of several statements; the connection was opened with `several`."""
    with connection.cursor() as cursor:
        for text in texts:
            cursor.execute(text)
            while cursor.nextset():
                pass


def checksum(on: Server, table: str = NAME) -> tuple[int, int]:
    """Rows, and a sum over all of their values; equal tables on servers of one version have equal ones."""
    with connected(on.endpoint("target", DATABASE)) as connection:
        counted, summed = row(connection, f"SELECT COUNT(*) FROM {table}"), row(connection, f"CHECKSUM TABLE {table} EXTENDED")
    assert counted is not None
    assert summed is not None
    return int(counted[0]), int(summed[1])


def migration(source: Server, target: Server, folder: Path, transforms: str = TRANSFORMS) -> Config:
    """A migration's configuration, its files in the folder."""
    (folder / "transforms.py").write_text(transforms)
    (folder / "hooks").mkdir(exist_ok=True)
    (folder / "hooks" / "on_switch").touch(0o755)
    (folder / "replicator.toml").write_text(
        f"""
        [migration]
        name = "bench"
        transforms = "transforms.py"
        state_database = "{STATE}"
        [source]
        url = "{source.url(DATABASE)}"
        password_file = "{source.password_file}"
        [target]
        url = "{target.url(DATABASE)}"
        password_file = "{target.password_file}"
        [http]
        listen = "off"
        [control]
        socket = "control"
        [cutover]
        mode = "hooks"
        """
    )
    return load(folder / "replicator.toml", os.environ)


def begin_state(config: Config, writer: Connection) -> None:
    """The state of a migration that begins, whatever an earlier one left."""
    execute(writer, f"DROP DATABASE IF EXISTS {STATE}")
    of(config).create(writer)
    of(config).begin(writer, {})
