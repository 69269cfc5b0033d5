"""XA transactions: prepared now, decided later or never, with others between and across restarts of everybody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from replicator.binlog.safe_position import current_position, safe_position
from replicator.config import load
from replicator.demo.servers import Flavour, Server
from replicator.errors import Unsupported
from replicator.migration import Migration
from replicator.mysql.connection import Connection, close, execute, rows, value
from replicator.mysql.connection import connect as open_connection
from replicator.mysql.flavour import identify
from replicator.mysql.xa import prepared, xid
from replicator.progress import Progress
from tests.apply.test_stream import Bench

Connect = Callable[..., Connection]


LONG = [
    f"INSERT INTO booking VALUES {','.join(f'({number},{number % 50},NULL,NULL)' for number in range(1, 15_001))}",
    *(f"UPDATE booking SET note = REPEAT('{letter}', 40)" for letter in "abcdef"),
]
"""Some eight MB of binlog."""


@pytest.fixture
def bench(server: Server, database: Callable[..., str]) -> Iterator[Bench]:
    with benched(server, database) as made:
        yield made


@contextmanager
def benched(server: Server, database: Callable[..., str]) -> Iterator[Bench]:
    made = Bench(server, database(server, "src"), database(server, "tgt"), database(server, "state"))
    made.begin()
    try:
        yield made
    finally:
        again(made)
        for open_xid in prepared(made.writer):  # a test that failed: its tables could not be dropped
            execute(made.writer, f"XA ROLLBACK {open_xid}")
        made.close()


def again(bench: Bench) -> None:
    """New sessions, after the server has been away."""
    close(bench.writer)
    close(bench.reader)
    bench.writer, bench.reader = open_connection(bench.source), open_connection(bench.target, write=True)


class Xa:
    """One branch, in a session of its own until it is prepared."""

    def __init__(self, bench: Bench, connect: Connect, server: Server, name: str) -> None:
        self.name = name
        self.xid = xid(name.encode(), b"", 1)
        self._session = connect(server, bench.source.database)
        self._bench = bench

    def prepare(self, *statements: str) -> Xa:
        for statement in (f"XA START '{self.name}'", *statements, f"XA END '{self.name}'", f"XA PREPARE '{self.name}'"):
            execute(self._session, statement)
        self._session.close()
        return self

    def decide(self, decision: str) -> None:
        """From another session, once the server has noticed that its own is gone."""
        for _ in range(100):
            try:
                execute(self._bench.writer, f"XA {decision} '{self.name}'")
            except Exception as error:
                if error.args[0] not in (1399, 1397):
                    raise
                threading.Event().wait(0.02)
            else:
                return
        raise AssertionError(f"the server does not let go of {self.xid}")


@pytest.fixture
def new_xa(bench: Bench, server: Server, connect: Connect) -> Callable[[str], Xa]:
    return lambda name: Xa(bench, connect, server, f"{bench.source.database}-{name}")


NewXa = Callable[[str], Xa]


def held(bench: Bench) -> dict[str, int]:
    """Transaction → rows of the state table."""
    return dict(rows(bench.reader, f"SELECT xid, COUNT(*) FROM {bench.state.table('prepared')} GROUP BY xid"))


def test_rows_wait_for_the_decision(bench: Bench, new_xa: NewXa) -> None:
    bench.write("INSERT INTO tenant VALUES (1,'a'), (2,'b'), (3,'c')",
                "INSERT INTO service VALUES (10,1,'cut',0), (11,2,'wash',0)",
                "INSERT INTO hour VALUES (1,10,5), (2,11,6)", "INSERT INTO booking VALUES (1,10,'x','k1'), (2,11,'y','k2')",
                "INSERT INTO skill VALUES ('a',1,1), ('A',2,2)")  # fmt: skip
    bench.check()
    first = new_xa("first").prepare("UPDATE tenant SET name='first' WHERE id=1", "DELETE FROM service WHERE id=10")
    second = new_xa("second").prepare("UPDATE tenant SET name='second' WHERE id=2", "INSERT INTO skill VALUES ('b',3,9)")
    third = new_xa("third").prepare("INSERT INTO booking VALUES (3,11,'z','k3')", "UPDATE booking SET id=20 WHERE id=2")
    bench.write("UPDATE tenant SET name='between' WHERE id=3", "INSERT INTO booking VALUES (4,10,'w',NULL)")
    bench.check()
    assert held(bench).keys() == {first.xid, second.xid, third.xid}
    third.decide("COMMIT")
    bench.check()
    first.decide("ROLLBACK")
    bench.write("UPDATE tenant SET name='after' WHERE id=1")
    bench.check()
    second.decide("COMMIT")
    bench.check()
    assert not held(bench)
    fourth = new_xa("fourth").prepare("DELETE FROM service WHERE id=10", "UPDATE service SET gone=1 WHERE id=11")
    fourth.decide("COMMIT")
    bench.check()
    assert not held(bench)


def test_one_phase(bench: Bench, connect: Connect, server: Server) -> None:
    session = connect(server, bench.source.database)
    for number, statements in enumerate((["INSERT INTO tenant VALUES (1,'a')"], LONG)):
        name = f"'{bench.source.database}-{number}'"
        for statement in (f"XA START {name}", *statements, f"XA END {name}", f"XA COMMIT {name} ONE PHASE"):
            execute(session, statement)
        bench.check()
    assert not held(bench)


def test_the_daemon_may_restart_and_the_binlog_be_purged(bench: Bench, new_xa: NewXa) -> None:
    """A PREPARE is read once: it may be as old as it likes."""
    bench.write("INSERT INTO tenant VALUES (1,'a'), (2,'b')")
    kept = new_xa("kept").prepare("UPDATE tenant SET name='kept' WHERE id=1", "INSERT INTO tenant VALUES (3,'c')")
    dropped = new_xa("dropped").prepare("UPDATE tenant SET name='dropped' WHERE id=2")
    bench.check()
    bench.stream.stop()
    execute(bench.writer, "FLUSH BINARY LOGS")
    execute(bench.writer, f"PURGE BINARY LOGS TO '{current_position(bench.writer).file}'")
    execute(bench.reader, f"UPDATE {bench.state.table('checkpoint')} SET file = %s, pos = 4, gtid = ''",
            (current_position(bench.writer).file,))  # fmt: skip
    bench.start()
    bench.check()
    bench.stream.stop()
    kept.decide("COMMIT")
    dropped.decide("ROLLBACK")
    bench.start()
    bench.check()
    assert not held(bench)


def test_long_ones_are_kept_in_parts(bench: Bench, new_xa: NewXa) -> None:
    bench.write("INSERT INTO service VALUES (1,NULL,'a',0)")
    dropped = new_xa("dropped").prepare(*LONG)
    bench.check()
    assert held(bench)[dropped.xid] > 10
    dropped.decide("ROLLBACK")
    more = ("UPDATE booking SET service_id = 1 WHERE id % 7 = 0", "DELETE FROM booking WHERE id % 5 = 0")
    kept = new_xa("kept").prepare(*LONG, *more)
    bench.check()
    assert held(bench).keys() == {kept.xid}
    bench.stream.stop()
    kept.decide("COMMIT")
    bench.write("INSERT INTO booking VALUES (20000, 1, 'behind', 'b')")
    bench.start()
    bench.check()
    assert not held(bench)


def test_one_that_the_server_lost_is_forgotten_when_its_name_comes_back(bench: Bench, new_xa: NewXa) -> None:
    lost = new_xa("same").prepare("INSERT INTO tenant VALUES (1,'lost')")
    bench.check()
    execute(bench.writer, "SET sql_log_bin = 0")
    lost.decide("ROLLBACK")
    execute(bench.writer, "SET sql_log_bin = 1")
    later = new_xa("same").prepare("INSERT INTO tenant VALUES (2,'later')")
    bench.check()
    later.decide("COMMIT")
    bench.check()
    assert not held(bench)


def test_transactions_of_other_tables_pass(bench: Bench, new_xa: NewXa) -> None:
    execute(bench.writer, "CREATE TABLE stranger (id INT PRIMARY KEY)")
    open_one = new_xa("stranger").prepare("INSERT INTO stranger VALUES (1)")
    bench.write("INSERT INTO tenant VALUES (1,'a')")
    bench.check()
    open_one.decide("COMMIT")
    bench.check()
    assert not held(bench)


def test_one_from_before_the_start_is_named(bench: Bench, new_xa: NewXa) -> None:
    """It could only be missed by a server that shows a transaction in its binlog and not yet in XA RECOVER."""
    bench.stream.stop()
    early = new_xa("early").prepare("INSERT INTO tenant VALUES (1,'early')")
    known = new_xa("known").prepare("INSERT INTO tenant VALUES (2,'known')")
    low, _ = safe_position(bench.writer)
    known.decide("COMMIT")
    visible, _ = safe_position(bench.writer)
    server = identify(bench.writer).identity
    checkpoint = bench.state.checkpoint(bench.reader, "forward")
    assert checkpoint is not None
    bench.state.begin_stream(bench.reader, "forward", type(checkpoint)(low, server, 0.0))
    bench.state.learn(bench.reader, visible={"server": server, "position": visible.to_json()})
    bench.start()
    assert bench.stream.wait_applied(visible, 20)
    early.decide("COMMIT")
    with pytest.raises(Unsupported) as stopped:
        bench.stream.wait_applied(current_position(bench.writer), 20)
    assert early.xid in str(stopped.value)


@pytest.mark.filterwarnings("ignore:.*socket.socket:pytest.PytestUnraisableExceptionWarning")  # PyMySQL's, when refused
@pytest.mark.parametrize("flavour", ["mariadb", "mysql"])
def test_the_server_may_die_between(
    flavour: Flavour, new_server: Callable[..., Server], database: Callable[..., str], connect: Connect
) -> None:
    server = new_server(flavour, durable=True)
    with benched(server, database) as bench:
        bench.write("INSERT INTO tenant VALUES (1,'a'), (2,'b')")
        kept = Xa(bench, connect, server, "kept").prepare("UPDATE tenant SET name='kept' WHERE id=1")
        dropped = Xa(bench, connect, server, "dropped").prepare("DELETE FROM tenant WHERE id=2")
        late = Xa(bench, connect, server, "late").prepare("INSERT INTO tenant VALUES (3,'late')")
        server.kill()
        server.start()
        again(bench)
        assert set(prepared(bench.writer)) == {kept.xid, dropped.xid, late.xid}
        bench.write("INSERT INTO tenant VALUES (4,'d')")
        bench.check()
        kept.decide("COMMIT")
        dropped.decide("ROLLBACK")
        bench.check()
        late.decide("COMMIT")
        bench.check()
        assert not held(bench)


@pytest.mark.parametrize("decision", ["COMMIT", "ROLLBACK"])
def test_the_copy_waits_for_those_from_before(
    server: Server, database: Callable[..., str], connect: Connect, tmp_path: Path, decision: str
) -> None:
    source, target, state = (database(server, role) for role in ("source", "target", "state"))
    writer, other = connect(server, source), connect(server, source)
    execute(writer, "CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL)")
    execute(writer, "INSERT INTO t VALUES (1, 1), (2, 2)")
    execute(writer, f"CREATE TABLE {target}.t LIKE t")
    name = f"'{source}'"
    for statement in (f"XA START {name}", "UPDATE t SET v = 100 WHERE id = 1", f"XA END {name}", f"XA PREPARE {name}"):
        execute(writer, statement)
    (tmp_path / "transforms.py").write_text("from replicator import copy_table\ncopy_table('t')\n")
    (tmp_path / "replicator.toml").write_text(
        f'[migration]\nname = "xa"\ntransforms = "transforms.py"\nstate_database = "{state}"\n'
        + "".join(
            f'[{role}]\nurl = "{server.url(name)}"\npassword_file = "{server.password_file}"\n'
            for role, name in (("source", source), ("target", target))
        )
    )
    progress = Progress("xa")
    migration = Migration(load(tmp_path / "replicator.toml", {}), progress)
    running = threading.Thread(target=lambda: migration.run(once=True))
    running.start()
    try:
        waited = threading.Event()
        while "XA" not in progress.snapshot()["activity"]:
            assert running.is_alive()
            waited.wait(0.05)
        assert xid(source.encode(), b"", 1) in progress.snapshot()["activity"]
        assert progress.phase == "preparing"
        execute(other, "INSERT INTO t VALUES (3, 3)")
    finally:
        execute(writer, f"XA {decision} {name}")
        running.join(60)
    assert value(other, f"SELECT v FROM {target}.t WHERE id = 1") == (100 if decision == "COMMIT" else 1)
    assert rows(other, f"SELECT * FROM {target}.t") == rows(other, "SELECT * FROM t")
