"""Those who copy: a thread of this process for little, processes for much."""

from __future__ import annotations

import json
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any, Protocol

from replicator.config import Config
from replicator.copy.telling import Orders, told
from replicator.copy.work import work
from replicator.errors import ReplicatorError
from replicator.progress import Progress
from replicator.transform.loader import fingerprint
from replicator.transform.plan import MigrationPlan

_MOST_DEATHS = 5
"""Processes that died one after the other while not a single chunk was done."""


class Crew(Protocol):
    """Workers of any kind."""

    def watch(self, progress: Progress, rows: int) -> None:
        """Look after them, `rows` being what is copied by now; raises the error that one of them met."""

    def end(self) -> None:
        """End them; what they have not committed is rolled back."""


class Thread:
    """One worker in this process."""

    def __init__(self, config: Config, plan: MigrationPlan, names: Sequence[str]) -> None:
        self._stop = threading.Event()
        self._retries: queue.SimpleQueue[ReplicatorError] = queue.SimpleQueue()
        self._error: BaseException | None = None

        def run() -> None:
            try:
                work(config, plan, names, self._stop, self._retries.put)
            except BaseException as error:
                self._error = error

        self._thread = threading.Thread(target=run, name="copy", daemon=True)
        self._thread.start()

    def watch(self, progress: Progress, rows: int) -> None:  # noqa: ARG002
        """See Crew."""
        while not self._retries.empty():
            progress.retried("copy", self._retries.get())
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """See Crew."""
        self._stop.set()
        self._thread.join()


class Processes:
    """Workers that end with this process, because their standard input then ends."""

    def __init__(self, config: Config, names: Sequence[str], number: int) -> None:
        self._orders = pickle.dumps(Orders(config, tuple(names), fingerprint(config.migration.transforms)))
        self._told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._deaths = 0
        self._rows = -1
        self._workers = [self._start() for _ in range(number)]

    def watch(self, progress: Progress, rows: int) -> None:
        """See Crew."""
        if rows != self._rows:
            self._rows, self._deaths = rows, 0
        for index, worker in enumerate(self._workers):
            code = worker.poll()
            if code and self._told.empty():
                self._deaths += 1
                if self._deaths > _MOST_DEATHS:
                    how = f"signal {-code}" if code < 0 else f"exit code {code}"
                    raise ReplicatorError(
                        f"{self._deaths} copy workers ended by {how} before a chunk was done: look for their last words on"
                        " standard error, and for the kernel's out-of-memory killer"
                    )
                _forget(worker)
                self._workers[index] = self._start()
        while not self._told.empty():
            fields = self._told.get()
            if fields["event"] == "failed":
                raise told(fields)
            progress.retried("copy", told(fields))

    def end(self) -> None:
        """See Crew."""
        for worker in self._workers:
            worker.kill()  # nothing of theirs is half done: the server rolls it back
        for worker in self._workers:
            _forget(worker)

    def _start(self) -> subprocess.Popen[bytes]:
        worker = subprocess.Popen(
            [sys.executable, "-m", "replicator.copy.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert worker.stdin is not None
        assert worker.stdout is not None
        threading.Thread(target=self._listen, args=(worker.stdout,), daemon=True).start()
        with suppress(BrokenPipeError):  # it died already: `watch` sees it
            worker.stdin.write(self._orders)
            worker.stdin.flush()
        return worker

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self._told.put(json.loads(line))


def _forget(worker: subprocess.Popen[bytes]) -> None:
    worker.wait()
    assert worker.stdin is not None
    with suppress(BrokenPipeError):
        worker.stdin.close()
