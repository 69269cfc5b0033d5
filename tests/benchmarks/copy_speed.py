"""Copying one table of 20 columns to another server: our copy through a transform function against dump piped into client.

python -m tests.benchmarks.copy_speed [--rows 500000] [--flavour mysql] [--runs 1]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from replicator.config import Config, load
from replicator.copy import copy_jobs, defer_indexes, restore_indexes, run_jobs
from replicator.demo.servers import FLAVOURS, Flavour, Server, launch
from replicator.mysql.connection import connected, execute, value
from replicator.planning import resolve
from replicator.progress import Progress
from replicator.state import of

ROWS = 500_000
WORKERS = 2

TABLE = """
CREATE TABLE appointments (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, company_id INT UNSIGNED NOT NULL, customer_id BIGINT UNSIGNED NOT NULL,
  staff_id CHAR(36) NULL, external_id VARCHAR(40) NULL, status VARCHAR(20) NOT NULL, kind ENUM('phone','web','walk-in') NOT NULL,
  title VARCHAR(120) NOT NULL, notes TEXT NULL, email VARCHAR(120) NULL, phone VARCHAR(30) NULL, price DECIMAL(10,2) NULL,
  rating DOUBLE NULL, attempts SMALLINT NOT NULL, is_active TINYINT(1) NOT NULL, starts_at DATETIME NOT NULL,
  ends_at DATETIME NOT NULL, birthday DATE NULL, created_at TIMESTAMP NULL, updated_at TIMESTAMP NULL,
  KEY by_company (company_id, starts_at), KEY by_customer (customer_id)
) ENGINE=InnoDB CHARACTER SET utf8mb4
"""
FILL = """
INSERT INTO appointments SELECT n, n % 97 + 1, n * 7919 % 100000 + 1, IF(n % 5 = 0, NULL, INSERT(INSERT(SHA2(n, 256), 37, 99, ''), 9, 1, '-')),
  IF(n % 3 = 0, NULL, CONCAT('cal_', n)), ELT(n % 4 + 1, 'scheduled', 'completed', 'cancelled', 'no_show'),
  ELT(n % 3 + 1, 'phone', 'web', 'walk-in'), CONCAT('Beratungsgespräch Nr. ', n),
  IF(n % 2 = 0, NULL, CONCAT('Bitte zurückrufen, "', n, '" it''s urgent – 😀 ', REPEAT('lorem ipsum ', n % 6))),
  CONCAT('customer', n % 100000, '@example.org'), CONCAT('+49 30 ', 1000000 + n % 900000), n % 30000 / 100, n / 7, n % 5, n % 2,
  '2024-01-01' + INTERVAL n MINUTE, '2024-01-01' + INTERVAL n + 45 MINUTE, '1950-01-01' + INTERVAL n % 20000 DAY,
  '2023-06-01' + INTERVAL n % 500000 MINUTE, '2024-06-01' + INTERVAL n % 500000 SECOND
  FROM (SELECT a.i + 10 * b.i + 100 * c.i + 1000 * d.i + 10000 * e.i + 100000 * f.i + 1 AS n
    FROM digit a, digit b, digit c, digit d, digit e, digit f) AS numbers WHERE n <= {rows}
"""
TRANSFORMS = """
from replicator import transform

@transform("appointments")
def appointments(row):
    return {
        "id": row.id, "company_id": row.company_id, "customer_id": row.customer_id, "staff_id": row.staff_id,
        "external_id": row.external_id, "status": row.status, "kind": row.kind, "title": row.title.strip(),
        "notes": row.notes, "email": row.email.lower() if row.email is not None else None, "phone": row.phone,
        "price": row.price, "rating": row.rating, "attempts": row.attempts, "is_active": row.is_active,
        "starts_at": row.starts_at, "ends_at": row.ends_at, "birthday": row.birthday, "created_at": row.created_at,
        "updated_at": row.updated_at if row.updated_at is not None else row.created_at,
    }
"""


@dataclass(frozen=True, slots=True)
class Timing:
    """One way to copy: median seconds, and the largest process of ours in bytes."""

    way: str
    seconds: float
    peak_bytes: int = 0


@contextmanager
def servers(flavour: Flavour, rows: int) -> Iterator[tuple[Server, Server]]:
    """A filled source and an empty target."""
    options = {"buffer_pool": "512M", "options": ()}
    with ExitStack() as stack:
        source, target = (stack.enter_context(launch(flavour, **options)) for _ in range(2))  # type: ignore[arg-type]
        for server in (source, target):
            _run(server, "", "CREATE DATABASE bench")
        _run(source, "bench", TABLE)
        _run(source, "bench", "CREATE TABLE digit (i INT)")
        _run(source, "bench", "INSERT INTO digit VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)")
        _run(source, "bench", FILL.format(rows=rows))
        _run(source, "bench", "ANALYZE TABLE appointments")
        yield source, target


def ours(source: Server, target: Server, folder: Path, transforms: str = TRANSFORMS) -> float:
    """Seconds from the first index dropped to the last one added."""
    _run(target, "bench", "DROP TABLE IF EXISTS appointments")
    _run(target, "", "DROP DATABASE IF EXISTS _replicator")
    _run(target, "bench", TABLE)
    config = migration(source, target, folder, transforms)
    with connected(config.source) as reader, connected(config.target) as writer:
        plan = resolve(config, reader, writer)
        of(config).create(writer)
        of(config).begin(writer, {})
        began = time.monotonic()
        defer_indexes(config, plan, writer)
        progress = Progress("bench")
        run_jobs(config, plan, copy_jobs(plan), workers=WORKERS, progress=progress, stop=threading.Event())
        copied = time.monotonic() - began
        restore_indexes(config, plan, writer)
        seconds = time.monotonic() - began
        print(f"    copied in {copied:.1f} s, indexes in {seconds - copied:.1f} s")
        assert _count(target) == _count(source)
        return seconds


def migration(source: Server, target: Server, folder: Path, transforms: str) -> Config:
    """The configuration, its files in the folder."""
    (folder / "transforms.py").write_text(transforms)
    (folder / "replicator.toml").write_text(
        f"""
        [migration]
        name = "bench"
        transforms = "transforms.py"
        [source]
        url = "{source.url("bench")}"
        password_file = "{source.password_file}"
        [target]
        url = "{target.url("bench")}"
        password_file = "{target.password_file}"
        """
    )
    return load(folder / "replicator.toml", {})


def dump_and_client(source: Server, target: Server, folder: Path) -> float:
    """Seconds of `mysqldump --single-transaction --quick | mysql`."""
    _run(target, "bench", "DROP TABLE IF EXISTS appointments")
    arguments = {}
    for role, server in (("source", source), ("target", target)):
        arguments[role] = folder / f"{role}.cnf"
        arguments[role].touch(mode=0o600)
        arguments[role].write_text(f"[client]\nuser=root\npassword={server.password}\nsocket={server.socket}\n")
    installed = source.installation
    names = ("mariadb-dump", "mariadb") if source.flavour == "mariadb" else ("mysqldump", "mysql")
    dump = [str(installed.program(names[0])), f"--defaults-file={arguments['source']}", "--single-transaction", "--quick"]
    if source.flavour == "mysql":
        dump += ["--set-gtid-purged=OFF", "--no-tablespaces"]
    began = time.monotonic()
    with subprocess.Popen([*dump, "bench", "appointments"], stdout=subprocess.PIPE) as dumping:
        client = [str(installed.program(names[1])), f"--defaults-file={arguments['target']}", "bench"]
        subprocess.run(client, stdin=dumping.stdout, check=True)
    assert dumping.returncode == 0
    seconds = time.monotonic() - began
    assert _count(target) == _count(source)
    return seconds


def measure(flavour: Flavour, rows: int = ROWS, runs: int = 1) -> list[Timing]:
    """Both ways in turns, medians."""
    with servers(flavour, rows) as (source, target), tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ways: dict[str, Callable[[], float]] = {
            "replicator": lambda: ours(source, target, folder),
            "dump | client": lambda: dump_and_client(source, target, folder),
        }
        found: dict[str, list[float]] = {way: [] for way in ways}
        peak = 0
        for _ in range(runs):
            for way, run in ways.items():
                before = _processor_seconds(source), _processor_seconds(target), _own_seconds()
                found[way].append(run())
                # Of the workers, the only children that have ended when ours has run for the first time.
                peak = peak or resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
                after = _processor_seconds(source), _processor_seconds(target), _own_seconds()
                spent = [f"{then - now:.1f}" for now, then in zip(before, after, strict=True)]
                print(
                    f"  {flavour} {way}: {found[way][-1]:.1f} s, {rows / found[way][-1]:,.0f} rows/s; processor seconds:"
                    f" source {spent[0]}, target {spent[1]}, client {spent[2]}"
                )
        return [Timing(way, statistics.median(times), peak if way == "replicator" else 0) for way, times in found.items()]


def _processor_seconds(server: Server) -> float:
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _run(server: Server, database: str, statement: str) -> None:
    with connected(server.endpoint("target", database), write=True) as connection:
        execute(connection, statement)


def _count(server: Server) -> int:
    with connected(server.endpoint("target", "bench")) as connection:
        return int(value(connection, "SELECT COUNT(*) FROM appointments"))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--flavour", choices=FLAVOURS, action="append")
    arguments = parser.parse_args()
    for flavour in arguments.flavour or FLAVOURS:
        for timing in measure(flavour, arguments.rows, arguments.runs):
            print(f"{flavour} {timing.way}: {timing.seconds:.1f} s, {arguments.rows / timing.seconds:,.0f} rows/s")


if __name__ == "__main__":
    main()
