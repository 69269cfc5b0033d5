"""The daemon is killed on its way back, and in the middle of rollbacks: each ends in one of two worlds, and nothing is lost."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pymysql
import pytest

from replicator import state as states
from replicator.commands import current_status
from replicator.demo.servers import Server
from replicator.errors import ReplicatorError
from replicator.mysql.connection import rows
from tests.differential.daemon import Daemon
from tests.differential.zygote import Zygote
from tests.reverse.traffic import Clients
from tests.reverse.world import Shop, make_shop

ROLLBACKS = 2


@pytest.fixture
def shop(server: Server, database: Callable[..., str], tmp_path: Path) -> Shop:
    return make_shop(server, database, tmp_path)


@pytest.fixture
def daemon(shop: Shop) -> Iterator[Daemon]:
    with pymysql.connect(**shop.server.connect_args(), autocommit=True) as look, closing(Zygote()) as zygote:
        made = Daemon(shop.config.folder, "shop", shop.config.migration.state_database, look, zygote)
        yield made
        made.discard()


def until_verified(shop: Shop, daemon: Daemon, *phases: str) -> str:
    """In one of the phases, and every table proved without a difference."""
    seen: list[str] = []

    def proved() -> bool:
        try:
            status = current_status(shop.config)
        except ReplicatorError:
            return False
        tables = status["tables"]
        if status["phase"] not in phases or not tables or not all(table["verified_at"] for table in tables):
            return False
        differing = [table["table"] for table in tables if table["mismatched_rows"]]
        assert not differing, (status["phase"], told(command(shop, "verify")))
        seen.append(status["phase"])
        return True

    daemon.until(proved, f"verify while {' or '.join(phases)}", 60)
    return seen[-1]


def command(shop: Shop, name: str) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "replicator", "--config", str(shop.config.path), name]
    return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def told(asked: subprocess.Popen[bytes]) -> tuple[int, str]:
    _, text = asked.communicate(timeout=60)
    return asked.returncode, text.decode()


def test_killed_on_the_way_back(shop: Shop, daemon: Daemon) -> None:
    chance = random.Random(7)
    worlds: list[str] = []
    with Clients(shop, seed=3) as clients:
        daemon.start()
        until_verified(shop, daemon, "replicating")
        code, text = told(command(shop, "cutover"))
        assert code == 0, text
        for _ in range(2):
            time.sleep(chance.random() * 0.7)
            daemon.kill("group")
            daemon.start()
        until_verified(shop, daemon, "reversing")
        for _ in range(ROLLBACKS):
            asked = command(shop, "rollback")
            time.sleep(0.3 + chance.random() * 1.6)
            daemon.kill("group")
            asked.communicate(timeout=60)
            daemon.start()
            worlds.append(until_verified(shop, daemon, "reversing", "replicating"))
            if worlds[-1] == "replicating":
                code, text = told(command(shop, "cutover"))
                assert code == 0, text
                until_verified(shop, daemon, "reversing")
        code, text = told(command(shop, "rollback"))
        assert code == 0, text
    until_verified(shop, daemon, "replicating")
    print(shop.server.flavour, worlds, clients.written, clients.errors)
    daemon.stop()
    with shop.session() as connection:
        assert states.of(shop.config).intent(connection) is None
        assert clients.acknowledged <= {note for (note,) in rows(connection, "SELECT note FROM bookings")}
    assert not clients.surprises
    assert shop.tables(shop.archive) == set()
    assert "offers" in shop.tables(shop.target)
