"""The real daemon, killed by the very hooks that it calls; and what it leaves when a person has to look."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from replicator.demo.servers import Server
from replicator.errors import SourceError, TargetError
from replicator.mysql.connection import execute
from replicator.state import read_status
from tests.conftest import ServerPair
from tests.hooks.traffic import Clients
from tests.hooks.world import ApartShop, drop_rest, make_apart_shop

COMMAND = [sys.executable, "-m", "replicator", "--config"]
PATIENCE = 60


@pytest.fixture
def shop(apart: ServerPair, database: Callable[..., str], tmp_path: Path) -> Iterator[ApartShop]:
    made = make_apart_shop(apart, database, tmp_path)
    yield made
    drop_rest(made)


def daemon(shop: ApartShop) -> subprocess.Popen[bytes]:
    if read_status(shop.config) is not None:  # that of the one before says nothing of this one
        with shop.connect("target", autocommit=True) as connection:
            execute(connection, f"UPDATE `{shop.config.migration.state_database}`.migration SET status = NULL")
    with (shop.folder / "log").open("ab") as log:
        return subprocess.Popen([*COMMAND, str(shop.config.path), "run"], stdout=log, stderr=log)


def until(shop: ApartShop, process: subprocess.Popen[bytes], phase: str, *away: int) -> subprocess.Popen[bytes]:
    """The daemon is in that phase, and every table is verified in it. One that ended with a code of `away` is started again."""
    deadline = time.monotonic() + PATIENCE
    while True:
        status = read_status(shop.config) or {}
        tables = status.get("tables") or [{}]
        if status.get("phase") == phase and all(table.get("verified_at") for table in tables):
            return process
        if process.poll() in away:
            process = daemon(shop)
        assert process.poll() is None, (shop.folder / "log").read_text()[-3000:]
        assert time.monotonic() < deadline, status
        time.sleep(0.05)


def cutover(shop: ApartShop) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, str(shop.config.path), "cutover"], capture_output=True, text=True, timeout=PATIENCE)


def test_a_daemon_that_its_own_hooks_kill(shop: ApartShop) -> None:
    route = "echo $REPLICATOR_TO > new; mv new route"
    for hook, text in (("on_freeze", "true"), ("on_switch", route)):
        shop.write_hook(hook, f"[ -e {hook}-killed ] || {{ touch {hook}-killed; kill -9 $PPID; }}\n{text}")
    unfreeze = '[ "$REPLICATOR_OUTCOME" != done ] || [ -e killed ] || { touch killed; kill -9 $PPID; }'
    shop.write_hook("on_unfreeze", unfreeze)
    with Clients(shop) as clients:
        process = daemon(shop)
        until(shop, process, "replicating")
        assert cutover(shop).returncode != 0
        assert process.wait(PATIENCE) == -9
        process = daemon(shop)
        until(shop, process, "replicating")
        assert "source" in shop.open_sides()
        assert shop.side == "source"
        assert cutover(shop).returncode != 0  # killed in on_switch
        assert process.wait(PATIENCE) == -9
        assert shop.open_sides() == ["target"], (shop.folder / "log").read_text()[-4000:]
        assert daemon(shop).wait(PATIENCE) == -9  # calls on_switch again, and is killed in on_unfreeze
        process = daemon(shop)
        until(shop, process, "reversing")
        written = clients.written
        while clients.written < written + 10:
            time.sleep(0.01)
    process.terminate()
    assert process.wait(PATIENCE) == 0
    assert shop.open_sides() == ["target"]
    clients.check()


def test_in_doubt_the_daemon_ends_with_9_and_goes_on_when_it_is_mended(shop: ApartShop) -> None:
    (shop.folder / "hooks" / "on_abort").unlink()
    shop.write_hook("on_switch", "[ -e mended ]; echo $REPLICATOR_TO > new; mv new route")
    process = daemon(shop)
    until(shop, process, "replicating")
    done = cutover(shop)
    assert done.returncode == 9
    assert "on_switch" in done.stderr + done.stdout
    assert process.wait(PATIENCE) == 9
    assert shop.open_sides() == ["target"]  # where no traffic goes yet
    assert daemon(shop).wait(PATIENCE) == 9
    aborted = subprocess.run([*COMMAND, str(shop.config.path), "abort"], capture_output=True, text=True, timeout=PATIENCE)
    assert aborted.returncode == 4
    (shop.folder / "mended").touch()
    process = daemon(shop)
    until(shop, process, "reversing")
    process.terminate()
    assert process.wait(PATIENCE) == 0


def test_servers_that_die_while_the_traffic_moves(
    new_server: Callable[..., Server], database: Callable[..., str], tmp_path: Path
) -> None:
    """Each time the one that it moves to, where its binlog and, on the way there, the state are asked for next."""
    pair = ServerPair(new_server("mariadb"), new_server("mariadb"))
    shop = replace(make_apart_shop(pair, database, tmp_path), tcp=True)
    shop.write_hook(
        "on_switch",
        "echo $REPLICATOR_TO > new; mv new route; [ -e $REPLICATOR_TO-killed ] || { touch $REPLICATOR_TO-killed;"
        " kill -9 $(cat $REPLICATOR_TO-pid); }",
    )
    process = daemon(shop)
    for side, server, command, before, phase in (
        ("target", pair.target, "cutover", "replicating", "reversing"),
        ("source", pair.source, "rollback", "reversing", "replicating"),
    ):
        process = until(shop, process, before)
        (tmp_path / f"{side}-pid").write_text(str(server.pid))
        with Clients(shop, seed=server.port) as clients:
            asked = subprocess.Popen([*COMMAND, str(shop.config.path), command], stderr=subprocess.PIPE, text=True)
            while server.pid is not None:
                assert asked.poll() is None, asked.communicate()
                time.sleep(0.005)
            server.start()
            assert asked.wait(PATIENCE) == 0, asked.communicate()
            asked.communicate()
            assert shop.side == side
            process = until(shop, process, phase, SourceError.exit_code, TargetError.exit_code)
            written = clients.written
            while clients.written < written + 10:
                time.sleep(0.01)
        clients.check()
    process.terminate()
    assert process.wait(PATIENCE) == 0
