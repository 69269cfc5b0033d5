"""The service manager kills a daemon whose loop does not move: a copy that takes hours has to say that it does."""

from __future__ import annotations

import threading

import pytest

from replicator.copy import copy_silent
from replicator.demo.servers import Server
from replicator.progress import Progress
from tests.copy.conftest import Migration, NewMigration, fill

SOURCE = """
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (
  id int PRIMARY KEY, parent int, FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE ON UPDATE CASCADE
)
"""
TARGET = "CREATE TABLE parents (id int PRIMARY KEY); CREATE TABLE children (id int PRIMARY KEY, parent int)"
CHUNK = 40.0


class Slow(Progress):
    """Every chunk takes 40 s."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.chunks = 0
        self.longest = 0.0
        super().__init__("test", clock=lambda: self.seconds)

    def copied(self, table: str, rows: int, source: str | None = None) -> None:
        self.seconds += CHUNK
        self.chunks += 1
        self.longest = max(self.longest, self.stalled_seconds)
        super().copied(table, rows, source)


@pytest.fixture
def family(mariadb: Server, migration: NewMigration) -> Migration:
    """Tables that foreign keys change without a word in the binlog, which are copied as they are at one moment."""
    made = migration(mariadb, SOURCE, TARGET, "copy_table('parents'); copy_table('children')")
    fill(made.source, "parents", "id", "n", 20_000)
    fill(made.source, "children", "id, parent", "n, n", 20_000)
    assert made.plan.silent
    return made


def test_a_copy_of_what_foreign_keys_change_moves(family: Migration) -> None:
    slow = Slow()
    copy_silent(family.config, family.plan, slow, family.stop, family.throttle)
    assert slow.chunks > 2
    assert slow.longest <= CHUNK


def test_one_that_is_throttled_moves(family: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[None] = []
    waited = threading.Event()

    class Waiting(Progress):
        def throttled(self, reason: str, detail: str) -> None:
            super().throttled(reason, detail)
            beats.clear()

        def beat(self) -> None:
            super().beat()
            beats.append(None)

    class Reason:
        name, detail = "replica_lag", "r1 is 12 s behind"

    def reason() -> Reason | None:
        if waited.is_set():
            return None
        if progress.snapshot()["throttle"] is not None:
            waited.set()
        return Reason()

    progress = Waiting("test")
    monkeypatch.setattr(family.throttle, "reason", reason)
    copy_silent(family.config, family.plan, progress, family.stop, family.throttle)
    assert waited.is_set()
    assert beats
