"""What inverses say before and after a change comes to edits of old tables, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from replicator.demo.servers import Server
from replicator.errors import BadRow
from replicator.reverse.edits import Edits, Said, gather
from tests.reverse.world import Shop, make_shop

KEY = ("1",)


def edits(before: Said, after: Said, *part_of: str) -> Edits:
    found: dict[str, Edits] = {}
    gather(found, before, after, part_of)
    return found.get("t", Edits())


def row(**columns: str) -> Said:
    return Said(rows={("t", KEY): columns})


def test_only_what_is_said_otherwise_than_before_is_written() -> None:
    assert edits(row(id="1", a="'x'", b="2"), row(id="1", a="'x'", b="2")) == Edits()
    changed = edits(row(id="1", a="'x'", b="2"), row(id="1", a="'x'", b="3"))
    assert changed.changed == {KEY: {"b": "3"}}
    named = edits(row(id="1", a="5"), row(id="1", a="NULL", tenant="NULL"))  # another column has to go with it
    assert named.changed == {KEY: {"a": "NULL", "tenant": "NULL"}}
    assert edits(row(id="1", a="NULL", tenant="NULL"), row(id="1", a="5")).changed == {KEY: {"a": "5"}}


def test_a_row_goes_with_its_own_target_row_and_not_with_another_ones_part() -> None:
    assert edits(row(id="1", a="5"), Said()).removed == {KEY}
    parted = edits(row(id="1", street="'x'"), Said(), "t")
    assert not parted.removed
    assert parted.cleared == {KEY: {"id", "street"}}


def test_elements_are_a_set() -> None:
    def elements(*days: str) -> Said:
        return Said(elements={"t": {(("branch", "day"), ("7", day)) for day in days}})

    found = edits(elements("1", "2"), elements("2", "3"))
    assert found.taken == {(("branch", "day"), ("7", "1"))}
    assert found.added == {(("branch", "day"), ("7", "3"))}
    assert edits(elements("1"), elements("1")) == Edits()


@pytest.fixture
def shop(mariadb: Server, database: Callable[..., str], tmp_path: Path) -> Iterator[Shop]:
    made = make_shop(mariadb, database, tmp_path)
    yield made
    made.stop()


def test_a_row_that_has_no_way_back_stops_the_stream_and_is_named(shop: Shop) -> None:
    shop.start()
    shop.until_verified("replicating")
    shop.ask("cutover")
    shop.until_verified("reversing")
    shop.run("""UPDATE branches SET opening = '{"broken": 1}' WHERE id = 'south'""")
    assert shop.thread is not None
    shop.thread.join(30)
    (error,) = shop.errors
    assert isinstance(error, BadRow)
    assert "branches, key id='south': the inverse raised ValueError at " in str(error)
    shop.thread = shop.daemon = None
    shop.errors.clear()
    shop.run("UPDATE branches SET opening = '[]' WHERE id = 'south'")
    transforms = shop.config.migration.transforms / "shop.py"
    text = transforms.read_text()
    tolerant = "(json.loads(row.opening) if row.opening.startswith('[') else [])]"
    transforms.write_text(text.replace("json.loads(row.opening)]", tolerant))
    shop.start()  # the inverse has been corrected: it goes on where it stopped
    shop.until_verified("reversing")
    assert shop.ask_sql("SELECT * FROM {old}.hours WHERE branch_id = 'south'", old=shop.archive) == []
