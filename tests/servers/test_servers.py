"""The private servers start, stop, crash, come back, and end with whoever launched them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pymysql
import pytest

from replicator.demo import installation
from replicator.demo.servers import FLAVOURS, Flavour, Server, ServerFailed, find_flavours, launch
from replicator.mysql.connection import Connection
from tests.conftest import ServerPair, demand

Connect = Callable[..., Connection]
CreateDatabase = Callable[..., str]


def value(connection: Connection, query: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = cursor.fetchone()
    assert found is not None
    return found[0]


def pid_of(server: Server) -> int:
    assert server.pid is not None
    return server.pid


def ended(pid: int, seconds: float = 10.0) -> bool:
    """Whether a process that is not our child is gone within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":  # killed; its reaper is not ours
            return True
        time.sleep(0.02)
    return False


def test_gives_exactly_the_settings_that_the_stream_needs(server: Server, connect: Connect) -> None:
    connection = connect(server)
    wanted = {
        "log_bin": 1,
        "binlog_format": "ROW",
        "binlog_row_image": "FULL",
        "binlog_row_metadata": "FULL",
        "local_infile": 1,
        "character_set_server": "utf8mb4",
        "server_id": server.port,
        "port": server.port,
    }
    assert {name: value(connection, f"SELECT @@{name}") for name in wanted} == wanted
    if server.flavour == "mysql":
        assert value(connection, "SELECT @@gtid_mode") == "ON"
    assert str(value(connection, "SELECT VERSION()")).startswith(server.version)


def test_root_connects_through_socket_and_network_and_nobody_without_password(server: Server, connect: Connect) -> None:
    for tcp in (False, True):
        assert value(connect(server, **server.connect_args(tcp=tcp)), "SELECT 1") == 1
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            pymysql.connect(**{**server.connect_args(tcp=tcp), "password": ""})
    assert server.password_file.read_text() == server.password
    assert server.password_file.stat().st_mode & 0o777 == 0o600
    assert server.password not in repr(server)


def test_the_password_is_in_no_argument_list(server: Server) -> None:
    arguments = b"".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.parent.exists())
    assert server.password.encode() not in arguments


def test_shows_who_waits_for_which_metadata_lock(server: Server, database: CreateDatabase, connect: Connect) -> None:
    name = database(server)
    holder, looker = connect(server, name, autocommit=False), connect(server)
    with holder.cursor() as cursor:
        cursor.execute("CREATE TABLE held (id INT PRIMARY KEY)")
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM held")
    if server.flavour == "mysql":
        query = (
            "SELECT processlist_id FROM performance_schema.metadata_locks JOIN performance_schema.threads"
            f" ON thread_id = owner_thread_id WHERE object_schema = '{name}' AND object_name = 'held'"
        )
    else:
        query = (
            "SELECT thread_id FROM information_schema.metadata_lock_info"
            f" WHERE table_schema = '{name}' AND table_name = 'held'"
        )
    assert value(looker, query) == value(holder, "SELECT CONNECTION_ID()")


def test_databases_are_fresh_and_dropped(server: Server, database: CreateDatabase, connect: Connect) -> None:
    first, second = database(server), database(server)
    assert first != second
    assert value(connect(server, first), "SELECT DATABASE()") == first


@pytest.mark.cross
def test_pairs_are_like_and_unlike(server_pair: ServerPair) -> None:
    assert server_pair.same == (server_pair.source.flavour == server_pair.target.flavour)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_comes_back_with_its_data_at_the_same_place(
    flavour: Flavour, new_server: Callable[..., Server], connect: Connect
) -> None:
    server = new_server(flavour, durable=True, options=("--max-connections=77",))
    connection = connect(server)
    assert value(connection, "SELECT CONCAT(@@innodb_flush_log_at_trx_commit, @@sync_binlog)") == "11"
    assert value(connection, "SELECT @@max_connections") == 77
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE kept")
        cursor.execute("CREATE TABLE kept.t (id INT PRIMARY KEY)")
        cursor.execute("INSERT INTO kept.t VALUES (1)")
    port, pid = server.port, pid_of(server)

    server.kill()
    assert server.pid is None
    assert ended(pid)
    server.start()
    assert value(connect(server), "SELECT id FROM kept.t") == 1
    assert value(connect(server, **server.connect_args(tcp=True)), "SELECT @@port") == port

    server.stop()
    assert server.pid is None
    server.stop()  # nothing to do
    server.start()
    server.start()  # nothing to do
    assert value(connect(server), "SELECT id FROM kept.t") == 1

    pid, folder = pid_of(server), server.folder
    server.discard()
    assert ended(pid)
    assert not folder.exists()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_server_that_cannot_start_shows_its_log(flavour: Flavour, new_server: Callable[..., Server]) -> None:
    with pytest.raises(ServerFailed, match=r"(?s)ended while starting.*no-such-option"):
        new_server(flavour, options=("--no-such-option=1",))


def test_a_missing_server_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(installation, "_DAEMON_FOLDERS", ())
    find_flavours.cache_clear()
    try:
        assert find_flavours() == {}
        with pytest.raises(ServerFailed, match=r"ops/install/install\.sh"), launch("mysql"):
            pass
    finally:
        find_flavours.cache_clear()


OWNER = """
import sys, threading, time
from replicator.demo.servers import launch

def start():
    stack = launch(sys.argv[1])
    server = stack.__enter__()
    owned.append(stack)
    print(server.pid, server.folder, server._runs[-1].guard.pid, flush=True)

owned = []
starter = threading.Thread(target=start)  # it ends, the process goes on: the server must, too
starter.start()
starter.join()
time.sleep(600)
"""


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("victim", ["owner", "guard"])
def test_a_server_ends_with_its_owner_however_that_dies(flavour: Flavour, victim: str) -> None:
    demand(flavour)
    with subprocess.Popen([sys.executable, "-c", OWNER, flavour], stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            pid, folder, guard = owner.stdout.readline().split()
            time.sleep(0.2)
            assert not ended(int(pid), 0.1), "it has to outlive the thread that started it"
            os.kill(owner.pid if victim == "owner" else int(guard), signal.SIGKILL)
            assert ended(int(pid))
            if victim == "owner":
                assert ended(int(guard))
                assert not Path(folder).exists()
        finally:
            owner.kill()
            if victim == "guard":
                subprocess.run(["rm", "-rf", folder], check=True)
