"""Verification: every row and column of every target table against the transform of the source, while the stream runs.

A full pass compares every unit once. Units that differ, and those that the stream touched meanwhile, are looked at again in
rounds, each with new snapshots, until nothing is left or what is left moves too fast to be caught. A unit differs for
certain when it differs and the stream has not touched it since the mark that was set before the snapshots.

How far a full pass has come is kept in memory: after a kill a new one starts.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from replicator.binlog.safe_position import current_position
from replicator.config import Config
from replicator.errors import VerificationFailed, WrongState
from replicator.mysql.connection import Connection
from replicator.progress import Progress
from replicator.transform.plan import MigrationPlan
from replicator.transform.produce import Values
from replicator.verify.apart import walk_apart
from replicator.verify.passes import FORWARD, Forgotten, Keys, Run, Way, all_comparers, joined, units
from replicator.verify.report import Report
from replicator.verify.snapshots import await_applied, failing, frozen
from replicator.verify.stream import Touched, TouchedLog

APART_ROWS = 50_000
"""A full pass over more rows runs in a process of its own."""
PASSES = 3
"""Times that a full pass is begun when the log forgets what was touched meanwhile."""


class Verifier:
    """Verifies one migration again and again, and remembers since when its units are known to be right."""

    def __init__(
        self,
        config: Config,
        plan: MigrationPlan,
        log: TouchedLog,
        progress: Progress,
        stop: threading.Event,
        way: Way = FORWARD,
    ) -> None:
        self._config = config
        self._plan = plan
        self._log = log
        self._progress = progress
        self._stop = stop
        self._base: int | None = None
        """Every unit that the stream has not touched since this mark was compared after it was set."""
        self._doubtful: dict[int, set[Values]] = {}
        """Units that differed at the last look."""
        self._way = way
        self._comparers = all_comparers(config, plan, way)
        self._busy = threading.Lock()

    def verify(self, tables: Collection[str] | None = None) -> Report:
        """Compare every row of these target tables, by default of all of them; waits for another thread that does.

        Raises WrongState when the stream does not keep going or touches more than can be remembered, Interrupted when
        stopped, VerificationFailed when something was not compared that should have been, and the endpoints' errors.
        """
        with self._busy:
            for _ in range(PASSES):
                try:
                    return self._verify(tables)
                except Forgotten:
                    continue
            raise _too_much()

    def _verify(self, tables: Collection[str] | None) -> Report:
        run, log = self._run(tables), self._log
        mark = log.begin()
        try:
            if run.source_rows < APART_ROWS:
                run.walk(mark)
            else:
                direction = self._way.direction
                run.findings, run.position = walk_apart(
                    self._config, tables, mark, log, self._progress, self._stop, direction
                )
            newest = run.rounds(mark, {})
        finally:
            log.forget(mark)
        report = run.report(whole=True)
        if tables is None:
            self._rebase(newest, report)
        else:
            self._log.forget(newest)
        return report

    def refresh(self) -> Report:
        """Compare what the stream has touched since the last look, once: the sooner it is called again, the faster. What was
        in motion is looked at again the next time.

        Waits for another thread that verifies. Raises WrongState when there was no full pass or too much was touched since.
        """
        with self._busy:
            self._touched()
            run = self._run()
            try:
                newest = run.rounds(self._base, self._doubtful, most=1)
            except Forgotten:
                raise _too_much() from None
            report = run.report(whole=False)
            self._rebase(newest, report)
            return report

    def prove(self, source: Connection) -> Report:
        """Inside the freeze: compare all that was touched since the last look; nothing is left pending.

        `source` is an autocommitting session that may read the tables, which a read lock holds still. Waits until the
        stream has reached the end of the binlog. Raises WrongState when there was no full pass, or too much was touched since.
        """
        with self._alone():
            with failing(self._config.source):
                end = current_position(source)
            await_applied(self._log, end, self._stop)
            run = self._run()
            keys = joined(self._touched(), self._doubtful)
            run.look(lambda: frozen(self._config, self._log, self._stop, source, self._way.direction), keys)
            run.convict()
            left = sum(run.findings.quarantined.values())
            if left:
                raise VerificationFailed(f"{left} rows are in quarantine: `replicator status` names them, with the reasons")
            return run.report(whole=False)

    def idle(self, patience: float) -> bool:
        """Whether nobody verifies, now or within `patience` seconds."""
        if not self._busy.acquire(timeout=patience):
            return False
        self._busy.release()
        return True

    def close(self) -> None:
        """Let the log forget."""
        if self._base is not None:
            self._log.forget(self._base)
            self._base = None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise WrongState("a verification is under way: wait until it has ended")
        try:
            yield
        finally:
            self._busy.release()

    def _run(self, tables: Collection[str] | None = None) -> Run:
        return Run(self._config, self._plan, self._log, self._progress, self._stop, tables, self._comparers, self._way)

    def _touched(self) -> Touched:
        touched = None if self._base is None else self._log.since(self._base)
        if touched is None:
            raise WrongState("there is no full verification whose result still holds: run `replicator verify` first")
        return touched

    def _rebase(self, mark: int, report: Report) -> None:
        self.close()
        self._base = mark
        self._doubtful = units((*report.differences, *report.moving))


def verify(
    config: Config,
    plan: MigrationPlan,
    log: TouchedLog,
    *,
    tables: Collection[str] | None = None,
    progress: Progress,
    stop: threading.Event,
    only: Keys | None = None,
) -> Report:
    """One verification: of everything, of some target tables, or of `only` these units (transform → keys)."""
    if only is None:
        verifier = Verifier(config, plan, log, progress, stop)
        try:
            return verifier.verify(tables)
        finally:
            verifier.close()
    return look_again(config, plan, log, progress, stop, only, ())


def look_again(
    config: Config,
    plan: MigrationPlan,
    log: TouchedLog,
    progress: Progress,
    stop: threading.Event,
    keys: Keys,
    strays: Collection[str],
) -> Report:
    """Compare the units with these keys, and look for rows of no transform in the target tables `strays`."""
    run = Run(config, plan, log, progress, stop)
    run.strays(strays)
    try:
        log.forget(run.rounds(None, keys))
    except Forgotten:
        raise _too_much() from None
    return run.report(whole=False)


def _too_much() -> WrongState:
    return WrongState(
        "the stream touches more units than can be remembered while they are compared: verify table by table with --table,"
        " or at a quieter time"
    )
