"""A source, and the migrations that carry its tables in several ways at once, phase by phase in this process."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from replicator.config import load
from replicator.demo.servers import Server
from replicator.migration import Migration
from replicator.mysql.connection import Connection, execute, rows
from replicator.mysql.sql import quote
from replicator.progress import Progress
from tests.differential.daemon import write_folder


@dataclass(frozen=True, slots=True)
class Way:
    """One migration of the source, and where it writes."""

    name: str
    migration: Migration
    database: str
    state: str

    def copy(self) -> None:
        """What stands in the source now arrives by SELECT."""
        self.migration.copy()

    def catch_up(self) -> None:
        """What was written since `begin` arrives by row images, set whatever stands there."""
        self.migration.catch_up()
        self.migration.build()

    def follow(self) -> None:
        """What was written since arrives by row images, exactly; then everything is verified."""
        self.migration.replicate(once=True)


def begin(name: str, server: Server, source: str, target: str, folder: Path, *, transforms: str, schema: Sequence[str]) -> Way:
    """Prepare a migration: its LOW is before everything that is written from now on."""
    state = f"{target}_state"
    write_folder(
        folder,
        name=name,
        state=state,
        transforms=transforms,
        schema=";\n".join([*schema, ""]),
        source=(server, source),
        target=(server, target),
    )
    migration = Migration(load(folder / "replicator.toml", {}), Progress(name), threading.Event())
    migration.prepare()
    return Way(name, migration, target, state)


def forget(connection: Connection, way: Way) -> None:
    """Drop the state; the databases are their fixture's."""
    execute(connection, f"DROP DATABASE IF EXISTS {quote(way.state)}")


def charsets(connection: Connection) -> list[str]:
    """Of the server."""
    names = (name for (name,) in rows(connection, "SELECT character_set_name FROM information_schema.character_sets"))
    return [{"utf8": "utf8mb3"}.get(name, name) for name in names]
