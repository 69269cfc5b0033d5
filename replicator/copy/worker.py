"""A copy worker: takes chunk after chunk until all are done. Any number of them run, on any hosts.

`replicator copy-worker` is one. Those that the daemon starts are this module: they get their configuration through standard
input, tell what they meet on standard output, and end when the daemon's end of the pipe closes, however it came to that.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Collection
from dataclasses import replace

from replicator.config import Config
from replicator.copy.telling import Orders, tell
from replicator.copy.work import Told, work
from replicator.errors import ConfigError, ReplicatorError, WrongState
from replicator.mysql.connection import connected
from replicator.planning import resolve
from replicator.state import of
from replicator.transform.loader import fingerprint


def help_copying(config: Config) -> None:
    """Work on what the daemon has begun until it is done.

    Raises WrongState before that, and when the migration ends meanwhile; ConfigError where the transforms are not the
    daemon's; and what ends the copy.
    """
    transforms = config.migration.transforms
    with connected(config.target, database=False) as target:
        copying = of(config).copying(target)
    if copying is None:
        raise WrongState(
            f"the migration {config.migration.name} has not begun to copy: start `replicator run` first, and this when"
            " `replicator status` shows copying"
        )
    if not copying.endswith(f" {fingerprint(transforms)}"):
        raise ConfigError(
            f"{transforms}: not the transforms that the daemon copies with: bring the folder to what it is on the daemon's"
            " host. Where they were edited since the copy was begun, `abort` and begin anew"
        )
    config = replace(config, copying=copying)
    try:
        _work(config, None, lambda error: print(f"trying again: {error}", file=sys.stderr))
    finally:  # tables that went with the migration, or no work that is left, have this reason
        with connected(config.target, database=False) as target:
            of(config).guard(target)


def main() -> int:
    """As the child of a daemon; the exit code."""
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
