"""The one periodic line in the log: how it goes, for those who read it the day after."""

from __future__ import annotations

import threading
from typing import Self

import structlog

from replicator.progress import Progress

REPORT_EVERY = 30.0
"""Seconds."""

_log = structlog.get_logger("report")


class Report:
    """Logs `status.reported` until `close`."""

    def __init__(self, progress: Progress, every: float = REPORT_EVERY) -> None:
        self._progress = progress
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="report", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            status = self._progress.snapshot()
            _log.info(
                "status.reported",
                phase=status["phase"],
                lag_seconds=status["lag_seconds"],
                lag_bytes=status["lag_bytes"],
                rows_applied=status["rows_applied"],
                copied=status["copy"]["ratio"],
                eta_seconds=status["copy"]["eta_seconds"],
                throttle=status["throttle"]["detail"] if status["throttle"] else None,
                quarantined_rows=status["quarantined_rows"],
            )
            apply = status["apply"]
            if apply["falls_behind"]:
                _log.warning(
                    "stream.fell_behind",
                    lag_seconds=status["lag_seconds"],
                    speed=apply["speed"],
                    rows_per_second=apply["rows_per_second"],
                )
