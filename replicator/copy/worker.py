"""A copy worker: takes chunk after chunk until all are done. Any number of them run, on any hosts.

`replicator copy-worker` is one; those that the daemon starts get their configuration through standard input, tell what
they meet on standard output, and end when the daemon's end of the pipe closes, however it came to that.
"""

from __future__ import annotations

import argparse
import os
import pickle
import signal
import sys
import threading
from collections.abc import Collection, Sequence
from pathlib import Path

from replicator.config import Config, load
from replicator.copy.telling import Orders, tell
from replicator.copy.work import Told, work
from replicator.errors import ConfigError, ReplicatorError
from replicator.mysql.connection import connected
from replicator.planning import resolve
from replicator.transform.loader import fingerprint


def main(argv: Sequence[str] | None = None) -> int:
    """Run a worker: with --config FILE on its own, without as the child of a daemon."""
    parser = argparse.ArgumentParser(prog="replicator copy-worker", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--config", type=Path, metavar="FILE", help="replicator.toml; without it, a daemon's pipe is read")
    path = parser.parse_args(argv).config
    return _for_daemon() if path is None else _alone(path)


def _alone(path: Path) -> int:
    try:
        _work(load(path, os.environ), None, lambda error: print(f"trying again: {error}", file=sys.stderr))
    except ReplicatorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _for_daemon() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, who ends its workers
    wire = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a transform prints must not get between our lines
    orders: Orders = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_daemon, daemon=True).start()
    try:
        if fingerprint(orders.config.migration.transforms) != orders.transforms:
            raise ConfigError(
                f"{orders.config.migration.transforms}: was edited while the daemon runs: restart it. Rows that are copied"
                " already were made by the transforms as they were: begin anew with `abort` if those were wrong"
            )
        _work(orders.config, orders.jobs, lambda error: tell(wire, "retrying", error))
    except ReplicatorError as error:
        tell(wire, "failed", error)
        return error.exit_code
    return 0


def _work(config: Config, names: Collection[str] | None, retrying: Told) -> None:
    with connected(config.source) as source, connected(config.target) as target:
        plan = resolve(config, source, target)
    work(config, plan, names, threading.Event(), retrying)


def _end_with_daemon() -> None:
    sys.stdin.buffer.read(1)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
