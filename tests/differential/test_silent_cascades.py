"""What foreign keys do between LOW and the copy, without a word in the binlog: step by step, where chance would take long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from replicator.binlog.safe_position import begin_snapshot
from replicator.config import load
from replicator.demo.servers import Server
from replicator.migration import Migration
from replicator.mysql.connection import Connection, connected, execute, rows, value
from replicator.mysql.position import Position
from replicator.progress import Progress
from tests.differential.daemon import write_folder
from tests.differential.oracle import run_script

SOURCE = """
CREATE TABLE parents (id int NOT NULL PRIMARY KEY);
CREATE TABLE children (
  parent int NOT NULL, number int NOT NULL, name varchar(9) NOT NULL, PRIMARY KEY (parent, number),
  FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE friends (
  id int NOT NULL PRIMARY KEY, parent int NULL,
  FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE TABLE toys (
  id int NOT NULL PRIMARY KEY, parent int NOT NULL, number int NOT NULL,
  FOREIGN KEY (parent, number) REFERENCES children (parent, number) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE leaves (
  id int NOT NULL PRIMARY KEY, parent int NOT NULL, number int NOT NULL,
  FOREIGN KEY (parent, number) REFERENCES children (parent, number) ON DELETE CASCADE
);
INSERT INTO parents VALUES (1), (2), (3), (4), (5), (50), (51);
INSERT INTO children VALUES (1, 1, 'a'), (2, 1, 'b'), (2, 2, 'c'), (3, 1, 'd'), (5, 1, 'e'), (50, 1, 'f'), (51, 1, 'g');
INSERT INTO leaves VALUES (1, 51, 1);
INSERT INTO friends VALUES (1, 1), (2, 2), (3, 3), (5, 5);
INSERT INTO toys VALUES (1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 3, 1), (5, 5, 1);
"""
TARGET = """
CREATE TABLE children (parent int NOT NULL, number int NOT NULL, name varchar(9) NOT NULL, PRIMARY KEY (parent, number));
CREATE TABLE friends (id int NOT NULL PRIMARY KEY, parent int NULL);
CREATE TABLE leaves (id int NOT NULL PRIMARY KEY, parent int NOT NULL, number int NOT NULL);
CREATE TABLE toys (id int NOT NULL PRIMARY KEY, parent int NOT NULL, number int NOT NULL, child varchar(9) NULL);
"""
TRANSFORMS = """
from replicator import copy_table, drop_table, one, transform

copy_table("children")
copy_table("friends")
copy_table("leaves")
drop_table("parents", reason="of no use any more")

@transform("toys", related={"child": one("children", where={"parent": "parent", "number": "number"})})
def toys(row, child):
    return {"id": row.id, "parent": row.parent, "number": row.number, "child": child.name if child else None}
"""
ORACLE = {
    "children": "SELECT parent, number, name FROM children",
    "friends": "SELECT id, parent FROM friends",
    "leaves": "SELECT id, parent, number FROM leaves",
    "toys": "SELECT t.id, t.parent, t.number, c.name FROM toys t JOIN children c"
    " ON c.parent = t.parent AND c.number = t.number",
}
STORIES = {
    "a parent goes and another takes its key": ["DELETE FROM parents WHERE id = 2", "UPDATE parents SET id = 2 WHERE id = 3"],
    "two parents swap their keys": [
        "UPDATE parents SET id = 9 WHERE id = 1",
        "UPDATE parents SET id = 1 WHERE id = 2",
        "UPDATE parents SET id = 2 WHERE id = 9",
    ],
    "a child moves to a parent that was gone before, and takes its toys along": [
        "DELETE FROM parents WHERE id = 1",
        "INSERT INTO parents VALUES (1)",
        "UPDATE children SET parent = 1 WHERE parent = 5",
        "UPDATE friends SET parent = 1 WHERE id = 3",
    ],
    "a leaf appears and goes with its grandparent": [
        "INSERT INTO leaves VALUES (2, 50, 1), (3, 50, 1), (4, 51, 1)",
        "UPDATE leaves SET parent = 50 WHERE id = 1",
        "DELETE FROM parents WHERE id = 50",
    ],
    "a friend goes and comes back": ["DELETE FROM parents WHERE id = 5", "INSERT INTO parents VALUES (5)"],
}


@pytest.mark.parametrize("story", STORIES)
def test_before_the_copy(
    story: str, mariadb: Server, database: Callable[..., str], connect: Callable[..., Connection], tmp_path: Path
) -> None:
    """The replay of what happened before the copy does not happen to the copied rows again."""
    source, target = database(mariadb, "source"), database(mariadb, "target")
    session = connect(mariadb, source)
    run_script(session, SOURCE)
    folder = tmp_path / "migration"
    write_folder(folder, name="cascades", state=f"{source}_state", transforms=TRANSFORMS, schema=TARGET,
                 source=(mariadb, source), target=(mariadb, target))  # fmt: skip
    migration = Migration(load(folder / "replicator.toml", {}), Progress("cascades"), threading.Event())
    try:
        migration.prepare()
        for statement in STORIES[story]:
            execute(session, statement)
        migration.copy()
        execute(session, "INSERT INTO parents VALUES (77)")
        migration.catch_up()
        migration.build()
        for table, query in ORACLE.items():
            assert set(rows(session, f"SELECT * FROM {target}.{table}")) == set(rows(session, query)), table
    finally:
        execute(session, f"DROP DATABASE {source}_state")


def test_position_of_a_snapshot(server: Server, database: Callable[..., str], connect: Callable[..., Connection]) -> None:
    """A snapshot sees exactly what stands before its position, also while others commit."""
    name = database(server)
    execute(connect(server, name), "CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, x int)")
    ending = threading.Event()

    def write(session: Connection) -> None:
        while not ending.is_set():
            execute(session, "INSERT INTO t (x) VALUES (1)")

    writers = [threading.Thread(target=write, args=(connect(server, name),)) for _ in range(2)]
    for writer in writers:
        writer.start()
    seen: list[tuple[Position, int]] = []
    for _ in range(15):
        endpoint = server.endpoint("source", name)
        with connected(endpoint) as session, connected(endpoint) as locking:
            position = begin_snapshot(session, [f"`{name}`.t"], locking)
            seen.append((position, int(value(session, "SELECT COUNT(*) FROM t"))))
    ending.set()
    for writer in writers:
        writer.join()
    file = seen[0][0].file
    assert {position.file for position, _ in seen} == {file}
    events = rows(connect(server), f"SHOW BINLOG EVENTS IN '{file}'")
    mapped = {int(event[4]) for event in events if event[2].startswith("Write_rows") and _of(events, event, name)}
    before = seen[0][1] - sum(end <= seen[0][0].pos for end in mapped)
    for position, count in seen:
        assert count == before + sum(end <= position.pos for end in mapped)


def _of(events: tuple[tuple[object, ...], ...], event: tuple[object, ...], schema: str) -> bool:
    """Whether the table map in front of a rows event is one of the schema."""
    index = events.index(event)
    return any(f"({schema}.t)" in str(other[5]) for other in events[max(0, index - 2) : index])
