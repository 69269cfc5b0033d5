"""How a verification goes about it: never vacuous, never fooled by what moves, and on through lost connections."""

from __future__ import annotations

from typing import Any

import pytest

from replicator.errors import ConfigError, Interrupted, SourceConnectionLost, VerificationFailed, WrongState
from replicator.mysql.catalog import read_tables
from replicator.mysql.connection import execute, rows, value
from replicator.mysql.equality import equal_keys
from replicator.transform import ranges
from replicator.verify import passes, walk
from replicator.verify.compare import Comparer
from replicator.verify.key_values import KeyFilter
from tests.conftest import ServerPair
from tests.verify.conftest import NewScene, Scene
from tests.verify.test_verify import FILL, SOURCE, TARGET, TRANSFORMS, found


@pytest.fixture
def whole(scene: NewScene, server_pair: ServerPair) -> Scene:
    return scene(server_pair, SOURCE, TARGET + FILL, TRANSFORMS)


def index_of(scene: Scene, name: str) -> int:
    return [transform.name for transform in scene.plan.transforms].index(name)


def test_comparing_nothing_is_a_failure(whole: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    real = walk.full_pass
    monkeypatch.setattr(passes, "full_pass", lambda *args, **more: real(*args, **more)[1:])
    with pytest.raises(VerificationFailed, match="nothing was compared of kinds"):
        whole.verify()
    assert not whole.log.open


def test_empty_tables_are_compared_too(whole: Scene) -> None:
    execute(whole.source, "DELETE FROM booking")
    execute(whole.target, "DELETE FROM booking")
    report = whole.verify(tables=["booking"])
    assert (report.ok, report.tables["booking"].rows) == (True, 0)
    execute(whole.target, "INSERT INTO booking VALUES (1, NULL, NULL, NULL)")
    assert found(whole.verify(tables=["booking"])) == [("booking", "id=1", "extra", ())]


def test_an_unknown_table_is_named(whole: Scene) -> None:
    with pytest.raises(ConfigError, match="no transform writes bookings; verified are kinds, tenant"):
        whole.verify(tables=["bookings", "tenant"])


def test_more_touched_than_can_be_remembered(whole: Scene) -> None:
    whole.log.units = None
    with pytest.raises(WrongState, match="more units than can be remembered"):
        whole.verify()
    assert not whole.log.open


def test_stops_when_told(whole: Scene) -> None:
    whole.stop.set()
    with pytest.raises(Interrupted):
        whole.verify()
    assert not whole.log.open


@pytest.mark.parametrize("at_once", [1, 3])
def test_goes_on_with_new_snapshots(whole: Scene, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """Each window sees one step only; what it has compared stays compared."""
    monkeypatch.setattr(passes, "WINDOW", 0.0)
    monkeypatch.setattr(ranges, "MOST_ROWS", at_once)
    monkeypatch.setattr(ranges, "FEWEST_ROWS", 1)
    execute(whole.target, "UPDATE booking SET note = 'wrong' WHERE id = 14")
    report = whole.verify()
    assert found(report) == [("booking", "id=14", "different", ("note",))]
    counted = {name: int(value(whole.target, f"SELECT COUNT(*) FROM {name}")) for name in report.tables}
    assert {name: table.rows for name, table in report.tables.items()} == counted | {"booking": 5 + 1}
    assert whole.log.barriers > 15


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_lost_connection_repeats_only_its_window(whole: Scene, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.setattr(ranges, "MOST_ROWS", 2)
    monkeypatch.setattr(ranges, "FEWEST_ROWS", 1)
    between, calls = Comparer.between, []

    def killing(self: Comparer, on: Any, *conditions: str) -> Any:
        calls.append(self.table)
        if len(calls) == 3:
            killed = on.source if end == "source" else on.target
            execute(whole.source if end == "source" else whole.target, f"KILL {killed.thread_id()}")
        return between(self, on, *conditions)

    monkeypatch.setattr(Comparer, "between", killing)
    report = whole.verify(tables=["booking", "live"])
    assert report.ok
    assert {name: table.rows for name, table in report.tables.items()} == {"booking": 5, "live": 3}
    assert whole.progress.snapshot()["last_error"]["error"] == f"{end.capitalize()}ConnectionLost"


def test_a_connection_that_never_holds_is_an_error(whole: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: Any) -> Any:
        raise SourceConnectionLost("source: gone")

    monkeypatch.setattr(Comparer, "between", lost)
    monkeypatch.setattr(passes, "TRIES", 2)
    with pytest.raises(SourceConnectionLost):
        whole.verify()
    assert not whole.log.open


def test_units_in_motion_are_pending_not_wrong(whole: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "ROUNDS", 2)
    execute(whole.target, "UPDATE booking SET note = 'newer' WHERE id IN (10, 11)")
    execute(whole.target, "INSERT INTO live VALUES (9, 'new')")
    whole.log.units = {index_of(whole, "booking"): {(10,)}, index_of(whole, "live (from service)"): {(9,)}}
    report = whole.verify()
    assert found(report) == [("booking", "id=11", "different", ("note",))]
    assert (report.mismatched, report.pending) == (1, 2)
    assert (report.tables["booking"].pending, report.tables["live"].pending) == (1, 1)
    assert "2 in motion" in report.summary()
    assert "booking, id=11: different in note" in report.summary()


def test_a_group_is_in_motion_by_any_spelling_of_its_key(whole: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "ROUNDS", 2)
    execute(whole.target, "DELETE FROM staff_skill WHERE staff IN ('Eva', 'Ärm')")
    whole.log.units = {index_of(whole, "staff_skill (from skill)"): {("eVA",), ("nobody",)}}
    report = whole.verify()
    assert found(report) == [("staff_skill", "id=5", "missing", ())]
    assert report.pending == 1


def test_servers_that_sort_keys_differently_are_found_out(scene: NewScene, server_pair: ServerPair) -> None:
    """The order of both sides is assumed to be one only where it must be; where that were wrong, rows would be passed over."""
    columns = "(id VARCHAR(10) COLLATE {} PRIMARY KEY, n INT NOT NULL);"
    source = f"CREATE TABLE word {columns.format('utf8mb4_bin')}"
    source += "INSERT INTO word VALUES ('a', 1), ('B', 2), ('c', 3), ('D', 4);"
    target = f"CREATE TABLE word {columns.format('utf8mb4_unicode_ci')}"
    made = scene(server_pair, source, target + "INSERT INTO word SELECT * FROM {source}.word;", 'copy_table("word")')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "MOST_ROWS", 1)
        patch.setattr(ranges, "FEWEST_ROWS", 1)
        assert made.verify().ok
        execute(made.target, "INSERT INTO word VALUES ('b2', 2)")
        assert found(made.verify()) == [("word", "id='b2'", "extra", ())]
        patch.setattr(walk, "sorted_alike", lambda *_, **__: True)
        with pytest.raises(VerificationFailed, match="sort the key"):
            made.verify()


def test_rows_that_the_transform_refuses_are_named(scene: NewScene, server_pair: ServerPair) -> None:
    table = "CREATE TABLE item (id INT PRIMARY KEY, n INT NOT NULL);"
    source = table + "INSERT INTO item VALUES (1, 1), (2, 0), (3, 3), (4, 0);"
    transforms = """
    @transform("item")
    def item(row):
        return {"id": row.id, "n": 6 // row.n}
    """
    made = scene(server_pair, source, table + "INSERT INTO item VALUES (1, 6), (3, 3), (4, 0);", transforms)
    report = made.verify()
    kinds = [(one.key, one.kind, one.columns, "ZeroDivisionError" in one.reason) for one in report.differences]
    assert sorted(kinds) == [
        ("id=2", "missing", (), True),
        ("id=3", "different", ("n",), False),
        ("id=4", "extra", (), False),
        ("id=4", "missing", (), True),
    ]


def test_json_is_compared_by_its_meaning(scene: NewScene, server_pair: ServerPair) -> None:
    table = "CREATE TABLE doc (id INT PRIMARY KEY, body JSON NOT NULL);"
    source = "CREATE TABLE doc (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL); INSERT INTO doc VALUES (1, 'Ä😀\"'), (2, '');"
    transforms = """
    @transform("doc")
    def doc(row):
        return {"id": row.id, "body": {"zz": row.name, "a": [1, 1.5, True, None, {"x": 18446744073709551615}]}}
    """
    body = """{"zz":%s,"a":[1,1.5,true,null,{"x":18446744073709551615}]}"""
    first, second = body % r'"Ä😀\\""', body % '""'
    target = f"{table}INSERT INTO doc VALUES (1, '{first}'), (2, '{second}');"
    made = scene(server_pair, source, target, transforms)
    assert found(made.verify()) == []
    reordered = """UPDATE doc SET body = '{"a": [1, 1.5, true, null, {"x": 18446744073709551615}], "zz": ""}' WHERE id = 2"""
    execute(made.target, reordered)
    assert made.verify().ok == (server_pair.target.flavour == "mysql")
    for wrong in ("[1.0,1.5,true,null]", "[1,1.5,1,null]", "[1,1.5,true,false]"):
        execute(made.target, f"""UPDATE doc SET body = '{{"a": {wrong}, "zz": ""}}' WHERE id = 2""")
        assert found(made.verify()) == [("doc", "id=2", "different", ("body",))]


def test_keys_between_columns(whole: Scene) -> None:
    tables = read_tables(whole.source, whole.config.source.database)
    latin, number = tables["tenant"].by_name["id"], tables["booking"].by_name["id"]
    keys = KeyFilter([latin, number])
    given: list[tuple[Any, ...]] = [("ä", 1), ("€", 2), ("😀", 3), ("a", "x"), ("a", 2**40), (None, 1), ("a" * 37, 1)]
    assert keys.held(whole.source, given) == [("ä", 1), ("€", 2)]
    staff = tables["skill"].by_name["staff"]
    these, those = [("'Eva'",), ("'Arm'",), ("NULL",), ("'x'",)], [("NULL",), ("'EVA'",), ("'ÄRM'",), ("'eva'",)]
    assert equal_keys(whole.source, [staff], these, those) == {0: 1, 1: 2, 2: 0}
    several = [(f"'{number}x'",) for number in range(450)]
    assert equal_keys(whole.source, [staff], several, [("'449X'",), *several[:448]]) == {
        **{number: number + 1 for number in range(448)}, 449: 0
    }  # fmt: skip


@pytest.mark.cross
def test_across_servers(scene: NewScene, server_pair: ServerPair) -> None:
    source = """
    CREATE TABLE person (id VARCHAR(10) PRIMARY KEY, code VARBINARY(4) NOT NULL, born DATE NULL, body JSON NULL);
    INSERT INTO person VALUES ('a', x'00', '0000-00-00', '{"b": 1, "a": 2}'), ('ö', x'ff', NULL, NULL),
      ('z', x'', '2000-01-01', '[]');
    CREATE TABLE visit (id INT PRIMARY KEY, person VARCHAR(10) NULL);
    INSERT INTO visit VALUES (1, 'A'), (2, 'z'), (3, NULL);
    """
    target = """
    CREATE TABLE person (id VARCHAR(10) PRIMARY KEY, code VARBINARY(4) NOT NULL, born DATE NULL, body VARCHAR(40) NULL);
    INSERT INTO person VALUES ('a', x'00', '0000-00-00', 'x'), ('ö', x'ff', NULL, NULL), ('z', x'', '2000-01-01', 'x');
    CREATE TABLE visit (id INT PRIMARY KEY, code VARBINARY(4) NULL);
    INSERT INTO visit VALUES (1, x'00'), (2, x''), (3, NULL);
    """
    transforms = """
    @transform("person")
    def person(row):
        return {"id": row.id, "code": row.code, "born": row.born, "body": None if row.body is None else "x"}

    @transform("visit", related={"person": many("person", where={"id": "person"}, order_by=["id"])})
    def visit(row, person):
        return {"id": row.id, "code": person[0].code if person else None}
    """
    source = source.replace("VARCHAR(10)", "VARCHAR(10) COLLATE utf8mb4_unicode_ci")
    target = target.replace("VARCHAR(10)", "VARCHAR(10) COLLATE utf8mb4_unicode_ci")
    made = scene(server_pair, source, target, transforms)
    assert found(made.verify()) == []
    execute(made.target, "UPDATE person SET code = x'fe' WHERE id = 'ö'")
    execute(made.target, "INSERT INTO person VALUES ('q', x'', NULL, NULL)")
    execute(made.target, "DELETE FROM visit WHERE id = 3")
    expected = [
        ("person", "id='q'", "extra", ()),
        ("person", "id='ö'", "different", ("code",)),
        ("visit", "id=3", "missing", ()),
    ]
    assert found(made.verify()) == expected
    assert rows(made.target, "SELECT COUNT(*) FROM person") == ((4,),)
