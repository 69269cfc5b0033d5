"""What a stream is told of its ends: where it begins, and where the tables stand that it reads."""

from __future__ import annotations

from dataclasses import dataclass

from replicator.mysql.position import Position


@dataclass(frozen=True, slots=True)
class Behind:
    """Where a stream begins: behind a statement that stands in the binlog after `since`."""

    since: Position
    statement: str


@dataclass(frozen=True, slots=True)
class Aside:
    """Where the upstream's tables stand while it is closed, and how the statements begin that take them there and back."""

    schema: str
    marker: str
