"""Trying again what an error that passes has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

from replicator.apply import stream
from replicator.errors import Interrupted, ReplicatorError
from replicator.progress import Progress


def patiently(step: Callable[[], None], progress: Progress, stop: threading.Event, waiting: Callable[[], None]) -> None:
    """What can go on after a kill can do so after an error that passes: begin it again, in the stream's growing pauses.

    `waiting` is called before each pause. Raises what does not pass, and Interrupted when `stop` is set.
    """
    pause, longest = stream.RETRY_WAIT
    while True:
        begun = monotonic()
        try:
            return step()
        except ReplicatorError as error:
            if not error.transient:
                raise
            if monotonic() - begun > longest:
                pause = stream.RETRY_WAIT[0]  # it worked in between: this is another trouble
            progress.retried(progress.stage, error)
        progress.beat()
        waiting()
        stop.wait(pause)
        unless_stopped(stop)
        pause = min(pause * 2, longest)


def unless_stopped(stop: threading.Event) -> None:
    """Raise Interrupted once `stop` is set."""
    if stop.is_set():
        raise Interrupted("stopped; run again to go on where this left off")
