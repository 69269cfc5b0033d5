"""What the cutover asks of the stream that feeds the target."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from replicator.mysql.connection import Connection
from replicator.mysql.position import Position


class ForwardStream(Protocol):
    """The running stream from source to target.

    Between its steps it must hold no transaction open on a table of either side: the rename waits for every one. What
    stands in the binlog behind the rename belongs to the new tables: the stream must not apply it to the old ones, which
    it does not as long as DDL on a table that it reads stops it.
    """

    def lag_seconds(self) -> float | None:
        """How far the target is behind; None when unknown."""

    def applied(self) -> Position:
        """The target's checkpoint."""

    def wait_applied(self, position: Position, timeout: float) -> bool:
        """Wait until everything before `position` is applied, at most `timeout` seconds; whether it is."""

    def held(self) -> AbstractContextManager[object]:
        """It stands between two transactions inside the block, and has no table of either side in use."""

    def prepare_proof(self) -> int:
        """Compare what was touched since the last full verification while traffic runs, until little is left.

        Returns how many rows are left. Raises VerificationFailed.
        """

    def prove(self, deadline: float, source: Connection) -> int:
        """Compare the rest while the source stands still; the rows compared. Only `source` can read its tables now.

        Raises VerificationFailed, and CutoverUndone when `deadline` (monotonic clock) passes first.
        """

    def stop(self) -> None:
        """The switch is done: this stream ends for good."""
