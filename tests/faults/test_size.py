"""One parent of very many rows, and a transaction as large: in little memory, and soon."""

from __future__ import annotations

import pytest

from replicator.mysql.connection import execute
from tests.benchmarks.daemon import daemon
from tests.benchmarks.table import DIGITS
from tests.faults.world import World

MEGABYTES = 200
"""What `make bench` holds the daemon to as well."""
NUMBERS = (
    "(SELECT 1000 + a.i + 10 * b.i + 100 * c.i + 1000 * d.i + 10000 * e.i AS id"
    f" FROM {', '.join(f'{DIGITS} {name}' for name in 'abcde')}) AS numbers"
)
"""A hundred thousand of them."""


@pytest.mark.slow
def test_a_hundred_thousand_children(world: World) -> None:
    """They take their parent's new name; then as many rows come in one transaction."""
    source = world.on("source")
    execute(source, f"INSERT INTO orders SELECT id, 1, 7 FROM {NUMBERS}")
    execute(source, "ANALYZE TABLE orders")
    with daemon(world.config, world.folder) as running:
        running.until_replicating()
        execute(source, "UPDATE customers SET name = 'of a hundred thousand' WHERE id = 1")
        running.until_applied()
        execute(source, f"INSERT INTO customers SELECT id, CONCAT('customer ', id) FROM {NUMBERS}")
        running.until_applied()
        assert running.peak / 1e6 < MEGABYTES
    world.compare()
