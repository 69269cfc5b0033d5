"""(f) The stall that the application's clients see when its tables are switched, and when they are switched back.

The shipped migration, 85 tables to 18: its clients write through cutover, rollback, cutover again, and the ledger of what they
were told is held against the tables at the end.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from statistics import median

from replicator.config import load
from replicator.demo import askproai_folder
from replicator.demo.data import generate
from replicator.demo.servers import Flavour, Server, launch
from replicator.demo.story import run_scripts
from replicator.demo.traffic import Traffic, check_ledger
from tests.benchmarks.daemon import daemon
from tests.benchmarks.figures import Figure, Sizes, below

SOURCE, TARGET = "askproai_db", "askproai_migration"
CLIENTS = 8
MEDIAN, WORST = 300.0, 1000.0
"""Milliseconds."""


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
                    running.until_verified("reversing" if command == "rollback" else "replicating")
                    name = f"{command} {number}"
                    traffic.phase(name)
                    running.ask(command)
                    traffic.phase(f"after {name}")
                    stalls[command].append(traffic.stats().phases[name].longest * 1000)
                    running.until_verified(phase)
            seconds = time.monotonic() - began
            stats = traffic.stop()
            running.until_verified("replicating")
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
    (folder / "replicator.toml").write_text(
        f"""
        [migration]
        name = "askproai"
        transforms = {json.dumps(str(askproai_folder() / "transforms"))}
        schema = {json.dumps(str(askproai_folder() / "schema" / "target"))}
        [source]
        url = "{server.url(SOURCE)}"
        password_file = "{server.password_file}"
        [target]
        url = "{server.url(TARGET)}"
        password_file = "{server.password_file}"
        [http]
        listen = "off"
        [control]
        socket = "control"
        """
    )

