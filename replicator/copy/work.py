"""What a worker does: chunk after chunk until all jobs are done, through lost connections."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from contextlib import closing

import pymysql

from replicator.config import Config
from replicator.copy.chunks import progress
from replicator.copy.jobs import Job, build_jobs, copy_jobs
from replicator.copy.session import Session, opened
from replicator.errors import ConnectionLost, ReplicatorError
from replicator.state import of
from replicator.throttle import Throttle
from replicator.transform.plan import MigrationPlan

_WAIT_SECONDS = 0.05
"""Between two looks for a chunk while all are in other hands."""
PATIENCE_SECONDS = 60.0
"""How long connections may be lost before the worker gives up."""

Told = Callable[[ReplicatorError], None]


def work(config: Config, plan: MigrationPlan, names: Collection[str] | None, stop: threading.Event, retrying: Told) -> None:
    """Copy until the named jobs (None: all that were begun) are done or `stop` is set; `retrying` hears of lost connections.

    Raises what ends the copy: BadRow, SourceError, TargetError, or ConnectionLost when it lasts.
    """
    jobs = {job.name: job for job in (*copy_jobs(plan), *build_jobs(plan)) if names is None or job.name in names}
    failures, last = 0, time.monotonic()
    throttle = Throttle(config.throttle, (config.source, config.target))
    while not stop.is_set():
        try:
            with opened(config, plan) as session, closing(throttle):
                while not stop.is_set():
                    remaining = _remaining(config, session, jobs)
                    if not remaining:
                        return
                    while throttle.reason() is None and session.step(remaining):
                        failures, last = 0, time.monotonic()
                        if stop.is_set():
                            return
                    last = time.monotonic()
                    stop.wait(_WAIT_SECONDS)
        except ConnectionLost as error:
            if time.monotonic() - last > PATIENCE_SECONDS:
                raise
            retrying(error)
            failures += 1
            stop.wait(min(10.0, 0.05 * 2**failures))


def _remaining(config: Config, session: Session, jobs: dict[str, Job]) -> list[Job]:
    """Jobs that are not done, the largest first."""
    try:
        known = progress(of(config), session.target)
    except (pymysql.MySQLError, OSError) as error:
        raise config.target.failure(error, "reading what there is to copy") from error
    return [jobs[name] for name, entry in known.items() if name in jobs and not entry.done]
