"""What a verification needs of the stream whose work it checks."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from replicator.mysql.position import Position
from replicator.transform.produce import Values

Touched = dict[int, set[Values]]
"""Transform (index in the plan) → unit keys, as values of its unit columns."""


class TouchedLog(Protocol):
    """The stream, as far as it tells where it is and what it wrote."""

    def begin(self) -> int:
        """A mark: every batch that commits after this call is remembered for it."""

    def since(self, mark: int) -> Touched | None:
        """Units written by batches after the mark; None when they were too many to remember.

        It holds at least all batches up to any position for which `wait_applied` has returned True.
        """

    def staged_since(self, mark: int) -> dict[str, set[Values]] | None:
        """Source table → row keys of the staged rows written or deleted by batches after the mark; None as above."""

    def forget(self, mark: int) -> None:
        """The mark is no longer needed."""

    def wait_applied(self, position: Position, timeout: float) -> bool:
        """Wait until the checkpoint has reached `position`; False when `timeout` seconds are over."""

    def source_barrier(self) -> None:
        """Commit a heartbeat on the source: all that stands before it in the binlog is visible when this returns."""

    def held(self) -> AbstractContextManager[Position]:
        """The applier stands at this position, with no transaction open, until the block ends."""
