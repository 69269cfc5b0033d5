"""(d) From the commit on the source to the moment at which a reader of the target sees the row."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median, quantiles
from typing import TypeAlias

from replicator.demo.servers import Flavour
from replicator.mysql.connection import Endpoint, connected, value
from tests.benchmarks.daemon import daemon
from tests.benchmarks.figures import Figure, Sizes, below
from tests.benchmarks.place import DATABASE, fill, migration, run, run_all, server
from tests.benchmarks.table import NAME, TABLE, insert

POLL = 0.005
"""Seconds between two looks at the target: what is measured may be that much too long, never too short."""
Moments: TypeAlias = list[tuple[int, float]]
"""Serials, and when (on the clock that all processes share)."""


def measure(flavour: Flavour, sizes: Sizes) -> list[Figure]:
    """Lags of all transactions of several runs, against the daemon as users start it."""
    lags: list[list[float]] = []
    rates: list[float] = []
    with server(flavour) as source, server(flavour) as target, tempfile.TemporaryDirectory() as scratch:
        fill(source, sizes.base_rows)
        run(target, TABLE)
        folder = Path(scratch)
        config = migration(source, target, folder)
        with daemon(config, folder) as running:
            running.until_replicating()
            running.ask("verify")
            for number in range(sizes.repetitions):
                first = 10_000_000 * (number + 1)
                count = int(sizes.lag_rate * sizes.lag_seconds)
                found, rate = _run(
                    source.endpoint("source", DATABASE), target.endpoint("target", DATABASE), first, count, sizes
                )
                lags.append(found)
                rates.append(rate)
            running.ask("verify")
            peak = running.peak
    middle = median(median(run_) for run_ in lags) * 1000
    last = median(quantiles(run_, n=100)[98] for run_ in lags) * 1000
    measured = f"lag at {median(rates):.0f} transactions/s"
    figures = [
        below("d", flavour, f"{measured}, median", middle, "ms", 100.0),
        below("d", flavour, f"{measured}, 99th percentile", last, "ms"),
        below("e", flavour, f"memory of the daemon at {median(rates):.0f} transactions/s", peak / 1e6, "MB", 200.0),
    ]
    if median(rates) < 0.95 * sizes.lag_rate:
        slow = f"the writer reached {median(rates):.0f} of {sizes.lag_rate} transactions/s"
        figures.append(Figure("d", flavour, slow, "", limit=f"{sizes.lag_rate}/s", met=False))
    return figures


def _run(source: Endpoint, target: Endpoint, first: int, count: int, sizes: Sizes) -> tuple[list[float], float]:
    """Seconds from commit to visible of every transaction, and transactions/s."""
    context = multiprocessing.get_context("spawn")
    seeing, seen_here = context.Pipe(duplex=False)
    committing, committed_here = context.Pipe(duplex=False)
    ready = context.Event()
    poller = context.Process(target=_poll, args=(target, first, count, ready, seen_here), daemon=True)
    writer = context.Process(target=_write, args=(source, first, count, sizes, committed_here), daemon=True)
    try:
        poller.start()
        assert ready.wait(60), "the reader did not connect"
        writer.start()
        seen_here.close()  # so that the end of a process without an answer is seen as such
        committed_here.close()
        committed: Moments = committing.recv()
        seen: Moments = seeing.recv()
    finally:
        for process in (poller, writer):
            if process.pid is not None:
                process.terminate()
                process.join()
    lags, looks = [], iter(seen)
    up_to, when = next(looks)
    for serial, at in committed:
        while up_to < serial:
            up_to, when = next(looks)
        lags.append(when - at)
    return lags, (count - 1) / (committed[-1][1] - committed[0][1])


def _write(source: Endpoint, first: int, count: int, sizes: Sizes, answer: Pipe) -> None:
    """Each transaction inserts the row of its serial and updates another one; it is stamped before its COMMIT is sent."""
    moments: Moments = []
    with connected(source, autocommit=False, several=True) as connection:
        due = time.monotonic()
        for serial in range(first, first + count):
            time.sleep(max(0.0, due - time.monotonic()))
            due += 1 / sizes.lag_rate
            other = serial * 7919 % sizes.base_rows + 1
            run_all(
                connection,
                [f"{insert(serial)}; UPDATE {NAME} SET attempts = attempts ^ 1, notes = 'seen {serial}' WHERE id = {other}"],
            )
            moments.append((serial, time.monotonic()))
            connection.commit()
    answer.send(moments)


def _poll(target: Endpoint, first: int, count: int, ready: Event, answer: Pipe) -> None:
    """The newest serial that is visible, and when the answer was here; only looks that saw something new."""
    moments: Moments = [(first - 1, 0.0)]
    with connected(target) as connection:
        ready.set()
        deadline = time.monotonic() + 600
        while moments[-1][0] < first + count - 1 and time.monotonic() < deadline:
            newest = value(connection, f"SELECT MAX(id) FROM {NAME}")
            if newest is not None and newest > moments[-1][0]:
                moments.append((int(newest), time.monotonic()))
            time.sleep(POLL)
    answer.send(moments)
