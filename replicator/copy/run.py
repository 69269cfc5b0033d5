"""Runs jobs to their end: starts workers, watches them, and tells Progress how far they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pymysql

from replicator.config import Config
from replicator.copy.chunks import JobProgress, create_job
from replicator.copy.chunks import progress as job_progress
from replicator.copy.crew import Crew, Processes, Thread
from replicator.copy.jobs import Job
from replicator.copy.work import PATIENCE_SECONDS
from replicator.errors import ConnectionLost, Interrupted
from replicator.mysql.connection import Connection, close, connect, connected, failing
from replicator.mysql.flavour import identify
from replicator.progress import Progress
from replicator.staging import staging_relation
from replicator.state import of
from replicator.throttle import Throttle
from replicator.transform.loader import fingerprint
from replicator.transform.plan import MigrationPlan

_TICKS = (0.02, 0.25)
"""Seconds between the first and between the last looks: a small table is copied at once."""
_ROWS_PER_PROCESS = 20_000
"""Fewer rows are copied by this process before another one has started."""


def run_jobs(
    config: Config,
    plan: MigrationPlan,
    jobs: Sequence[Job],
    *,
    workers: int,
    progress: Progress,
    stop: threading.Event,
    throttle: Throttle,
) -> None:
    """Copy until every chunk of every job is done; goes on where an earlier run ended.

    `workers` processes at most; 0, or little to copy: a thread of this one. Raises Interrupted when `stop` is set, and
    what a worker met: BadRow, SourceError, TargetError. Chunks that are under way then are rolled back. Workers start again
    when the limits of `throttle` change.
    """
    names = [job.name for job in jobs]
    view = _View(plan, jobs, progress)
    ledger = _Ledger(config, progress, stop)
    crew: Crew | None = None
    tick, longest = _TICKS
    try:
        ledger.enter(jobs)
        while not view.show(known := ledger.read()):
            if stop.is_set():
                raise Interrupted("the copy was stopped: the next run goes on with the next chunk")
            if crew is not None and throttle.settings != config.throttle:
                crew.end()
                crew = None
            if crew is None:
                config = replace(config, throttle=throttle.settings)
                left = sum(entry.estimate - entry.rows for name, entry in known.items() if name in names)
                number = min(workers, max(left, 0) // _ROWS_PER_PROCESS)
                crew = Processes(config, names, number) if number else Thread(config, plan, names)
            crew.watch(progress, sum(entry.rows for entry in known.values()))
            stop.wait(tick)
            tick = min(2 * tick, longest)
    finally:
        ledger.close()
        if crew is not None:
            crew.end()


class _Ledger:
    """The rows of the jobs, read from here; a lost connection is waited for."""

    def __init__(self, config: Config, progress: Progress, stop: threading.Event) -> None:
        self._config = config
        self._progress = progress
        self._stop = stop
        self._connection: Connection | None = None

    def enter(self, jobs: Sequence[Job]) -> None:
        """Create the rows that are missing, with the server's estimate of the table's rows."""
        state = of(self._config)
        staging = staging_relation(self._config.migration.state_database, self._config.migration.name)
        with (
            connected(self._config.source) as source,
            connected(self._config.target, autocommit=False) as target,
            failing(self._config.target, "preparing the copy"),
        ):
            state.learn(target, transforms=fingerprint(self._config.migration.transforms))
            known = job_progress(state, target)  # commits
            for job in jobs:
                if job.name not in known:
                    build = job.transform is not None
                    relation = staging(job.table.name) if build else job.table.sql
                    endpoint = self._config.target if build else self._config.source
                    with failing(endpoint, f"looking at {relation}"):
                        estimate = _estimate(target if build else source, relation)
                    create_job(state, target, job, estimate)

    def read(self) -> dict[str, JobProgress]:
        """How far every job is; raises ConnectionLost when the target stays away."""
        since = time.monotonic()
        while True:
            try:
                if self._connection is None:
                    self._connection = connect(self._config.target, database=False, autocommit=False)
                return job_progress(of(self._config), self._connection)
            except (pymysql.MySQLError, OSError, ConnectionLost) as error:
                self.close()
                failure = error if isinstance(error, ConnectionLost) else self._config.target.failure(error)
                if not failure.transient or time.monotonic() - since > PATIENCE_SECONDS or self._stop.is_set():
                    raise failure from None
                self._progress.retried("copy", failure)
                self._stop.wait(1.0)

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            close(self._connection)
            self._connection = None


def _estimate(connection: Connection, relation: str) -> int:
    """EXPLAIN knows what changed since; information_schema may show figures of yesterday."""
    explain = "EXPLAIN FORMAT=TRADITIONAL" if identify(connection).flavour == "mysql" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} SELECT * FROM {relation}")
        names = [column[0] for column in cursor.description]
        found = cursor.fetchone()
    return int(found[names.index("rows")] or 0) if found else 0


class _View:
    """Job rows as Progress shows them: by target table and source."""

    def __init__(self, plan: MigrationPlan, jobs: Sequence[Job], progress: Progress) -> None:
        self._plan = plan
        self._jobs = jobs
        self._progress = progress
        self._shown: dict[str, JobProgress] = {}

    def show(self, known: Mapping[str, JobProgress]) -> bool:
        """Report what moved; True when all jobs are done."""
        self._progress.beat()
        for job in self._jobs:
            now, before = known[job.name], self._shown.get(job.name)
            if now != before:
                self._shown[job.name] = now
                self._copy(job, now, before) if job.transform is None else self._build(job, now, before)
        return all(known[job.name].done for job in self._jobs)

    def _copy(self, job: Job, now: JobProgress, before: JobProgress | None) -> None:
        feeds = {
            (transform.target.name, transform.staged)
            for transform in self._plan.transforms
            if transform.source.name == job.table.name
        }
        for target, staged in sorted(feeds):
            if before is None:
                self._progress.expect(target, job.table.name, now.estimate)
                self._progress.copied_before(target, now.rows, job.table.name)
            elif now.rows > before.rows:
                self._progress.copied(target, now.rows - before.rows, job.table.name)
            if now.done and not staged:
                self._progress.finished(target, job.table.name)

    def _build(self, job: Job, now: JobProgress, before: JobProgress | None) -> None:
        assert job.transform is not None
        target = job.transform.target.name
        if before is None:
            self._progress.building(target, job.table.name)
        if now.done:
            self._progress.finished(target, job.table.name)
