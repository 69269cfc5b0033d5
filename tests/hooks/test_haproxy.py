"""The worked example: clients know one address, behind which HAProxy moves from one server to the other and back."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import pytest

from replicator.demo.servers import Server
from replicator.mysql.connection import Connection, execute, rows
from tests.conftest import ServerPair
from tests.hooks import traffic
from tests.hooks.world import ApartShop, drop_rest, make_apart_shop

EXAMPLE = Path(__file__).parents[2] / "ops/hooks/haproxy"
PASSWORD = "an application's"
HAPROXY = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def haproxy(environment: dict[str, str]) -> Iterator[None]:
    assert HAPROXY is not None
    process = subprocess.Popen(
        [HAPROXY, "-db", "-q", "-f", str(EXAMPLE / "haproxy.cfg")], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        while not Path(environment["HAPROXY_SOCKET"]).exists():
            assert process.poll() is None
            time.sleep(0.01)
        yield
    finally:
        process.terminate()
        process.wait()
        Path(environment["HAPROXY_SOCKET"]).unlink(missing_ok=True)


class Clients(traffic.Clients):
    """They look for the new tables, and know nothing else of where they are."""

    def __init__(self, shop: ApartShop, port: int, **more: int) -> None:
        super().__init__(shop, **more)
        self._port = port

    def _moved(self, side: str) -> bool:
        return not side

    def _enter(self) -> tuple[str, Connection]:
        connection = enter(self._shop, self._port)
        return "target" if rows(connection, "SHOW TABLES LIKE 'offers'") else "source", connection


def enter(shop: ApartShop, port: int) -> Connection:
    return pymysql.connect(
        host="127.0.0.1", port=port, user="app", password=PASSWORD, database=shop.source, charset="utf8mb4"
    )


def account(on: Server, database: str) -> None:
    with pymysql.connect(**on.connect_args(), autocommit=True) as connection:
        execute(connection, "CREATE USER IF NOT EXISTS 'app'@'127.0.0.1' IDENTIFIED BY %s", (PASSWORD,))
        execute(connection, f"GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.* TO 'app'@'127.0.0.1'")


@pytest.fixture
def shop(
    apart: ServerPair, database: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ApartShop]:
    if HAPROXY is None:
        reason = "no haproxy is installed: run ops/install/install.sh"
        pytest.fail(reason, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(reason)
    monkeypatch.setenv("HAPROXY_SOCKET", str(tmp_path / "socket"))
    monkeypatch.setenv("HAPROXY_STATE", str(tmp_path / "state"))
    made = make_apart_shop(apart, database, tmp_path, EXAMPLE)
    for on in (apart.source, apart.target):
        account(on, made.source)
    yield made
    made.stop()
    drop_rest(made)


def test_clients_behind_haproxy_come_over_and_back(shop: ApartShop) -> None:
    port = free_port()
    environment = {
        **os.environ,
        "LISTEN": f"127.0.0.1:{port}",
        "SOURCE": f"127.0.0.1:{shop.server.port}",
        "TARGET": f"127.0.0.1:{shop.other.port}",
    }
    with haproxy(environment):
        with Clients(shop, port, seed=1) as clients:
            shop.start()
            shop.until_verified("replicating")
            clients.longest = 0.0
            shop.ask("cutover")
            shop.until_verified("reversing")
            shop.until(lambda written=clients.written: clients.written > written + 30, "writing")  # type: ignore[misc]
        print(shop.server.flavour, clients.written, f"{clients.longest:.3f} s", clients.errors)
        assert not clients.surprises
        assert len(clients.refused) <= 1  # held, not turned away, but for the one who is let through
        (shop.folder / "route").write_text("target")
        clients.check()
    with haproxy(environment):  # restarted: it goes on where it was
        with enter(shop, port) as connection:
            assert rows(connection, "SHOW TABLES LIKE 'offers'")
        with Clients(shop, port, seed=2) as more:
            more_before = more.written
            shop.until(lambda: more.written > more_before + 20, "writing")
            shop.ask("rollback")
            shop.until(lambda written=more.written: more.written > written + 20, "writing")  # type: ignore[misc]
        assert not more.surprises
        (shop.folder / "route").write_text("source")
        more.check(clients)
        assert set(more.acknowledged.values()) == {"source", "target"}
