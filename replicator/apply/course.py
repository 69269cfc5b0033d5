"""What a stream is told: which way it goes, where it begins, and where the tables stand that it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from replicator.apply.applier import Applier
from replicator.mysql.connection import Endpoint
from replicator.mysql.position import Position
from replicator.state import Direction, State
from replicator.transform.plan import MigrationPlan


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


@dataclass(frozen=True, slots=True)
class Course:
    """What stays the same for as long as a stream lives."""

    plan: MigrationPlan
    state: State
    upstream: Endpoint
    downstream: Endpoint
    direction: Direction = "forward"
    beats: bool = True
    """Whether the upstream may be written to."""
    set_aside: bool = False
    """Whether bad rows go to quarantine; otherwise the first one ends the stream."""
    settled: Mapping[str, Position] = field(default_factory=dict)
    """Tables that were copied as they are at one position; nothing before it concerns them."""
    accept: Position | None = None
    """The schema change behind which somebody has said that it goes on."""
    behind: Behind | None = None
    aside: Aside | None = None
    applier: Callable[..., Applier] = Applier
