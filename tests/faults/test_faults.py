"""What servers and networks do to a running stream: nothing is lost, nothing comes twice, and what ends it says why."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pymysql
import pytest

from replicator.binlog.safe_position import current_position
from replicator.config import load
from replicator.demo.servers import Flavour, Server
from replicator.errors import StreamError, TargetError, WrongState
from replicator.migration import Migration
from replicator.mysql.connection import connected, execute, rows, value
from replicator.progress import Progress
from tests.apply.test_stream import Bench


@pytest.fixture
def bench(server: Server, database: Callable[..., str]) -> Iterator[Bench]:
    made = Bench(server, database(server, "src"), database(server, "tgt"), database(server, "state"))
    made.begin()
    try:
        yield made
    finally:
        made.close()


def test_killed_connections_are_opened_again(bench: Bench) -> None:
    """Whichever statement of the applier or of the reader they were in."""
    done = threading.Event()
    killed: set[int] = set()
    own = {value(connection, "SELECT CONNECTION_ID()") for connection in (bench.writer, bench.reader)}

    def kill() -> None:
        with connected(bench.target) as control:
            while not done.wait(0.02):
                for number, command in rows(
                    control,
                    "SELECT id, command FROM information_schema.processlist WHERE (db = %s OR command LIKE 'Binlog Dump%%')"
                    " AND id <> CONNECTION_ID()",
                    (bench.target.database,),
                ):
                    if number not in own and len(killed) < 30 and command != "Daemon":
                        killed.add(number)
                        with suppress(pymysql.MySQLError):  # it has ended by itself
                            execute(control, f"KILL {number}")

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        for number in range(1, 120):
            bench.write(f"INSERT INTO booking VALUES ({number}, {number % 5}, 'x', 'c{number}')",
                        f"UPDATE booking SET note = 'y' WHERE id = {number // 2}")  # fmt: skip
    finally:
        done.set()
        killer.join()
    assert killed
    bench.check()


def test_a_moved_checkpoint_is_noticed(bench: Bench) -> None:
    """Somebody else applies, or the target has lost what it had committed."""
    bench.write("INSERT INTO tenant VALUES (1, 'a')")
    bench.check()
    execute(bench.reader, f"UPDATE {bench.state.table('checkpoint')} SET pos = pos - 1")
    bench.write("INSERT INTO tenant VALUES (2, 'b')")
    with pytest.raises(TargetError, match=r"no longer at .*another daemon applies the same migration, or the target was rest"):
        bench.stream.wait_applied(current_position(bench.writer), 20)
    assert rows(bench.reader, "SELECT id FROM tenant") == ((1,),)


def test_a_target_that_lost_its_last_commits_gets_them_again(bench: Bench) -> None:
    """Rows and checkpoint are lost together, as they were committed."""
    bench.write("INSERT INTO tenant VALUES (1, 'a')", "INSERT INTO service VALUES (1, 1, 's', 0)")
    bench.check()
    bench.stream.stop()
    before = rows(bench.reader, f"SELECT file, pos, gtid FROM {bench.state.table('checkpoint')}")[0]
    bench.start()
    bench.write("UPDATE tenant SET name = 'b'", "INSERT INTO booking VALUES (1, 1, 'x', 'k')")
    bench.check()
    bench.stream.stop()
    execute(bench.reader, "UPDATE tenant SET label = 'a'")
    execute(bench.reader, "DELETE FROM booking")
    execute(bench.reader, "DELETE FROM event WHERE kind = 'booking'")
    execute(bench.reader, "UPDATE event SET text = 'a'")
    execute(bench.reader, f"UPDATE {bench.state.table('checkpoint')} SET file = %s, pos = %s, gtid = %s", before)
    bench.start()
    bench.write("INSERT INTO booking VALUES (2, 1, 'y', 'l')")
    bench.check()


def test_a_second_daemon_is_kept_out_until_the_first_one_is_gone(
    server: Server, database: Callable[..., str], tmp_path: Path
) -> None:
    source, target, state = (database(server, role) for role in ("source", "target", "state"))
    (tmp_path / "replicator.toml").write_text(
        f'[migration]\nname = "twice"\ntransforms = "."\nstate_database = "{state}"\n'
        + "".join(
            f'[{role}]\nurl = "{server.url(name)}"\npassword_file = "{server.password_file}"\n'
            for role, name in (("source", source), ("target", target))
        )
    )
    config = load(tmp_path / "replicator.toml", {})
    first, second = Migration(config, Progress("twice")), Migration(config, Progress("twice"))
    with first.home.alone():
        with pytest.raises(WrongState, match="another daemon runs the migration twice") as refused:
            second.run(once=True)
        assert refused.value.exit_code == 4
    with second.home.alone():
        pass


@pytest.mark.parametrize("flavour", ["mariadb", "mysql"])
def test_damage_on_the_source_s_disk_stops_with_its_place(
    flavour: Flavour, new_server: Callable[..., Server], database: Callable[..., str]
) -> None:
    server = new_server(flavour)
    made = Bench(server, database(server, "src"), database(server, "tgt"), database(server, "state"))
    made.begin()
    try:
        made.write("INSERT INTO tenant VALUES (1, 'before')")
        made.check()
        made.stream.stop()
        file = current_position(made.writer).file
        made.write("INSERT INTO tenant VALUES (2, 'to be damaged')")
        made.write("INSERT INTO tenant VALUES (3, 'behind')")
        execute(made.writer, "FLUSH BINARY LOGS")
        path = server.datadir / file
        content = path.read_bytes()
        path.write_bytes(content[::-1].replace(b"to be damaged"[::-1], b"to be DAMAGED"[::-1], 1)[::-1])
        made.start()
        with pytest.raises(StreamError, match=rf"{file}:\d+ has a wrong checksum.*5 times, so it is on disk"):
            made.stream.wait_applied(current_position(made.writer), 30)
        assert rows(made.reader, "SELECT id FROM tenant") == ((1,),)
    finally:
        made.close()
