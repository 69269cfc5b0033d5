"""Clients of the application: threads that write while a migration runs."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from pathlib import Path
from typing import Self


class Writers(ABC):
    """Threads that write inside of the block; it may be entered again."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    @abstractmethod
    def _write(self, number: int) -> None:
        """What each does, until `_stop` is set."""

    def __enter__(self) -> Self:
        self._stop.clear()
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(self._count)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


class Routed(Writers):
    """Clients that go to the side that a file names, and remember what was acknowledged and where."""

    def __init__(self, folder: Path, count: int) -> None:
        super().__init__(count)
        self._route = folder / "route"
        self.acknowledged: dict[str, str] = {}
        """What was written → the side that answered."""
        self.doubtful: set[str] = set()
        """What may have been written without an answer."""
        self.errors: Counter[int | None] = Counter()

    def go_on(self, writes: int = 6, within: float = 30.0) -> None:
        """Wait until that many more writes are acknowledged."""
        enough, deadline = len(self.acknowledged) + writes, time.monotonic() + within
        while len(self.acknowledged) < enough:
            assert time.monotonic() < deadline, (self._route.read_text(), self.errors)
            time.sleep(0.005)
