"""A target that is restored from the dump of ops/backup goes on where the dump was taken; halves of it are noticed."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from replicator.mysql.connection import execute
from tests.conftest import ServerPair
from tests.faults.world import World, make_world

README = Path(__file__).parents[2] / "ops/backup/README.md"
DUMP = {"mariadb": "mariadb-dump", "mysql": "mysqldump"}
CLIENT = {"mariadb": "mariadb", "mysql": "mysql"}


@pytest.fixture
def world(server_pair: ServerPair, tmp_path: Path) -> Iterator[World]:
    """A migration within one server."""
    with ExitStack() as stack:
        yield stack.enter_context(make_world(server_pair, tmp_path))


def client(world: World, name: str, *arguments: str) -> list[str]:
    server = world.target
    options = world.folder / "client.cnf"
    options.touch(mode=0o600)
    options.write_text(f'[client]\nuser=root\npassword="{server.password}"\nsocket="{server.socket}"\n')
    return [str(server.installation.program(name)), f"--defaults-file={options}", *arguments]


def dump(world: World, *roles: str) -> Path:
    """As the page says, of these databases or all that it names."""
    (line,) = [line for line in README.read_text().splitlines() if line.startswith(DUMP[world.target.flavour] + " ")]
    _, *arguments = shlex.split(line.partition(" > ")[0])
    options, databases = arguments[:-2], arguments[-2:]
    assert databases == ["shop_new", "_replicator"]
    written = world.folder / f"{'-'.join(roles)}.sql"
    with written.open("wb") as out:
        names = [world.names[role] for role in roles or ("target", "state")]
        command = client(world, DUMP[world.target.flavour], *options, *names)
        subprocess.run(command, stdout=out, check=True)
    return written


def restore(world: World, written: Path) -> None:
    with written.open("rb") as script:
        subprocess.run(client(world, CLIENT[world.target.flavour]), stdin=script, check=True)


def lose(world: World, *roles: str) -> None:
    connection = world.on("target")
    for role in roles:
        execute(connection, f"DROP DATABASE {world.names[role]}")


def verified(world: World) -> int:
    """The exit code of `replicator verify`, in the daemon that runs."""
    assert world._run is not None
    *_, last = world._run.daemon.answer("verify", {})
    return int(last["exit_code"])


def dumped(world: World) -> Path:
    """A dump under traffic, behind which there is more."""
    with world.traffic() as traffic:
        world.replicating()
        traffic.more()
        written = dump(world)
        traffic.more()
    world.equal()
    world.stop()
    return written


def test_target_and_state_of_one_moment_go_on(world: World) -> None:
    written = dumped(world)
    newest = world.applied()
    lose(world, "target", "state")
    restore(world, written)
    assert newest is not None
    older = world.applied()
    assert older is not None
    assert older.order < newest.order
    with world.traffic() as traffic:
        world.replicating()
        traffic.more()
    world.equal()
    assert verified(world) == 0


@pytest.mark.parametrize("lost", ["target", "state"])
def test_one_without_the_other_is_noticed_or_mended(world: World, lost: str) -> None:
    """The half that is older is what the dump holds; the other one stays as it is."""
    written = dumped(world)
    kept = "state" if lost == "target" else "target"
    newer = dump(world, kept)
    lose(world, "target", "state")
    restore(world, written)
    restore(world, newer)
    run = world.replicating()
    if lost == "target":
        run.until(lambda: any(table["mismatched_rows"] for table in world.status()["tables"]), "notice what is missing")
        *_, last = run.daemon.answer("verify", {"repair": True})
        assert last["exit_code"] == 0
    world.equal()
    assert verified(world) == 0
