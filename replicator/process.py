"""The process around the daemon: its log, its pages, and what is shown to people meanwhile."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import structlog
from rich.live import Live

from replicator import daemon, views
from replicator.config import Config
from replicator.errors import ConfigError, ReplicatorError
from replicator.observe import observed
from replicator.observe.logs import configure, for_people
from replicator.progress import Progress
from replicator.throttle import Throttle

_log = structlog.get_logger("process")


def run_process(config: Config, *, once: bool, reread: Callable[[], Config]) -> int:
    """Run the daemon until it ends; the exit code.

    SIGHUP takes throttle and log level of what `reread` gives. Errors that end the daemon are in its log already: they are
    raised only where people read it. Others, from before the daemon, are always raised.
    """
    progress = Progress(config.migration.name, proof_interval=config.stream.heartbeat or 1.0)
    with ExitStack() as stack:
        people = for_people(config.log.format, sys.stderr)
        if people and sys.stdout.isatty():
            # While it is shown, standard error is its own, and log lines scroll above it.
            stack.enter_context(Live(get_renderable=lambda: views.status_view(progress.snapshot()), refresh_per_second=2))
        configure(config.log.level, config.log.format, config.secrets, sys.stderr)
        throttle = Throttle(config.throttle, (config.source, config.target))
        stack.enter_context(_rereading(reread, throttle))
        stack.enter_context(observed(config, progress, os.environ))
        try:
            daemon.run(config, once=once, progress=progress, throttle=throttle)
        except Exception as error:
            if people:
                raise
            if not isinstance(error, ReplicatorError):
                _log.exception("daemon.crashed")
                return ReplicatorError.exit_code
            return error.exit_code
    return 0


@contextmanager
def _rereading(reread: Callable[[], Config], throttle: Throttle) -> Iterator[None]:
    def hang_up(*_: object) -> None:
        try:
            fresh = reread()
        except ConfigError as error:
            _log.error("configuration.refused", problems=error.problems)
        else:
            configure(fresh.log.level, fresh.log.format, fresh.secrets, sys.stderr)
            throttle.settings = fresh.throttle
            _log.info("configuration.reread", level=fresh.log.level)

    before = signal.signal(signal.SIGHUP, hang_up)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
