"""The switch under traffic: no acknowledged write is lost, no client gets an error."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pymysql
import pytest

from replicator.demo.servers import Server
from replicator.mysql.connection import execute, rows
from tests.cutover.world import WRITTEN, Clients, CopyingStream, make_world


def test_every_acknowledged_write_is_in_the_new_tables(server: Server, database: Callable[..., str], tmp_path: Path) -> None:
    world = make_world(server, database, tmp_path)
    stream = CopyingStream(world)
    steps: list[tuple[str, str, float | None]] = []
    with Clients(world) as clients:
        time.sleep(0.5)
        clients.forget_times()
        outcome = world.cutover(stream, report=lambda *step: steps.append(step))
        before = clients.count
        time.sleep(0.3)
        assert clients.count > before
    assert outcome is not None
    assert [step for step, _, _ in steps] == [
        "gates", "prepare", "intent", "freeze", "drain", "prove", "numbers", "switch", "archive",
    ]  # fmt: skip
    assert world.switched()
    assert stream.stopped
    clients.check()
    assert not clients.errors
    with world.connection() as connection:
        references = rows(
            connection,
            "SELECT table_schema, table_name, referenced_table_schema, referenced_table_name"
            " FROM information_schema.key_column_usage WHERE referenced_table_name IS NOT NULL AND table_schema IN (%s, %s)",
            (world.source, world.archive),
        )
        assert set(references) == {
            (schema, table, schema, parent) for schema in (world.source, world.archive) for parent, table in pairwise(WRITTEN)
        }
        with pytest.raises(pymysql.err.IntegrityError):
            execute(connection, f"INSERT INTO {world.source}.orders (parent, note) VALUES (1000000, 'orphan')")
