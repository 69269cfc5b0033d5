"""A small migration in mode hooks whose stream is a stand-in, and clients that go where a file says.

Both databases are on one server, which the engine does not know: it opens, closes and asks each side by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import pymysql

from replicator import config as configs
from replicator import state as states
from replicator.cutover.crossing import cross
from replicator.cutover.hold import Outcome
from replicator.demo.servers import Server
from replicator.mysql.connection import error_code, rows
from tests.cutover.world import CopyingStream, World, make_world
from tests.writers import Routed


@dataclass(frozen=True)
class Light:
    """One migration in the state `replicating`."""

    world: World
    folder: Path

    @property
    def route(self) -> str:
        return (self.folder / "route").read_text().strip()

    def hook(self, name: str, text: str, *, called: bool = True) -> None:
        path = self.folder / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        mark = "echo $REPLICATOR_HOOK >> called\n" if called else ""
        path.write_text(f"#!/bin/sh\nset -eu\ncd {self.folder}\n{mark}{text}\n")
        path.chmod(0o755)

    @property
    def called(self) -> list[str]:
        path = self.folder / "called"
        return path.read_text().split() if path.exists() else []

    def cross(self, stream: Any = None, *, max_freeze: float = 5.0, **more: Any) -> Outcome | None:
        return cross(
            self.world.config,
            self.world.plan,
            stream or CopyingStream(self.world),
            back=False,
            max_freeze=max_freeze,
            kill_blockers=False,
            dry_run=more.get("dry_run", False),
            progress=self.world.progress(),
            report=more.get("report", lambda *_: None),
        )

    def open_side(self) -> str:
        """`source` or `target`; asserts that it is one of the two worlds, whole, with traffic where it belongs."""
        world, moves = self.world, self.world.moves
        source, archive = world.tables(world.source), world.tables(world.archive)
        assert world.tables(world.target) == set(moves.new)
        with world.connection() as connection:
            state = states.of(world.config)
            phase = state.phase(connection)
            assert state.intent(connection) is None
        side = "target" if archive else "source"
        if side == "target":
            assert archive == set(moves.leaving)
            assert source == {"sessions"}
        else:
            assert source == set(moves.leaving) | {"sessions"}
        assert phase == {"source": "replicating", "target": "reversing"}[side]
        assert self.route == side
        return side


def make_light(server: Server, database: Callable[..., str], folder: Path, *, tcp: bool = False) -> Light:
    world = make_world(server, database, folder, tcp=tcp)
    path = folder / "replicator.toml"
    path.write_text(path.read_text() + 'mode = "hooks"\n')
    world = replace(world, config=configs.load(path, {}))
    (folder / "route").write_text("source")
    light = Light(world, folder)
    light.hook("on_switch", "echo target > new; mv new route")
    light.hook("on_abort", "echo source > new; mv new route")
    light.hook("on_freeze", "true")
    light.hook("on_unfreeze", "true")
    return light


class Clients(Routed):
    """Threads that insert one row a transaction on the side that the route names, and remember what was acknowledged."""

    def __init__(self, light: Light, count: int = 3) -> None:
        super().__init__(light.folder, count)
        self._light = light

    def __enter__(self) -> Self:
        super().__enter__()
        self.go_on()
        return self

    def _write(self, number: int) -> None:
        world, serial, connection = self._light.world, 0, None
        while not self._stop.wait(0.005):
            serial += 1
            note, sent = f"{number}-{serial}", False
            side = self._light.route
            schema = world.source if side == "source" else world.target
            try:
                if connection is None:
                    connection = pymysql.connect(**world.server.connect_args(tcp=world.tcp), autocommit=True)
                with connection.cursor() as cursor:
                    sent = True
                    cursor.execute(f"INSERT INTO {schema}.customers (note) VALUES (%s)", (note,))
                self.acknowledged[note] = side
            except (pymysql.MySQLError, OSError) as error:
                code = error_code(error)
                self.errors[code] += 1
                if sent and code != 1146:  # no such table: nothing was written
                    self.doubtful.add(note)
                if connection is not None and not connection.open:
                    connection = None
        if connection is not None and connection.open:
            connection.close()

    def check(self) -> None:
        """Every acknowledged write stands once where the traffic is now, and no other but what was in doubt."""
        world = self._light.world
        schema = world.source if self._light.open_side() == "source" else world.target
        with world.connection() as connection:
            found = Counter(note for (note,) in rows(connection, f"SELECT note FROM {schema}.customers"))
        lost = {note: side for note, side in self.acknowledged.items() if note not in found}
        assert not lost
        assert not [note for note, times in found.items() if times > 1]
        assert set(found) <= set(self.acknowledged) | self.doubtful
