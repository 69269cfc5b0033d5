"""Fixtures of the binlog reader's tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from replicator.demo.servers import Server
from replicator.mysql.connection import Connection
from tests.binlog.reading import Story


@pytest.fixture
def story(server: Server, database: Callable[..., str], connect: Callable[..., Connection]) -> Story:
    """A new database on each flavour, and a lenient session in it that runs in UTC."""
    connection = connect(server, database(server))
    with connection.cursor() as cursor:
        cursor.execute("SET sql_mode = '', time_zone = '+00:00'")
    return Story(server, connection)
