"""What has to be true before a cutover may begin. Each gate says what is, what has to be, and what to do."""

from __future__ import annotations

from replicator.config import Config
from replicator.cutover.stream import ForwardStream
from replicator.mysql.connection import Connection
from replicator.progress import Gate, Progress
from replicator.transform.plan import MigrationPlan


def gates(
    config: Config,
    plan: MigrationPlan,
    stream: ForwardStream,
    progress: Progress,
    connection: Connection,
    max_freeze: float,
) -> list[Gate]:
    return []
