"""Old code goes on reading under the old names: from the switch on, until a rollback, in both modes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import pytest
from pymysql.constants import ER

from replicator.cutover.settle import create_views
from replicator.demo import askproai_folder
from replicator.demo.servers import Server
from replicator.errors import CutoverUndone
from replicator.mysql.connection import Connection, error_code, execute, rows
from replicator.transform.loader import load
from tests.conftest import ServerPair
from tests.hooks.world import drop_rest, make_apart_shop
from tests.reverse.world import Shop, make_shop

VIEWS = """
from replicator import legacy_view

legacy_view("services", "SELECT id, title AS name, NULL AS deleted_at FROM offers")
legacy_view("hours", "SELECT b.id AS branch_id, b.opening FROM branches AS b JOIN companies AS c;")
"""


@pytest.fixture
def renamed(server: Server, database: Callable[..., str], tmp_path: Path) -> Iterator[Shop]:
    made = make_shop(server, database, tmp_path)
    (tmp_path / "transforms" / "views.py").write_text(VIEWS)
    yield made
    made.stop()


class Reader:
    """Old code that reads one table all the time; what it saw fail, and for how long."""

    def __init__(self, open_: Callable[[], Connection]) -> None:
        self.errors: list[int | None] = []
        self.reads = 0
        self._open = open_
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)

    @contextmanager
    def reading(self) -> Iterator[None]:
        self._thread.start()
        yield
        self._stop.set()
        self._thread.join()

    def _read(self) -> None:
        with self._open() as connection:
            while not self._stop.wait(0.001):
                try:
                    rows(connection, "SELECT id, name FROM services WHERE deleted_at IS NULL LIMIT 1")
                    self.reads += 1
                except pymysql.MySQLError as error:
                    self.errors.append(error_code(error))


def test_there_and_back_and_there_again(renamed: Shop) -> None:
    shop = renamed
    reader = Reader(lambda: pymysql.connect(**shop.server.connect_args(shop.source), autocommit=True))
    shop.start()
    shop.until_verified("replicating")
    with reader.reading():
        shop.ask("cutover")
        time.sleep(0.1)
    assert reader.reads
    assert len(reader.errors) < 60  # the moment between the rename and CREATE VIEW
    assert {"services", "hours"} <= shop.tables(shop.source)
    assert shop.ask_sql("SELECT id, name FROM {old}.services", old=shop.source) == shop.ask_sql(
        "SELECT id, title FROM {new}.offers", new=shop.source
    )
    shop.until_verified("reversing")
    again = Reader(lambda: pymysql.connect(**shop.server.connect_args(shop.source), autocommit=True))
    with again.reading():
        shop.ask("rollback")
    assert again.reads
    assert not again.errors  # its name goes from view to table in one statement
    with shop.session() as connection:
        assert not rows(
            connection, "SELECT 1 FROM information_schema.views WHERE table_schema IN (%s, %s)", (shop.source, shop.target)
        )
    shop.until_verified("replicating")
    shop.assert_transformed(shop.source, shop.target, whole=True)
    shop.ask("cutover")
    assert {"services", "hours"} <= shop.tables(shop.source)


def test_a_view_that_does_not_work_closes_a_gate(renamed: Shop) -> None:
    path = renamed.config.migration.transforms / "views.py"
    path.write_text('from replicator import legacy_view\nlegacy_view("services", "SELECT nothing FROM offers")\n')
    renamed.start()
    renamed.until_verified("replicating")
    with pytest.raises(CutoverUndone, match=r"legacy views: services does not work.*1054"):
        renamed.ask("cutover")


def test_on_the_other_server(apart: ServerPair, database: Callable[..., str], tmp_path: Path) -> None:
    shop = make_apart_shop(apart, database, tmp_path)
    (tmp_path / "transforms" / "views.py").write_text(VIEWS)
    try:
        shop.start()
        shop.until_verified("replicating")
        shop.write_hook("on_switch", "exit 1")
        with pytest.raises(CutoverUndone, match="nothing has changed"):  # nobody takes the views for what clients have written
            shop.ask("cutover")
        assert not {"services", "hours"} & shop.tables_on("target", shop.target)
        shop.write_hook("on_switch", "echo $REPLICATOR_TO > new; mv new route")
        shop.ask("cutover")
        with shop.connect("target", autocommit=True) as connection:
            assert rows(connection, "SELECT id, name FROM services") == rows(connection, "SELECT id, title FROM offers")
        shop.until_verified("reversing")
        shop.ask("rollback")
        shop.until_verified("replicating")
        assert not {"services", "hours"} & shop.tables_on("target", shop.target)
    finally:
        shop.stop()
        drop_rest(shop)


def test_the_shipped_views_have_the_old_columns(server: Server, database: Callable[..., str]) -> None:
    old, new = database(server, "old"), database(server, "new")
    for schema, part in ((old, "source"), (new, "target")):
        options = {**server.connect_args(schema), "client_flag": pymysql.constants.CLIENT.MULTI_STATEMENTS}
        with pymysql.connect(**options, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute("SET foreign_key_checks = 0")
            for file in sorted((askproai_folder() / "schema" / part).glob("*.sql")):
                cursor.execute(file.read_text())
                while cursor.nextset():
                    pass
    views = load(askproai_folder() / "transforms").views
    names = ["services", "working_hours", "staff_service_assignments", "retell_webhooks", "webhook_logs"]
    assert [view.name for view in views] == names
    with pymysql.connect(**server.connect_args(new), autocommit=True) as connection:
        execute(connection, "SET foreign_key_checks = 0")
        execute(connection, "INSERT INTO calcom_event_types (id, calcom_id, slug, title) VALUES (3, '100003', 's', 'Cut')")
        execute(connection, "INSERT INTO calcom_event_types (id, calcom_id, slug, title) VALUES (4, '77', 's', 'Dye')")
        week = '{"monday": [{"open": "09:00", "close": "12:30"}, {"open": "14:00:30", "close": "18:00"}], "sunday": []}'
        execute(connection, "INSERT INTO branches (id, name, business_hours) VALUES ('b', 'B', %s)", (week,))
        assert not create_views(connection, new, [(view.name, view.query) for view in views])
        for name in names:
            with pytest.raises(pymysql.MySQLError) as refused:
                execute(connection, f"DELETE FROM {name}")
            assert error_code(refused.value) == ER.NON_UPDATABLE_TABLE
        columns = "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY"
        for name in names:
            there, were = (rows(connection, f"{columns} ordinal_position", (schema, name)) for schema in (new, old))
            assert there == were, name
        assert rows(connection, "SELECT name, calcom_event_type_id FROM services ORDER BY id") == (("Cut", None), ("Dye", "77"))
        hours = rows(connection, "SELECT branch_id, day_of_week, start_time, end_time FROM working_hours ORDER BY start_time")
        assert [(branch, day, str(start), str(end)) for branch, day, start, end in hours] == [
            ("b", 1, "9:00:00", "12:30:00"),
            ("b", 1, "14:00:30", "18:00:00"),
        ]
