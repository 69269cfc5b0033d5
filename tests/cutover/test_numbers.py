"""No number that the old tables gave out is given out again by the new ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from replicator.cutover.increments import next_numbers, raising, sources_of_numbers
from replicator.demo.servers import Server
from replicator.mysql.connection import execute, value
from tests.cutover.world import CopyingStream, make_world


def test_numbers_used_up_by_rows_that_are_gone(server: Server, database: Callable[..., str], tmp_path: Path) -> None:
    world = make_world(server, database, tmp_path)
    moves, origins = world.moves, sources_of_numbers(world.plan, world.moves)
    assert origins["orders"] == {"orders"}

    def late(step: str) -> None:
        """Used up after the freeze began, as by a transaction that was rolled back in its last moment."""
        if step == "prepare":
            world.execute(
                f"INSERT INTO {world.source}.payments (note) VALUES ('a'), ('b')", f"DELETE FROM {world.source}.payments"
            )

    with world.connection(world.source) as connection:
        for _ in range(5):
            execute(connection, "INSERT INTO orders (note) VALUES ('gone')")
        execute(connection, "DELETE FROM orders")
        assert raising(moves, origins, next_numbers(connection, moves)) == [
            f"ALTER TABLE `{world.target}`.`orders` AUTO_INCREMENT = 6"
        ]
        world.cutover(CopyingStream(world, hook=late))
        execute(connection, "INSERT INTO orders (note) VALUES ('new')")
        assert value(connection, "SELECT id FROM orders") == 6
        execute(connection, "INSERT INTO payments (note) VALUES ('new')")
        assert value(connection, "SELECT id FROM payments") >= 3


def test_a_reserve_is_made_for_what_will_be_used_up(server: Server, database: Callable[..., str], tmp_path: Path) -> None:
    moves = make_world(server, database, tmp_path).moves
    now = {(moves.source, "orders"): 110, (moves.target, "orders"): 108}
    before = {(moves.source, "orders"): 100}
    assert raising(moves, {"orders": {"orders"}}, now, before)[0].endswith("AUTO_INCREMENT = 150")
    assert raising(moves, {"orders": {"orders"}}, {**now, (moves.target, "orders"): 110}) == []
