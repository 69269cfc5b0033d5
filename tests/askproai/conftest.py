"""The legacy and the new schema, and sample data, on both servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pymysql.constants import CLIENT

from replicator.demo.data import generate
from replicator.demo.servers import Server
from replicator.mysql.connection import Connection

ROOT = Path(__file__).parents[2]

Connect = Callable[..., Connection]


def load_schema(connection: Connection, folder: str) -> None:
    """Run every file of schema/`folder` in the connection's database."""
    for file in sorted((ROOT / "schema" / folder).glob("*.sql")):
        with connection.cursor() as cursor:
            cursor.execute(file.read_text(encoding="utf-8"))
            while cursor.nextset():
                pass


@pytest.fixture
def legacy(server: Server, database: Callable[..., str], connect: Connect) -> str:
    """A database with the empty legacy schema."""
    name = database(server, "askproai_db")
    load_schema(connect(server, name, client_flag=CLIENT.MULTI_STATEMENTS), "source")
    return name


@pytest.fixture
def new(server: Server, database: Callable[..., str], connect: Connect) -> str:
    """A database with the empty new schema."""
    name = database(server, "askproai_migration")
    load_schema(connect(server, name, client_flag=CLIENT.MULTI_STATEMENTS), "target")
    return name


@pytest.fixture
def filled(server: Server, legacy: str) -> str:
    """The legacy schema with a little sample data."""
    generate(server.connect_args(), legacy, scale=0.02, seed=3)
    return legacy
