"""What the stream back needs of the new tables as they were at the switch: made from the old ones.

Related rows, and the children of foreign keys that the server follows without a word in its binlog, have to be known as they
were when the stream begins. By then the new tables have moved on. But at the switch they were what the transforms make of the
old tables, and the old tables stand still until the stream begins.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from replicator.errors import Interrupted
from replicator.mysql.connection import Connection, Endpoint, connected, execute
from replicator.mysql.sql import quote_list
from replicator.reverse.plan import ReversePlan
from replicator.staging import create_staging, index_staging
from replicator.transform.plan import PlannedTransform, StagedTable
from replicator.transform.produce import RowEncoder, Values, getter
from replicator.transform.ranges import KeyRanges, chunk_rows
from replicator.transform.units import Relation, Units, batches

_ROWS = 500
"""Of one INSERT."""


def fill_staging(endpoint: Endpoint, reverse: ReversePlan, relation: Relation, stop: threading.Event) -> int:
    """Create and fill the staging tables of the stream back; the rows. Raises Interrupted when stopped: begin again then.

    `endpoint` may read the old tables and write to the state database.
    """
    total = 0
    with connected(endpoint, database=False, write=True) as target, connected(endpoint, database=False) as reading:
        for name, source in reverse.stream.sources.items():
            if source.staged is None:
                continue
            execute(target, f"DROP TABLE IF EXISTS {relation(name)}")
            create_staging(target, relation, source.staged)
            for transform in reverse.forward.transforms:
                if transform.target.name == name:
                    total += _fill(reading, target, reverse, transform, source.staged, relation(name), stop)
            index_staging(target, relation, source.staged)
            execute(target, f"ANALYZE TABLE {relation(name)}")
    return total


def _fill(
    reading: Connection,
    target: Connection,
    reverse: ReversePlan,
    transform: PlannedTransform,
    staged: StagedTable,
    staging: str,
    stop: threading.Event,
) -> int:
    encode = RowEncoder(transform.target, transform.target_columns).encode
    pick = getter([transform.target_columns.index(name) for name in staged.columns])
    insert = f"INSERT INTO {staging} ({quote_list(staged.columns)}) VALUES "
    written = 0
    for rows in rows_made(reading, reverse, transform):
        if stop.is_set():
            raise Interrupted("stopped while the way back was prepared; run again to go on")
        for part in batches(rows, _ROWS):
            execute(target, insert + ",".join(f"({','.join(pick(encode(values)))})" for values in part))
        written += len(rows)
    return written


def rows_made(reading: Connection, reverse: ReversePlan, transform: PlannedTransform) -> Iterator[list[Values]]:
    """All rows that a transform makes of the old tables as the session sees them, part by part."""
    units = Units(transform, reverse.forward.source_sql)
    columns = [transform.source.by_name[name] for name in transform.unit_columns]
    ranges = KeyRanges(reverse.forward.source_sql(transform.source.name), columns, prefix="t0.")
    size = chunk_rows(transform)
    nulls = ranges.null_keys(reading)
    if nulls:
        yield list(units.of_keys(reading, nulls))
    low = None
    while True:
        boundary = ranges.boundary(reading, low, size)
        high = None if boundary is None else boundary[0]
        yield units.where(reading, ranges.condition(low, high))
        if high is None:
            return
        low = high
