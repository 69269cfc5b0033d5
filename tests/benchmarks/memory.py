"""(e) Memory: the most that the daemon and each of its copy workers ever held, whatever the size of rows and transactions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from replicator.demo.servers import Flavour, Server
from replicator.mysql.connection import connected
from tests.benchmarks.daemon import Daemon, daemon
from tests.benchmarks.figures import Figure, Sizes, below
from tests.benchmarks.place import DATABASE, STATE, checksum, fill, migration, run, run_all, server
from tests.benchmarks.table import DIGITS, NAME, TABLE, TRANSFORMS, transactions

MEGABYTES = 200.0
WIDE = """
CREATE TABLE documents (id INT UNSIGNED NOT NULL PRIMARY KEY, version INT NOT NULL, body MEDIUMTEXT NOT NULL)
  ENGINE=InnoDB CHARACTER SET utf8mb4
"""
FILL_WIDE = f"""
INSERT INTO documents SELECT n, 1, REPEAT(SHA2(n, 256), 1024)
  FROM (SELECT a.i + 10 * b.i + 100 * c.i + 1000 * d.i + 1 AS n FROM {DIGITS} a, {DIGITS} b, {DIGITS} c, {DIGITS} d) AS numbers
  WHERE n <= {{rows}}
"""
WIDE_TRANSFORMS = """
from replicator import transform

@transform("documents")
def documents(row):
    return {"id": row.id, "version": row.version, "body": row.body.strip()}
"""


def measure(flavour: Flavour, sizes: Sizes) -> list[Figure]:
    """Peaks in three migrations, each verified at its end."""
    figures = []
    with server(flavour) as source, server(flavour) as target:
        fill(source, sizes.copy_rows)
        with _migrating(source, target, TABLE, TRANSFORMS) as running:
            with connected(running.config.source, several=True) as connection:
                run_all(connection, transactions(sizes.transactions, sizes.copy_rows))
            figures += _done("copying and changing the table of 20 columns", running, source, target, NAME)
        fill(source, sizes.long_transaction)
        with _migrating(source, target, TABLE, TRANSFORMS) as running:
            run(source, f"UPDATE {NAME} SET notes = CONCAT('all at once ', id), attempts = attempts + 1")
            figures += _done(f"one transaction of {sizes.long_transaction:,} rows", running, source, target, NAME)
        run(source, f"DROP TABLE {NAME}", WIDE, FILL_WIDE.format(rows=sizes.wide_rows), "ANALYZE TABLE documents")
        with _migrating(source, target, WIDE, WIDE_TRANSFORMS) as running:
            for first in range(1, sizes.wide_rows, 20):
                run(source, f"UPDATE documents SET version = 2 WHERE id BETWEEN {first} AND {first + 19}")
            run(source, "UPDATE documents SET version = 3, body = CONCAT(body, 'x')")
            figures += _done("rows of 64 KB, in small and large transactions", running, source, target, "documents")
    return figures


@contextmanager
def _migrating(source: Server, target: Server, table: str, transforms: str) -> Iterator[Daemon]:
    """A daemon that has copied the source's table."""
    run(target, f"DROP DATABASE {DATABASE}", f"CREATE DATABASE {DATABASE}", f"DROP DATABASE IF EXISTS {STATE}")
    run(target, table)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with daemon(migration(source, target, folder, transforms), folder) as running:
            running.until_replicating()
            yield running


def _done(what: str, running: Daemon, source: Server, target: Server, table: str) -> list[Figure]:
    running.until_applied()
    running.ask("verify")
    assert checksum(target, table) == checksum(source, table)
    figures = [below("e", source.flavour, f"memory of the daemon: {what}", running.peak / 1e6, "MB", MEGABYTES)]
    if running.workers:
        most = max(running.workers.values()) / 1e6
        figures.append(below("e", source.flavour, f"memory of the largest copy worker: {what}", most, "MB"))
    return figures
