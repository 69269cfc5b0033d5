"""What a switch, in a thread of its own, tells the one that runs the migration."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from replicator.errors import CutoverInDoubt


class Turn:
    """Whose it is: that of the stream that runs, until the tables have been switched."""

    def __init__(self) -> None:
        self._taken = threading.Event()
        self._switching = False
        self._doubt: CutoverInDoubt | None = None

    def begin(self) -> None:
        """A stream is about to run: no switch is under way from here."""
        self._taken.clear()
        self._switching = False

    @contextmanager
    def switching(self) -> Iterator[None]:
        """While a switch is under way its own RENAME ends the stream, which is no failure."""
        self._switching = True
        try:
            yield
        finally:
            self._switching = self._taken.is_set()

    def take(self) -> None:
        """The switch is done: go on in the other direction."""
        self._taken.set()

    @property
    def taken(self) -> bool:
        """Whether it is the other stream's turn."""
        return self._taken.is_set()

    def doubt(self, doubt: CutoverInDoubt) -> None:
        """Nothing goes on until a person has looked: the daemon ends with it."""
        self._doubt = doubt

    def unless_over(self, error: BaseException | None) -> None:
        """Raise the doubt, or the error that has ended the stream for another reason than a switch."""
        if self._doubt is not None:
            raise self._doubt
        if error is not None and not self._switching:
            raise error
