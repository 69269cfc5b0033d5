"""(b) Copying a table through a transform function, against a dump piped into the client, and against mydumper and myloader."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from replicator.copy import copy_jobs, defer_indexes, restore_indexes, run_jobs
from replicator.demo.servers import Flavour, Server
from replicator.mysql.connection import connected
from replicator.planning import resolve
from replicator.progress import Progress
from replicator.throttle import Throttle
from tests.benchmarks.figures import Figure, Sizes, faster
from tests.benchmarks.place import DATABASE, begin_state, checksum, fill, migration, run, server
from tests.benchmarks.table import NAME, TABLE

WORKERS = 2
OURS, CLIENT, LOADER = "replicator", "dump | client", "mydumper, myloader"


def measure(flavour: Flavour, sizes: Sizes) -> list[Figure]:
    """Rows/s of all ways in turns, each compared with the source when it is done."""
    ways: dict[str, Callable[[Server, Server, Path], None]] = {OURS: _ours, CLIENT: _dump_and_client}
    if shutil.which("mydumper") and shutil.which("myloader"):
        ways[LOADER] = _mydumper
    rates: dict[str, list[float]] = {way: [] for way in ways}
    wrong: set[str] = set()
    with server(flavour) as source, server(flavour) as target, tempfile.TemporaryDirectory() as scratch:
        fill(source, sizes.copy_rows)
        right = checksum(source)
        for _ in range(sizes.repetitions):
            for way, copy in ways.items():
                if way in wrong:
                    continue
                run(target, f"DROP TABLE IF EXISTS {NAME}")
                with tempfile.TemporaryDirectory(dir=scratch) as folder:
                    began = time.monotonic()
                    copy(source, target, Path(folder))
                    rates[way].append(right[0] / (time.monotonic() - began))
                if checksum(target) != right:
                    wrong.add(way)
    return _figures(flavour, rates, wrong)


def _figures(flavour: Flavour, rates: dict[str, list[float]], wrong: set[str]) -> list[Figure]:
    measured = "copying 20 columns through a transform, 2 workers"
    if OURS in wrong or CLIENT in wrong:
        raise AssertionError(f"the target differs from the source after {sorted(wrong)}")
    figures = [faster("b", flavour, measured, rates[OURS], CLIENT, rates[CLIENT], 1.0)]
    if LOADER in wrong:
        figures.append(Figure("b", flavour, measured, "", f"{LOADER}: wrong result"))
    elif LOADER in rates:
        figures.append(faster("b", flavour, measured, rates[OURS], LOADER, rates[LOADER]))
    else:
        figures.append(Figure("b", flavour, measured, "", f"{LOADER}: not installed"))
    return figures


def _ours(source: Server, target: Server, folder: Path) -> None:
    """From the empty table with all its indexes to the filled one, as the phase does it."""
    run(target, TABLE)
    config = migration(source, target, folder)
    with connected(config.source) as reader, connected(config.target, write=True) as writer:
        plan = resolve(config, reader, writer)
        begin_state(config, writer)
        defer_indexes(config, plan, writer)
        run_jobs(
            config,
            plan,
            copy_jobs(plan),
            workers=WORKERS,
            progress=Progress("bench"),
            stop=threading.Event(),
            throttle=Throttle(config.throttle, ()),
        )
        restore_indexes(config, plan, writer)


def _dump_and_client(source: Server, target: Server, folder: Path) -> None:
    installed = source.installation
    names = ("mariadb-dump", "mariadb") if source.flavour == "mariadb" else ("mysqldump", "mysql")
    dump = [str(installed.program(names[0])), _defaults(source, folder), "--single-transaction", "--quick"]
    if source.flavour == "mysql":
        dump += ["--set-gtid-purged=OFF", "--no-tablespaces"]
    with subprocess.Popen([*dump, DATABASE, NAME], stdout=subprocess.PIPE) as dumping:
        client = [str(installed.program(names[1])), _defaults(target, folder), DATABASE]
        subprocess.run(client, stdin=dumping.stdout, check=True)
    assert dumping.returncode == 0


def _mydumper(source: Server, target: Server, folder: Path) -> None:
    common = ["--threads", str(WORKERS), "--verbose", "0"]
    for tool, server_, more in (
        ("mydumper", source, ["--database", DATABASE, "--tables-list", NAME, "--rows", "50000", "--outputdir"]),
        # Without --enable-binlog it would be the only one to load without writing a binlog.
        ("myloader", target, ["--database", DATABASE, "--enable-binlog", "--overwrite-tables", "--directory"]),
    ):
        command = [
            tool,
            "--socket",
            str(server_.socket),
            "--user",
            "root",
            "--ask-password",
            *common,
            *more,
            str(folder / "dump"),
        ]
        done = subprocess.run(command, input=f"{server_.password}\n", capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"{tool} ended with {done.returncode}: {done.stderr}")


def _defaults(server_: Server, folder: Path) -> str:
    file = folder / f"{server_.port}.cnf"
    file.touch(mode=0o600)
    file.write_text(f"[client]\nuser=root\npassword={server_.password}\nsocket={server_.socket}\n")
    return f"--defaults-file={file}"
