"""The first full pass of a phase, which outlasts what passes."""

from __future__ import annotations

import threading

from replicator.apply.stream import Stream
from replicator.binlog.safe_position import current_position
from replicator.errors import ReplicatorError, SourceError
from replicator.mysql.connection import Endpoint, connected
from replicator.patience import unless_stopped
from replicator.progress import Progress
from replicator.verify import Report, Verifier

_PAUSE = 5.0
"""Seconds before it begins anew after connections were lost for longer than it could wait."""


def verify_first(
    verifier: Verifier, stream: Stream, upstream: Endpoint, progress: Progress, stop: threading.Event
) -> Report:
    """Verify all tables, once the stream has applied what stands in the binlog now.

    Raises what has ended the stream, errors of a server that do not pass, and Interrupted when `stop` is set.
    """
    while True:
        try:
            _await_end(stream, upstream, stop)
            return verifier.verify()
        except ReplicatorError as error:
            if isinstance(error, SourceError) and not error.transient:
                _await_end(stream, upstream, stop)  # where tables have changed under it, the stream says what to do about that
            if not error.transient:
                raise
            progress.retried("verify", error)
        stop.wait(_PAUSE)
        unless_stopped(stop)


def _await_end(stream: Stream, upstream: Endpoint, stop: threading.Event) -> None:
    with connected(upstream, database=False) as connection:
        end = current_position(connection)
    while not stream.wait_applied(end, 0.5):
        unless_stopped(stop)
