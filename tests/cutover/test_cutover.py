"""The switch under traffic: no acknowledged write is lost, no client gets an error."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from replicator.demo.servers import Server
from tests.cutover.world import Clients, CopyingStream, make_world


def test_every_acknowledged_write_is_in_the_new_tables(server: Server, database: Callable[..., str], tmp_path: Path) -> None:
    world = make_world(server, database, tmp_path)
    stream = CopyingStream(world)
    steps: list[tuple[str, str, float | None]] = []
    with Clients(world) as clients:
        time.sleep(0.5)
        clients.forget_times()
        outcome = world.cutover(stream, report=lambda *step: steps.append(step))
        before = clients.count
        time.sleep(0.3)
        assert clients.count > before
    assert outcome is not None
    for step in steps:
        print(step)
    print(server.flavour, outcome, f"longest {clients.longest * 1000:.0f} ms", clients.count, clients.errors)
    assert world.switched()
    assert stream.stopped
    clients.check()
    assert not clients.errors
