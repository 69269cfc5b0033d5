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
from replicator.copy.telling import tell
from replicator.copy.work import Told, work
from replicator.errors import ReplicatorError
from replicator.mysql.connection import connected
from replicator.planning import resolve


def main(argv: Sequence[str] | None = None) -> int:
    """Run a worker: with --config FILE on its own, without as the child of a daemon."""
    parser = argparse.ArgumentParser(prog="replicator copy-worker", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--config", type=Path, metavar="FILE", help="replicator.toml; without it, a daemon's pipe is read")
    path = parser.parse_args(argv).config
    try:
        if path is not None:
            _work_alone(load(path, os.environ))
        else:
            _work_for_daemon()
    except ReplicatorError as error:
        if path is not None:
            print(error, file=sys.stderr)
        else:
            tell("failed", error)
        return error.exit_code
    return 0


def _work_alone(config: Config) -> None:
    _work(config, None, lambda error: print(f"trying again: {error}", file=sys.stderr))


def _work_for_daemon() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, who ends its workers
    config, names = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_daemon, daemon=True).start()
    _work(config, names, lambda error: tell("retrying", error))


def _work(config: Config, names: Collection[str] | None, retrying: Told) -> None:
    with connected(config.source) as source, connected(config.target) as target:
        plan = resolve(config, source, target)
    work(config, plan, names, threading.Event(), retrying)


def _end_with_daemon() -> None:
    sys.stdin.buffer.read(1)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
