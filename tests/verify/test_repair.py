"""What is found is repaired: in the target, and in the staging that it was made of."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from replicator.mysql.connection import execute, rows
from replicator.verify import Report, passes, repair
from tests.conftest import ServerPair
from tests.verify.conftest import NewScene, Scene
from tests.verify.test_verify import FILL, PLANTED, SOURCE, TARGET, TRANSFORMS, found

TABLES = ("kinds", "tenant", "live", "booking", "service_days", "staff_skill", "event", "spell")


@pytest.fixture
def staged(scene: NewScene, server_pair: ServerPair) -> Scene:
    """Every shape, staging included, with nothing wrong."""
    made = scene(server_pair, SOURCE, TARGET + FILL, TRANSFORMS)
    made.stage()
    return made


def mended(scene: Scene, report: Report) -> Report:
    after = repair(scene.config, scene.plan, report, scene.log, scene.progress, scene.stop)
    assert not scene.log.open
    return after


def content(scene: Scene) -> dict[str, Any]:
    """Everything that a repair may write."""
    found = {table: sorted(map(repr, rows(scene.target, f"SELECT * FROM {table}"))) for table in TABLES}
    for name, table in scene.plan.sources.items():
        if table.staged is not None:
            found[f"staged {name}"] = sorted(map(repr, rows(scene.target, f"SELECT * FROM {scene.relation(name)}")))
    return found


def test_every_planted_difference_is_repaired(staged: Scene) -> None:
    right = content(staged)
    for statement, expected in PLANTED.items():
        execute(staged.target, statement)
        report = staged.verify(tables={one[0] for one in expected})
        assert not report.ok
        after = mended(staged, report)
        assert after.ok, (statement, found(after))
        assert content(staged) == right, statement


def test_differences_of_all_tables_are_repaired_at_once(staged: Scene) -> None:
    right = content(staged)
    for table in TABLES:
        execute(staged.target, f"DELETE FROM {table}")
    execute(staged.target, "INSERT INTO event VALUES ('other', 1, 'x'), ('service', 77, 'x')")
    execute(staged.target, "INSERT INTO booking VALUES (77, NULL, NULL, NULL)")
    report = staged.verify()
    assert report.mismatched == sum(len(right[table]) for table in TABLES) + 3
    assert mended(staged, report).ok
    assert content(staged) == right
    status = staged.progress.snapshot()["tables"]
    assert {entry["table"]: entry["mismatched_rows"] for entry in status} == dict.fromkeys(TABLES, 0)


def test_wrong_staging_is_repaired_with_the_units_made_of_it(staged: Scene) -> None:
    right = content(staged)
    service, hour, skill = (staged.relation(name) for name in ("service", "hour", "skill"))
    for statement in (
        f"UPDATE {service} SET title = 'wrong' WHERE id = 1",
        f"DELETE FROM {service} WHERE id = 4",
        f"UPDATE {hour} SET service_id = 3 WHERE id = 1",
        f"INSERT INTO {hour} VALUES (9, 2, 6)",
        f"UPDATE {skill} SET staff = 'Ärm' WHERE id = 2",
        "UPDATE booking SET title = 'wrong' WHERE id = 10",
        "UPDATE booking SET title = NULL, tenant = NULL WHERE id = 13",
        "UPDATE service_days SET days = '[3]' WHERE id = 1",
        "UPDATE service_days SET days = '[5]' WHERE id = 3",
        "UPDATE service_days SET days = '[6]' WHERE id = 2",
        "UPDATE service_days SET days = '[]' WHERE id = 4",
        "UPDATE staff_skill SET staff = 'Ärm' WHERE id = 2",
    ):
        execute(staged.target, statement)
    after = mended(staged, staged.verify())
    assert after.ok, found(after)
    assert content(staged) == right


def test_what_the_stream_has_touched_is_left_to_it(staged: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "ROUNDS", 2)
    monkeypatch.setattr(import_module("replicator.verify.repair"), "ATTEMPTS", 2)
    execute(staged.target, "UPDATE booking SET title = 'wrong' WHERE id IN (10, 13)")
    report = staged.verify()
    booking = [transform.target.name for transform in staged.plan.transforms].index("booking")
    staged.log.units = {booking: {(10,)}}
    after = mended(staged, report)
    assert (after.ok, after.pending) == (True, 1)
    titles = dict(rows(staged.target, "SELECT id, title FROM booking WHERE id IN (10, 13)"))
    assert titles == {10: "wrong", 13: "Wash"}
    staged.log.units = {}
    assert mended(staged, report).pending == 0
    assert staged.verify().ok


def test_a_staged_row_that_the_stream_has_touched_is_not_copied_back(staged: Scene) -> None:
    """The source's snapshot may hold it as it was before."""
    execute(staged.target, "UPDATE booking SET title = 'wrong' WHERE id IN (10, 13)")
    report = staged.verify()
    service = staged.relation("service")
    execute(staged.target, f"UPDATE {service} SET title = 'newer' WHERE id = 1")
    staged.log.staged = {"service": {(1,)}}
    after = mended(staged, report)
    assert found(after) == [("booking", "id=10", "different", ("title",))]
    assert rows(staged.target, f"SELECT title FROM {service} WHERE id = 1") == (("newer",),)


def test_unique_values_that_were_swapped_are_put_back(scene: NewScene, server_pair: ServerPair) -> None:
    table = "CREATE TABLE person (id INT PRIMARY KEY, code VARCHAR(10) NULL, UNIQUE KEY (code));"
    source = table + "INSERT INTO person VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, NULL);"
    made = scene(server_pair, source, table, 'copy_table("person")')
    execute(made.target, "INSERT INTO person VALUES (1, 'b'), (2, 'a'), (5, 'c')")
    report = made.verify()
    assert report.mismatched == 5
    assert mended(made, report).ok
    assert rows(made.target, "SELECT * FROM person ORDER BY id") == ((1, "a"), (2, "b"), (3, "c"), (4, None))
