"""Bad rows are set aside, named, kept out of the target, and come back when what is wrong with them is mended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from replicator.binlog.safe_position import current_position
from replicator.config import load
from replicator.cutover.gates import _quarantine as quarantine_gate
from replicator.demo.servers import Server
from replicator.errors import BadRow, ReplicatorError, VerificationFailed, WrongState
from replicator.migration import Migration
from replicator.mysql.connection import Connection, execute, rows
from replicator.progress import Progress
from replicator.verify.repair import repair

SOURCE = (
    "CREATE TABLE thing (id INT PRIMARY KEY, word VARCHAR(40), code VARCHAR(20), number INT NOT NULL DEFAULT 0, owner INT)",
    "CREATE TABLE owner (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL)",
    "CREATE TABLE member (id INT PRIMARY KEY, team VARCHAR(10) NOT NULL, role VARCHAR(10) NOT NULL)",
)
TARGET = (
    """CREATE TABLE thing (id INT PRIMARY KEY, word VARCHAR(10) NOT NULL, code VARCHAR(20) NULL UNIQUE,
    number TINYINT UNSIGNED NOT NULL, CONSTRAINT unlucky CHECK (number <> 13))""",
    "CREATE TABLE owned (id INT PRIMARY KEY, owner VARCHAR(8) NULL)",
    "CREATE TABLE team (team VARCHAR(10) NOT NULL, role VARCHAR(10) NOT NULL, PRIMARY KEY (team, role))",
)
TRANSFORMS = '''
from replicator import one, transform

@transform("thing")
def thing(row):
    if row.word == "raise":
        raise LookupError("no such word")
    if row.word == "list":
        return [{"id": row.id}, 7]
    if row.word == "wrong":
        return {"id": row.id, "words": row.word, "code": row.code, "number": row.number}
    return {"id": row.id, "word": row.word, "code": row.code, "number": row.number}

@transform("owned", source="thing", related={"owner": one("owner", where={"id": "owner"})})
def owned(row, owner):
    if owner is not None and owner.name == "raise":
        raise LookupError("no such owner")
    return {"id": row.id, "owner": owner.name if owner is not None else None}

@transform("team", source="member", group_by=["team"], key={"team": "team"})
def team(rows):
    if any(row.role == "raise" for row in rows):
        raise LookupError("no such role")
    return [{"team": rows[0].team, "role": row.role} for row in rows]
'''
ORACLE = {
    "thing": "SELECT id, word, code, number FROM thing",
    "owned": "SELECT t.id, o.name FROM thing t LEFT JOIN owner o ON o.id = t.owner",
    "team": "SELECT (SELECT team FROM member f WHERE f.team = m.team ORDER BY id LIMIT 1), role FROM member m",
}
KEY = {"thing": "id", "owned": "id", "team": "team"}


class World:
    """One migration and its daemon's thread."""

    def __init__(self, server: Server, names: dict[str, str], folder: Path, connect: Callable[..., Connection]) -> None:
        self.source, self.target = (connect(server, names[role]) for role in ("source", "target"))
        for connection, script in ((self.source, SOURCE), (self.target, TARGET)):
            for statement in script:
                execute(connection, statement)
        self._folder = folder
        self.rewrite(TRANSFORMS)
        (folder / "replicator.toml").write_text(
            f'[migration]\nname = "aside"\ntransforms = "transforms.py"\nstate_database = "{names["state"]}"\n'
            '[stream]\non_bad_row = "quarantine"\n'
            + "".join(
                f'[{role}]\nurl = "{server.url(names[role])}"\npassword_file = "{server.password_file}"\n'
                for role in ("source", "target")
            )
        )
        self.error: BaseException | None = None

    def rewrite(self, transforms: str) -> None:
        (self._folder / "transforms.py").write_text(transforms)

    def switch(self, mode: str) -> None:
        path = self._folder / "replicator.toml"
        path.write_text(path.read_text().replace('"quarantine"', f'"{mode}"'))

    @contextmanager
    def running(self) -> Iterator[World]:
        """Until everything is copied, current and compared once; then it goes on in its thread."""
        self.progress = Progress("aside")
        self.migration = Migration(load(self._folder / "replicator.toml", {}), self.progress)
        ended = threading.Event()

        def run() -> None:
            try:
                self.migration.run(once=False)
            except BaseException as error:
                self.error = error
            ended.set()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            while not self._verified():
                assert not ended.wait(0.05), self.error
            yield self
        finally:
            self.migration.stop.set()
            thread.join(60)
            assert not thread.is_alive()

    def _verified(self) -> bool:
        try:
            self.migration.exact()
        except WrongState:
            return False
        return all(table["verified_at"] for table in self.progress.snapshot()["tables"])

    def write(self, *statements: str) -> None:
        execute(self.source, "BEGIN")
        for statement in statements:
            execute(self.source, statement)
        self.source.commit()

    def aside(self) -> dict[tuple[str, str], tuple[str | None, str]]:
        """(table, key) → (column, reason), once the stream has caught up."""
        _, stream = self.migration.exact()
        assert stream.wait_applied(current_position(self.source), 30)
        state = self.migration.state
        found = rows(self.target, f"SELECT table_name, row_key, column_name, reason FROM {state.table('quarantine')}")
        return {(table, key): (column, reason) for table, key, column, reason in found}

    def check(self, **missing: set[Any]) -> None:
        """The target is the oracle's, without these units, which are in quarantine; verification says the same."""
        aside = self.aside()
        for table, query in ORACLE.items():
            out = missing.get(table, set())
            expected = [row for row in rows(self.source, query) if row[0] not in out]
            assert sorted(map(repr, rows(self.target, f"SELECT * FROM {table}"))) == sorted(map(repr, expected)), table
            assert len([1 for name, _ in aside if name == table]) == len(out), aside
        verifier, _ = self.migration.exact()
        report = verifier.verify()
        assert report.ok, report.summary()
        assert {name: one.quarantined for name, one in report.tables.items()} == {
            table: len(missing.get(table, ())) for table in ORACLE
        }
        gate = quarantine_gate(self.migration.config, self.target)
        assert gate.ok == (not aside)


@pytest.fixture
def world(server: Server, database: Callable[..., str], tmp_path: Path, connect: Callable[..., Connection]) -> World:
    names = {role: database(server, role) for role in ("source", "target", "state")}
    return World(server, names, tmp_path, connect)


BAD = (
    "INSERT INTO owner VALUES (1, 'good'), (2, 'raise'), (3, 'far too long')",
    """INSERT INTO thing VALUES (1, 'fine', 'a', 1, 1), (2, 'raise', 'b', 2, NULL), (3, 'wrong', 'c', 3, 1),
    (4, 'longer than ten', 'd', 4, 1), (5, 'large', 'e', 300, 1), (6, 'unlucky', 'f', 13, 1), (7, NULL, 'g', 7, 1),
    (8, 'other', 'h', 8, 2), (9, 'third', 'i', 9, 3), (10, 'list', 'j', 9, 1)""",
    """INSERT INTO member VALUES (1, 'red', 'a'), (2, 'red', 'raise'), (3, 'blue', 'b'), (4, 'blue', 'c'), (5, 'green', 'd'),
    (6, 'green', 'd'), (7, 'grey', 'e')""",
)
BAD_THINGS = {2, 3, 4, 5, 6, 7, 10}
MEND = (
    "UPDATE thing SET word = 'mended', number = 12 WHERE id IN (2, 3, 4, 5, 6, 7, 10)",
    "UPDATE owner SET name = 'kept' WHERE id IN (2, 3)",
    "UPDATE member SET role = 'fine' WHERE id = 2",
    "DELETE FROM member WHERE id = 6",
)


def reasons(world: World) -> None:
    """Table, key, column and reason of each."""
    aside = world.aside()
    found = {(table, int(key.partition("=")[2])): what for (table, key), what in aside.items() if table == "thing"}
    assert found.keys() == {("thing", number) for number in BAD_THINGS}
    assert "LookupError" in found["thing", 2][1]
    assert "no such word" not in str(found["thing", 2]) or found["thing", 2][0] is None
    assert found["thing", 3][0] == "word"
    assert found["thing", 4][0] == "word"
    assert found["thing", 5][0] == "number"
    assert "check constraint" in found["thing", 6][1] or "3819" in found["thing", 6][1] or "4025" in found["thing", 6][1]
    assert found["thing", 7][0] == "word"
    assert "return a dict" in found["thing", 10][1] or found["thing", 10][0] is not None


def test_bad_rows_of_the_copy(world: World) -> None:
    world.write(*BAD)
    with world.running():
        world.check(thing=BAD_THINGS, owned={8, 9}, team={"red", "green"})
        reasons(world)
    with world.running():  # a restart changes nothing
        world.check(thing=BAD_THINGS, owned={8, 9}, team={"red", "green"})
        world.write(*MEND)
        world.check()
        assert world.progress.snapshot()["phase"] == "replicating"


def test_bad_rows_of_the_stream(world: World) -> None:
    with world.running():
        world.write(*BAD)
        world.check(thing=BAD_THINGS, owned={8, 9}, team={"red", "green"})
        reasons(world)
        awaited = threading.Event()
        while (status := world.progress.snapshot())["quarantined_rows"] != len(BAD_THINGS) + 4:
            awaited.wait(0.05)
        assert {entry["table"] for entry in status["quarantine"]} == {"thing", "owned", "team"}
        assert all(entry["key"] and entry["reason"] and entry["since"] for entry in status["quarantine"])
        world.write("UPDATE thing SET owner = 1 WHERE id = 8", "UPDATE member SET team = 'blue' WHERE id = 2",
                    "UPDATE member SET role = 'new' WHERE id = 6")  # fmt: skip
        world.check(thing=BAD_THINGS, owned={9}, team={"blue"})
        world.write(*MEND)
        world.check()
        world.write("UPDATE thing SET word = 'raise' WHERE id IN (1, 2)", "UPDATE member SET role = 'raise' WHERE id = 3")
        world.check(thing={1, 2}, team={"blue"})
        world.write("DELETE FROM thing WHERE id = 1", "DELETE FROM member WHERE team = 'blue'")
        world.check(thing={2})
    with world.running():
        world.write("UPDATE thing SET word = 'again', id = 20 WHERE id = 2")
        world.check()


def test_a_collision_is_over_when_the_other_row_gives_way(world: World) -> None:
    with world.running():
        world.write("INSERT INTO thing VALUES (1, 'one', 'same', 1, NULL), (2, 'two', 'two', 2, NULL)")
        world.check()
        world.write("UPDATE thing SET code = 'same' WHERE id = 2", "INSERT INTO thing VALUES (3, 'three', 'SAME', 3, NULL)")
        aside = world.aside()
        assert len(aside) == 2
        assert all("unique key" in reason for _, reason in aside.values())
        world.check(thing={2, 3})
    with world.running():
        world.write("UPDATE thing SET code = 'other' WHERE id = 1")
        assert len(world.aside()) == 1
        world.write("DELETE FROM thing WHERE id = 2", "UPDATE thing SET number = 4 WHERE id = 3")
        world.check()


def test_a_corrected_transform_and_a_repair_bring_rows_back(world: World) -> None:
    world.write(*BAD)
    with world.running():
        world.check(thing=BAD_THINGS, owned={8, 9}, team={"red", "green"})
    world.rewrite(TRANSFORMS.replace('row.word == "raise"', "False").replace('owner.name == "raise"', "False"))
    with world.running():
        world.check(thing=BAD_THINGS, owned={8, 9}, team={"red", "green"})
        verifier, stream = world.migration.exact()
        migration = world.migration
        repair(migration.config, migration.plan, verifier.verify(), stream, world.progress, migration.stop)
        world.check(thing=BAD_THINGS - {2}, owned={9}, team={"red", "green"})
        world.write(*MEND)
        world.check()


def test_rows_that_the_copy_hid_behind_one_another(world: World) -> None:
    world.write("INSERT INTO thing VALUES (1, 'one', 'same', 1, NULL), (2, 'two', 'same', 2, NULL), (3, 'three', 'c', 3, NULL)")
    with world.running():
        verifier, stream = world.migration.exact()
        report = verifier.verify()
        migration = world.migration
        if not report.ok:
            report = repair(migration.config, migration.plan, report, stream, world.progress, migration.stop)
        assert report.ok, report.summary()
        ((_, key), (_, reason)) = next(iter(world.aside().items()))
        assert "unique key" in reason
        world.check(thing={int(key.partition("=")[2])})
        world.write("UPDATE thing SET code = id")
        world.check()


def test_two_spellings_of_a_unit_beside_a_bad_one(world: World) -> None:
    """Only the bad one is set aside."""
    with world.running():
        teams = "abcdefgh"
        values = [f"({number}, '{team}', 'x{number}')" for number, team in enumerate((*teams, *teams.upper()))]
        world.write(f"INSERT INTO member VALUES {', '.join(values)}, (100, 'z', 'raise')")
        assert set(world.aside()) == {("team", "team='z'")}
        assert len(rows(world.target, "SELECT * FROM team")) == len(values)


def test_a_group_is_mended_by_any_spelling_of_its_key(world: World) -> None:
    """Also where it was named by another one when it was set aside, by the row that names it or by what the target refuses."""
    with world.running():
        world.write("INSERT INTO member VALUES (1, 'Red', 'raise'), (3, 'Blue', 'a'), (5, 'grey', 'raise')")
        world.write("INSERT INTO member VALUES (2, 'red', 'x'), (4, 'blue', 'a'), (6, 'Grey', 'raise')")
        world.check(team={"Red", "Blue", "grey"})
        world.write("UPDATE member SET role = 'raise' WHERE id = 4", "DELETE FROM member WHERE id = 5")
        world.check(team={"Red", "Blue", "Grey"})
        world.write("UPDATE member SET role = 'b' WHERE id = 3")
        world.check(team={"Red", "Blue", "Grey"})
        world.write("UPDATE member SET role = 'fine' WHERE id IN (1, 4)", "DELETE FROM member WHERE id = 6")
        world.check()


def test_a_proof_fails_while_a_row_is_set_aside(world: World) -> None:
    with world.running():
        world.write("INSERT INTO thing VALUES (1, 'raise', 'a', 1, NULL)")
        world.check(thing={1})
        verifier, _ = world.migration.exact()
        with pytest.raises(VerificationFailed, match="quarantine"):
            verifier.prove(world.source)
        world.write("DELETE FROM thing")
        world.check()
        assert verifier.prove(world.source).ok


@pytest.mark.parametrize("values", ["6, 'x', 'f', 13, 1", "2, 'raise', '', 1, 1"])
def test_stop_names_the_same(world: World, values: str) -> None:
    world.switch("stop")
    with world.running():
        _, stream = world.migration.exact()
        world.write(f"INSERT INTO thing VALUES ({values})")
        with pytest.raises(ReplicatorError) as stopped:
            stream.wait_applied(current_position(world.source), 30)
        assert isinstance(stopped.value, BadRow)
        assert stopped.value.exit_code == 3
        assert stopped.value.table == "thing"
        assert "id=" in stopped.value.key
        assert "stream.on_bad_row=quarantine" in str(stopped.value)
    world.error = None
