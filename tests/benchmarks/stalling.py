"""(f) The stall that the application's clients see when its tables are switched, and when they are switched back.

The shipped migration, 85 tables to 18: its clients write through cutover, rollback, cutover again, and the ledger of what they
were told is held against the tables at the end.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from replicator.commands import current_status
from replicator.config import Config, load
from replicator.demo import askproai_folder
from replicator.demo.data import generate
from replicator.demo.servers import Flavour, Server, launch
from replicator.demo.story import run_scripts
from replicator.demo.traffic import Traffic, check_ledger
from replicator.errors import ReplicatorError
from tests.benchmarks.daemon import daemon
from tests.benchmarks.figures import Figure, Sizes, below

SOURCE, TARGET = "askproai_db", "askproai_migration"
CLIENTS = 8
MEDIAN, WORST = 300.0, 1000.0
"""Milliseconds."""
PATIENCE = 60.0


def measure(flavour: Flavour, sizes: Sizes) -> list[Figure]:
    """Medians and worst of all switches, and what the ledger misses."""
    stalls: dict[str, list[float]] = {"cutover": [], "rollback": []}
    with launch(flavour, buffer_pool="512M", durable=True) as server, tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        run_scripts(server, SOURCE, askproai_folder() / "schema" / "source")
        generate(server.connect_args(), SOURCE, scale=sizes.switch_scale)
        _write_folder(folder, server)
        config = load(folder / "replicator.toml", {})
        ledger = folder / "ledger.jsonl"
        with Traffic(
            server.connect_args(), SOURCE, ledger=ledger, clients=CLIENTS, rate=float(sizes.switch_rate)
        ) as traffic, daemon(config, folder) as running:  # fmt: skip
            running.until_replicating()
            began, first = time.monotonic(), traffic.stats().commits
            for number in range(sizes.switches):
                for command, phase in (("cutover", "reversing"), ("rollback", "replicating")):
                    _until_verified(config, "reversing" if command == "rollback" else "replicating")
                    name = f"{command} {number}"
                    traffic.phase(name)
                    subprocess.run(
                        [sys.executable, "-m", "replicator", "--config", str(config.path), command],
                        stdout=subprocess.DEVNULL, check=True,
                    )  # fmt: skip
                    traffic.phase(f"after {name}")
                    stalls[command].append(traffic.stats().phases[name].longest * 1000)
                    _until_verified(config, phase)
            seconds = time.monotonic() - began
            stats = traffic.stop()
            _until_verified(config, "replicating")
            running.until_applied()
        rate = (stats.commits - first) / seconds
        found = check_ledger(server.connect_args(), TARGET, ledger)
    assert not stats.errors, stats.errors
    figures = []
    for command, seen in stalls.items():
        what = f"stall at a {command}, {rate:.0f} transactions/s"
        figures.append(below("f", flavour, f"{what}, median of {len(seen)}", median(seen), "ms", MEDIAN))
        figures.append(below("f", flavour, f"{what}, worst", max(seen), "ms", WORST))
    lost = found.missing + found.resurrected
    what = f"acknowledged writes lost or risen again, of {found.writes:,} through {2 * sizes.switches} switches"
    return [*figures, below("f", flavour, what, lost, "rows", 0.0)]


def _write_folder(folder: Path, server: Server) -> None:
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(server.password)
    shipped = askproai_folder()
    (folder / "replicator.toml").write_text(
        f"""
        [migration]
        name = "askproai"
        transforms = {json.dumps(str(shipped / "transforms"))}
        schema = {json.dumps(str(shipped / "schema" / "target"))}
        [source]
        url = "{server.url(SOURCE)}"
        password_file = "password"
        [target]
        url = "{server.url(TARGET)}"
        password_file = "password"
        [http]
        listen = "off"
        [control]
        socket = "control"
        """
    )


def _until_verified(config: Config, phase: str) -> None:
    """Every table proved in that phase."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            status = current_status(config)
        except ReplicatorError:
            status = {"phase": None, "tables": []}
        tables = status["tables"]
        if status["phase"] == phase and tables and all(table["verified_at"] for table in tables):
            assert not any(table["mismatched_rows"] for table in tables), tables
            return
        time.sleep(0.1)
    log = config.folder / "daemon.log"
    raise AssertionError(f"not verified while {phase} within {PATIENCE:g} s:\n{log.read_text()[-4000:]}")
