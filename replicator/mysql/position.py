"""Places in a server's binlog. A position only ever stands on a transaction boundary."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """File and offset, with the set of transactions (GTID) that lie before it where the server has them."""

    file: str
    pos: int
    gtid: str = ""

    @property
    def file_number(self) -> int:
        """The number behind the last dot: 999999 is followed by 1000000, so names do not sort as text."""
        return int(self.file.rpartition(".")[2])

    @property
    def order(self) -> tuple[int, int]:
        """Sorts positions of one server."""
        return (self.file_number, self.pos)

    def reached(self, other: Position) -> bool:
        """Whether this position stands at or after `other`, on the same server."""
        return self.order >= other.order

    def to_json(self) -> dict[str, str | int]:
        """As in `status --json`."""
        return {"file": self.file, "pos": self.pos, "gtid": self.gtid}

    def __str__(self) -> str:
        return f"{self.file}:{self.pos}"
