"""Verification beside the real stream, while the source is written to all the time."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pymysql
import pytest

from replicator import state
from replicator.apply.applier import Applied, Applier
from replicator.apply.course import Course
from replicator.apply.feed import Piece
from replicator.apply.stream import Stream
from replicator.binlog.safe_position import current_position
from replicator.errors import TargetConnectionLost, WrongState
from replicator.mysql.connection import Connection, connect, connected, execute
from replicator.mysql.sql import quote
from replicator.throttle import Throttle
from replicator.verify import Verifier, repair
from tests.conftest import ServerPair
from tests.verify.conftest import NewScene, Scene
from tests.verify.test_verify import FILL, SOURCE, TARGET, TRANSFORMS, found

COLD = 1000
"""Rows with keys from here on are left alone by the writer."""
MORE = f"""
INSERT INTO tenant VALUES ('cold', 'Cold');
INSERT INTO service VALUES ({COLD}, 'cold', 'Cold', 0);
INSERT INTO hour VALUES ({COLD}, {COLD}, 6);
INSERT INTO booking VALUES ({COLD}, {COLD}, 'cold');
INSERT INTO skill VALUES ({COLD}, 'Cold', 1), ({COLD + 1}, 'COLD', 1);
"""


class Writer(threading.Thread):
    """Random transactions of several tables, some of them rolled back."""

    def __init__(self, scene: Scene, seed: int) -> None:
        super().__init__()
        self._connection = connect(scene.config.source, write=True, autocommit=False)
        self._random = random.Random(seed)
        self._ended = threading.Event()
        self.transactions = 0

    def run(self) -> None:
        while not self._ended.wait(0.001):
            with suppress(pymysql.IntegrityError):
                for _ in range(self._random.randint(1, 5)):
                    execute(self._connection, self.statement())
            if self._random.random() < 0.1:
                self._connection.rollback()
            else:
                self._connection.commit()
            self.transactions += 1

    def stop(self) -> None:
        self._ended.set()
        self.join()
        self._connection.close()

    def statement(self) -> str:
        pick = self._random.choice
        key, other, few = self._random.randint(1, 40), self._random.randint(1, 40), self._random.randint(1, 4)
        text = pick(["'x'", "'X'", "''", "NULL", "'NULL'", "'ä'"])
        tenant = pick(["'a1'", "'B2'", "'ä3'", "'z9'", "'q'", "NULL"])
        staff = pick(["'Eva'", "'EVA'", "'eva'", "'Ärm'", "'arm'", "NULL"])
        return pick(
            [
                f"UPDATE tenant SET name = CONCAT('n', {key}) WHERE id = {tenant}",
                f"REPLACE INTO tenant VALUES (COALESCE({tenant}, 'q'), 'again')",
                "DELETE FROM tenant WHERE id = 'q'",
                f"REPLACE INTO service VALUES ({few}, {tenant}, CONCAT('t', {key}), {key} % 2)",
                f"UPDATE service SET gone = 1 - gone, tenant_id = {tenant} WHERE id = {few}",
                f"DELETE FROM service WHERE id = {few}",
                f"REPLACE INTO booking VALUES ({key}, {few}, {text})",
                f"UPDATE booking SET service_id = {few}, note = {text} WHERE id BETWEEN {key} AND {key + 5}",
                f"UPDATE booking SET id = {other} WHERE id = {key}",
                f"DELETE FROM booking WHERE id = {key}",
                f"REPLACE INTO hour VALUES ({key}, {few}, {other})",
                f"UPDATE hour SET service_id = {few} WHERE id = {key}",
                f"DELETE FROM hour WHERE id = {key}",
                f"REPLACE INTO skill VALUES ({key}, {staff}, {few})",
                f"UPDATE skill SET staff = {staff} WHERE id = {key}",
                f"DELETE FROM skill WHERE id = {key}",
                f"UPDATE kinds SET name = {text}, price = {key} WHERE id = 7",
            ]
        )


@pytest.fixture
def live(scene: NewScene, server_pair: ServerPair) -> Scene:
    target = TARGET.replace("utf8mb4_bin", "utf8mb4_unicode_ci")
    made = scene(server_pair, SOURCE + MORE, target + FILL.replace("'[1]')", f"'[1]'), ({COLD}, '[6]')"), TRANSFORMS)
    execute(made.target, f"UPDATE staff_skill SET ahead = 1 WHERE id = {COLD}")
    made.stage()
    return made


@contextmanager
def streaming(scene: Scene) -> Iterator[Stream]:
    ends = (scene.config.source, scene.config.target)
    throttle = Throttle(scene.config.throttle, ends)
    stream = Stream(Course(scene.plan, state.of(scene.config), *ends), scene.progress, exact=True, throttle=throttle)
    stream.start()
    try:
        yield stream
    finally:
        stream.stop()
    assert stream.error is None


@contextmanager
def writing(scene: Scene, seed: int) -> Iterator[Writer]:
    writer = Writer(scene, seed)
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()


@contextmanager
def frozen(scene: Scene) -> Iterator[Connection]:
    """A session on the source while another one holds the tables still, as a cutover does."""
    with connected(scene.config.source) as holder, connected(scene.config.source) as connection:
        names = ", ".join(quote(name) for name in scene.plan.sources)
        execute(holder, f"FLUSH TABLES {names} WITH READ LOCK")
        yield connection


def test_under_load(live: Scene) -> None:
    with streaming(live) as stream:
        verifier = Verifier(live.config, live.plan, stream, live.progress, live.stop)
        with writing(live, 1) as writer:
            for number in range(6):
                report = verifier.verify() if number % 3 == 0 else verifier.refresh()
                assert found(report) == []
            assert writer.transactions > 50
            planted = [("booking", f"id={COLD}", "different", ("title",)), ("staff_skill", f"id={COLD}", "missing", ())]
            execute(live.target, f"UPDATE booking SET title = 'wrong' WHERE id = {COLD}")
            execute(live.target, f"DELETE FROM staff_skill WHERE id = {COLD}")
            execute(live.target, "INSERT INTO event VALUES ('other', 5, 'x')")
            report = verifier.verify()
            assert found(report) == sorted([*planted, ("event", "kind='other', id=5", "extra", ())])
            execute(live.target, f"UPDATE {live.relation('hour')} SET day = 5 WHERE id = {COLD}")
            execute(live.target, f"UPDATE service_days SET days = '[5]' WHERE id = {COLD}")
            report = verifier.verify()
            assert report.mismatched == 4
            after = repair(live.config, live.plan, report, stream, live.progress, live.stop)
            assert found(after) == []
            assert found(verifier.verify()) == []
        verifier.refresh()
        with frozen(live) as connection:
            report = verifier.prove(connection)
            assert (found(report), report.pending) == ([], 0)


def test_the_proof_finds_what_is_wrong_with_what_was_touched(live: Scene) -> None:
    with streaming(live) as stream:
        verifier = Verifier(live.config, live.plan, stream, live.progress, live.stop)
        with pytest.raises(WrongState, match="no full verification"):
            verifier.refresh()
        assert verifier.verify().ok
        execute(live.source, "UPDATE service SET title = 'new' WHERE id = 1")
        execute(live.source, "UPDATE booking SET note = 'new' WHERE id = 12")
        with frozen(live) as connection:
            report = verifier.prove(connection)
            assert found(report) == []
            # the two rows of event and booking 12, booking 10, live, service_days
            assert report.rows_compared == 6
            execute(live.target, "UPDATE booking SET title = 'wrong' WHERE id = 10")
            report = verifier.prove(connection)
            assert found(report) == [("booking", "id=10", "different", ("title",))]
            assert (report.pending, report.ok) == (0, False)


def test_a_commit_whose_answer_was_lost_is_not_forgotten(live: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it touched is not known, so nothing that was known since the last pass holds any more."""
    real = Applier.apply
    lost: list[Applied] = []

    def apply(self: Applier, pieces: Sequence[Piece]) -> Applied | None:
        applied = real(self, pieces)
        if applied is not None and applied.touched.units and not lost:
            lost.append(applied)
            raise TargetConnectionLost("target: gone after the commit")
        return applied

    with streaming(live) as stream:
        verifier = Verifier(live.config, live.plan, stream, live.progress, live.stop)
        assert verifier.verify().ok
        monkeypatch.setattr(Applier, "apply", apply)
        execute(live.source, "UPDATE booking SET note = 'new' WHERE id = 12")
        stream.source_barrier()
        assert stream.wait_applied(current_position(live.source), 30)
        assert lost
        with pytest.raises(WrongState, match="no full verification"):
            verifier.refresh()
        assert verifier.verify().ok
        assert verifier.refresh().ok
