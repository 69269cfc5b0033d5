"""What mode hooks needs besides: the executables, and a target that can be followed once it is in use."""

from __future__ import annotations

from collections.abc import Iterator

from replicator.cutover.hooks import HOOKS, exists, problems
from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed, listed, ok

_NEEDED = {"binlog_format": "ROW", "binlog_row_image": "FULL", "binlog_row_metadata": "FULL"}


def check(context: Context) -> Iterator[Finding]:
    """The hooks can be run, and the target's binary log says all that the way back needs."""
    config, target = context.config, context.target
    if config.cutover.mode != "hooks":
        yield ok("no hook is called in mode rename")
        return
    for problem in problems(config):
        yield failed(problem, f"write {config.cutover.hooks}/on_switch, which moves the traffic, and chmod +x it")
    if not target.is_on("log_bin"):
        yield failed(
            f"{target} writes no binary log, by which the cutover tells whether clients have come over",
            "set log_bin=binlog below [mysqld] in the server's configuration and restart it",
        )
    for variable, wanted in _NEEDED.items():
        value = target.variables.get(variable, wanted)
        if value != wanted:
            yield failed(
                f"{target}: {variable} is {value}: what is written there after the cutover could not come back",
                f"SET GLOBAL {variable} = '{wanted}'; also in the configuration file",
            )
    yield ok(f"called at the cutover: {listed([hook for hook in HOOKS if exists(config, hook)])}")
