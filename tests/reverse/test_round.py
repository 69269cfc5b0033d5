"""Cutover, the stream back, rollback, and the cutover again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from replicator import state as states
from replicator.commands import current_status
from replicator.cutover import attempts
from replicator.cutover import run as steps
from replicator.cutover.freeze import NotThisTime
from replicator.daemon import Daemon, abort_offline
from replicator.demo.servers import Server
from replicator.errors import CutoverUndone, WrongState
from replicator.migration import Migration
from replicator.progress import Progress
from tests.reverse.world import Shop, make_shop


@pytest.fixture
def shop(server: Server, database: Callable[..., str], tmp_path: Path) -> Iterator[Shop]:
    made = make_shop(server, database, tmp_path)
    yield made
    made.stop()


def test_round(shop: Shop) -> None:
    unowned, filtered = shop.unowned(shop.source), shop.filtered(shop.source)
    shop.start()
    shop.until_verified("replicating")
    shop.assert_transformed(shop.source, shop.target, whole=True)
    shop.ask("cutover")
    shop.until_verified("reversing")
    shop.run(
        "UPDATE customers SET name = 'Adam' WHERE id = 1",
        "UPDATE customers SET company_id = NULL WHERE id = 2",
        "UPDATE customers SET role = 'admin' WHERE id = 3",
        "INSERT INTO customers (company_id, name) VALUES (1, 'Hal')",
        "DELETE FROM companies WHERE id = 4",
        "UPDATE offers SET title = 'Trim Fast' WHERE id = 1",
        "INSERT INTO offers (title, slug) VALUES ('New One', 'own-words')",
        "DELETE FROM offers WHERE id = 4",
        "UPDATE bookings SET note = 'bb' WHERE id = 2",
        "UPDATE bookings SET offer_id = NULL WHERE id = 3",
        "INSERT INTO bookings (offer_id, note) VALUES (3, 'h')",
        "UPDATE branches SET opening = '[[1, 10], [2, 10], [7, 11]]', name = 'Norden' WHERE id = 'north'",
        "DELETE FROM branches WHERE id = 'south'",
        "INSERT INTO branches VALUES ('east', 'East', '[[3, 8]]')",
        "UPDATE persons SET name = 'Anna' WHERE id = 1",
        "DELETE FROM addresses WHERE person_id = 3",
        "INSERT INTO addresses VALUES (2, 'Ash 2', 'Rome')",
        "DELETE FROM persons WHERE id = 4",
        "INSERT INTO persons VALUES (5, 'Eve')",
        "INSERT INTO addresses VALUES (5, 'Yew 5', NULL)",
        "UPDATE events SET state = 'done' WHERE source = 'mail' AND source_id = 1",
        "UPDATE events SET body = 'h1!' WHERE source = 'hook' AND source_id = 1",
        "DELETE FROM events WHERE source = 'hook' AND source_id = 3",
        "INSERT INTO events (source, body, state) VALUES ('mail', 'm4', 'open')",
        "UPDATE staff_skills SET skill = CONCAT(skill, '!') WHERE staff_id = 2",
        "UPDATE staff_skills SET skill = CASE id WHEN 1 THEN 'wash' ELSE 'cut' END WHERE staff_id = 9",
        "INSERT INTO staff_skills (staff_id, skill, is_first) VALUES (3, 'cut', 1)",
        "UPDATE orders SET region = 'jp' WHERE id = 1",
        "INSERT INTO orders (region, total) VALUES ('us', 3.25)",
        "UPDATE regions SET code = 'uk' WHERE id = 1",
        "UPDATE orders SET region = 'uk' WHERE region = 'eu'",
    )
    shop.until_applied()
    shop.assert_transformed(shop.archive, shop.source, whole=False)
    # What the old schema's foreign keys do to a table that nothing new stands for.
    assert shop.ask_sql("SELECT id, customer_id, company_id FROM {old}.notes", old=shop.archive) == [
        (1, 1, 1), (2, 2, None), (4, None, None),
    ]  # fmt: skip
    assert shop.ask("verify")["exit_code"] == 0
    shop.run("INSERT INTO bookings (id, note) VALUES (500, 'gone')", "DELETE FROM bookings WHERE id = 500")
    shop.ask("rollback", dry_run=True)
    assert shop.tables(shop.target) == set()
    shop.ask("rollback")
    shop.until_verified("replicating")
    shop.run("INSERT INTO bookings (note) VALUES ('next')")
    assert shop.ask_sql("SELECT id FROM {old}.bookings WHERE note = 'next'", old=shop.source) == [(501,)]
    shop.until_applied()
    shop.assert_transformed(shop.source, shop.target, whole=True)
    for table, values in shop.unowned(shop.source).items():
        for key, value in values.items():
            if key in unowned[table]:
                assert value == unowned[table][key], table
    assert shop.filtered(shop.source) == filtered

    shop.ask("cutover")
    shop.until_verified("reversing")
    empty_tables(shop)
    complete(shop)


def empty_tables(shop: Shop) -> None:
    shop.run("TRUNCATE TABLE events", "INSERT INTO events (source, body, state) VALUES ('mail', 'later', 'done')")
    shop.run("TRUNCATE TABLE addresses")
    shop.until_applied()
    shop.assert_transformed(shop.archive, shop.source, whole=False)
    assert shop.ask("verify")["exit_code"] == 0
    assert shop.ask_sql("SELECT body FROM {old}.mails", old=shop.archive) == [("later",)]
    assert shop.ask_sql("SELECT body FROM {old}.hooks", old=shop.archive) == [("h2",)]  # of another kind
    people = shop.ask_sql("SELECT id, street FROM {old}.people", old=shop.archive)
    assert people == [(1, None), (2, None), (3, None), (5, None)]


def complete(shop: Shop) -> None:
    with pytest.raises(WrongState, match="is cut over"):
        shop.ask("abort")
    shop.ask("complete")
    assert shop.thread is not None
    shop.thread.join()
    assert not shop.errors
    assert shop.migration.progress.phase == "completed"
    state = states.of(shop.config)
    with shop.session() as connection:
        assert state.phase(connection) == "completed"
        assert state.checkpoint(connection, "forward") is state.checkpoint(connection, "reverse") is None
    left = shop.tables(state.database)
    assert not [name for name in left if name.startswith("shop:")]
    assert "services" in shop.tables(shop.archive)
    assert "offers" in shop.tables(shop.source)
    begin_no_other(shop)


def test_dropped_tables_come_back_before_the_freeze(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """And follow their parents wherever they are; what undoes the rollback takes them to the archive again."""

    def undo(*_: object) -> None:
        places.append("notes" in shop.tables(shop.source))
        shop.run("DELETE FROM customers WHERE id = 1")
        shop.until_applied()
        remaining.append(shop.ask_sql("SELECT id FROM {old}.notes", old=shop.source))
        raise NotThisTime("for the test")

    places: list[bool] = []
    remaining: list[list[tuple[int]]] = []
    shop.start()
    shop.until_verified("replicating")
    shop.ask("cutover")
    shop.until_verified("reversing")
    assert "notes" in shop.tables(shop.archive)
    with monkeypatch.context() as patch:
        patch.setattr(attempts, "ATTEMPTS", 1)
        patch.setattr(steps, "hold", undo)
        with pytest.raises(CutoverUndone, match="for the test"):
            shop.ask("rollback")
    assert places == [True]
    assert remaining == [[(2,), (3,), (4,)]]
    assert "notes" in shop.tables(shop.archive)
    shop.run("DELETE FROM customers WHERE id = 6")
    shop.until_applied()
    assert shop.ask_sql("SELECT id FROM {old}.notes", old=shop.archive) == [(2,), (4,)]
    shop.ask("rollback")
    shop.until_verified("replicating")
    assert shop.ask_sql("SELECT id FROM {old}.notes", old=shop.source) == [(2,), (4,)]


def test_a_rollback_that_is_killed_after_dropped_tables_came_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    shop.start()
    shop.until_verified("replicating")
    shop.ask("cutover")
    shop.until_verified("reversing")
    with monkeypatch.context() as patch:
        patch.setattr(steps, "hold", die)
        patch.setattr(steps, "settle", die)
        with pytest.raises(KeyboardInterrupt):
            shop.ask("rollback")
    shop.stop()
    assert "notes" in shop.tables(shop.source)
    shop.start()
    shop.until_verified("reversing")
    assert "notes" in shop.tables(shop.archive)
    with shop.session() as connection:
        assert states.of(shop.config).intent(connection) is None


def begin_no_other(shop: Shop) -> None:
    """A service that is still enabled starts the daemon once more, also when nobody needs the archive any more."""
    shop.run(f"DROP DATABASE {shop.archive}")
    before = shop.tables(shop.source), shop.tables(shop.target)
    assert current_status(shop.config)["phase"] == "completed"
    with pytest.raises(WrongState, match="completed: there is nothing left to run"):
        Daemon(Migration(shop.config, Progress("shop"))).run(once=False)
    with pytest.raises(WrongState, match="completed: the new tables are in use"):
        list(abort_offline(shop.config, {"drop_target": True}))
    assert (shop.tables(shop.source), shop.tables(shop.target)) == before
    assert current_status(shop.config)["phase"] == "completed"
