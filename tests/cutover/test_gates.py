"""Every gate closes for its reason, says what to do, and opens when that is done; a dry run changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from replicator.cutover.gates import gates
from replicator.demo.servers import Server
from replicator.errors import CutoverUndone
from replicator.mysql.connection import Connection, execute, rows
from replicator.progress import Gate, Progress
from tests.cutover.world import CopyingStream, World, make_world


@pytest.fixture
def world(server: Server, database: Callable[..., str], tmp_path: Path) -> World:
    return make_world(server, database, tmp_path)


def closed(world: World, progress: Progress | None = None, stream: CopyingStream | None = None) -> dict[str, Gate]:
    stream, progress = stream or CopyingStream(world), progress or world.progress()
    found = gates(world.config, world.plan, world.moves, stream, progress, max_freeze=5.0)
    return {gate.name: gate for gate in found if not gate.ok}


def put_aside(world: World) -> None:
    """Three rows are in quarantine."""
    world.execute(
        f"INSERT INTO {world.config.migration.state_database}.quarantine (migration, transform, unit, unit_key, table_name,"
        f" row_key, reason, since) SELECT '{world.config.migration.name}', 'orders', n, '[]', 'orders', n, '', NOW() FROM"
        " (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3) AS three"
    )


def test_gates_of_tables(world: World, connect: Callable[..., Connection]) -> None:
    source, target, archive = world.source, world.target, world.archive
    assert not closed(world)
    obstacles = {
        "archive": (f"CREATE TABLE {archive}.orders (id int)", f"DROP TABLE {archive}.orders"),
        "unmapped": (f"CREATE TABLE {source}.forgotten (id int)", f"DROP TABLE {source}.forgotten"),
        "engines": (f"ALTER TABLE {source}.old_00 ENGINE = MyISAM", f"ALTER TABLE {source}.old_00 ENGINE = InnoDB"),
        "triggers": (
            f"CREATE TRIGGER {source}.watch AFTER INSERT ON {source}.orders FOR EACH ROW SET @x = 1",
            f"DROP TRIGGER {source}.watch",
        ),
        "foreign keys": (
            f"ALTER TABLE {source}.sessions ADD CONSTRAINT ties FOREIGN KEY (id) REFERENCES {source}.customers (id)",
            f"ALTER TABLE {source}.sessions DROP FOREIGN KEY ties",
        ),
        "views": (f"CREATE VIEW {source}.recent AS SELECT id FROM {source}.old_01", f"DROP VIEW {source}.recent"),
        "events": (
            f"CREATE TRIGGER {source}.copy AFTER INSERT ON {source}.sessions FOR EACH ROW INSERT INTO old_01 VALUES (1)",
            f"DROP TRIGGER {source}.copy",
        ),
        "orphans": (
            f"SET foreign_key_checks = 0; INSERT {target}.orders (parent, note) VALUES (7, ''); SET foreign_key_checks = 1",
            f"DELETE FROM {target}.orders",
        ),
        "tables": (f"RENAME TABLE {source}.old_00 TO {source}.old_x", f"RENAME TABLE {source}.old_x TO {source}.old_00"),
    }
    connection = connect(world.server)
    for name, (hinder, undo) in obstacles.items():
        for statement in hinder.split("; "):
            execute(connection, statement)
        found = closed(world)
        assert name in found, f"{name}: {found}"
        assert found[name].fix
        assert found.keys() <= {name, "unmapped"}
        execute(connection, undo)
    assert not closed(world)


def test_views_that_work_on_both_schemas_pass(world: World) -> None:
    world.execute(f"CREATE VIEW {world.source}.both_ways AS SELECT o.id, c.note FROM {world.source}.orders o"
                  f" JOIN {world.source}.customers c ON c.id = o.parent")  # fmt: skip
    assert not closed(world)
    world.execute(f"ALTER TABLE {world.target}.customers CHANGE note remark varchar(40) NOT NULL")
    assert "customers" in closed(world)["views"].value or "note" in closed(world)["views"].value
    world.execute(f"DROP VIEW {world.source}.both_ways")
    world.execute(f"CREATE VIEW {world.target}.early AS SELECT id FROM {world.target}.orders")
    assert "leaves" in closed(world)["views"].value
    world.execute(f"DROP VIEW {world.target}.early")


def test_gates_of_the_migration(world: World, connect: Callable[..., Connection]) -> None:
    fresh = Progress("shop")
    fresh.enter("replicating")
    assert closed(world, fresh).keys() == {"verified"}
    different = world.progress()
    different.verified("orders", 5, 1)
    assert "orders differ" in closed(world, different)["verified"].value
    copying = world.progress()
    copying.enter("copying")
    assert closed(world, copying).keys() == {"phase"}
    paused = world.progress()
    paused.paused()
    assert "`replicator resume`" in closed(world, paused)["phase"].fix
    put_aside(world)
    assert closed(world)["quarantine"].value == "3 rows"
    world.execute(f"DELETE FROM {world.config.migration.state_database}.quarantine")

    class Late(CopyingStream):
        def lag_seconds(self) -> float | None:
            return None

    assert closed(world, stream=Late(world))["lag"].value == "unknown"
    connection = connect(world.server, world.source)
    for statement in ("XA START 'left'", "INSERT INTO orders (note) VALUES ('x')", "XA END 'left'", "XA PREPARE 'left'"):
        execute(connection, statement)
    try:
        assert "left" in closed(world)["open XA"].value
        with pytest.raises(CutoverUndone, match="open XA: left"):
            world.cutover()
    finally:
        execute(connection, "XA ROLLBACK 'left'")
    assert not world.switched()


def test_a_backup_is_named(world: World, connect: Callable[..., Connection]) -> None:
    backup = connect(world.server)
    execute(backup, "FLUSH TABLES WITH READ LOCK")
    time.sleep(1.2)  # MySQL tells whole seconds
    found = gates(world.config, world.plan, world.moves, CopyingStream(world), world.progress(), max_freeze=0.1)
    assert "the whole server" in next(gate for gate in found if gate.name == "long transactions").value
    execute(backup, "UNLOCK TABLES")


def test_a_dry_run_tells_every_step_and_changes_nothing(world: World) -> None:
    told: list[str] = []
    with world.connection() as connection:
        before = rows(connection, "SHOW DATABASES")
        world.cutover(dry_run=True, report=lambda step, *_: told.append(step))
        assert rows(connection, "SHOW DATABASES") == before
    steps = ["prepare", "intent", "freeze", "drain", "prove", "switch", "archive", "done"]
    assert [step for step in told if step != "gate"] == ["gates", *steps]
    assert not world.switched()
    told.clear()
    progress = world.progress()
    put_aside(world)
    with pytest.raises(CutoverUndone, match="quarantine: 3 rows"):
        world.cutover(dry_run=True, progress=progress, report=lambda step, message, _: told.append(f"{step} {message}"))
    assert any(line.startswith("gate CLOSED quarantine: 3 rows") for line in told)
    assert told[-1].startswith("done")
