"""Chunks: key ranges that workers on any host take from the state database, each copied exactly once.

A worker takes a chunk by locking its row in the transaction that will hold the chunk's target rows, and deletes it there.
So a chunk is done exactly when its rows are, and a worker that dies gives it back at the moment the server notices: the
lock is the lease. Chunks are cut one after the other as workers ask for them, in the size that the last ones suggest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass

from replicator.copy.jobs import Job
from replicator.mysql.connection import Connection, execute, row, rows
from replicator.mysql.literals import encoder
from replicator.mysql.sql import after_condition, quote, until_condition
from replicator.state import State

FIRST_CHUNK_ROWS = 1_000
LEAST_CHUNK_ROWS = 50
MOST_CHUNK_ROWS = 200_000
SECONDS = 1.0
"""How long a chunk should take: what a kill costs, and how long its rows stay locked."""

_KEYLESS = 0
"""The number of the chunk of the rows whose key is NULL."""


Key = tuple[str, ...]
"""Literals of the columns of a job's key."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The rows above `low` up to and including `high`; None is open."""

    job: Job
    number: int
    low: Key | None
    high: Key | None

    def condition(self, alias: str = "") -> str:
        """SQL for the rows of the chunk in the walked table, known as `alias`."""
        columns = [alias + quote(column.name) for column in self.job.key]
        if self.number == _KEYLESS:
            return f"{columns[0]} IS NULL"
        parts = [after_condition(columns, self.low)] if self.low is not None else []
        parts += [until_condition(columns, self.high)] if self.high is not None else []
        if self.job.nullable and not parts:
            return f"{columns[0]} IS NOT NULL"
        return " AND ".join(parts) or "TRUE"


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is."""

    rows: int
    estimate: int
    done: bool


def create_job(state: State, connection: Connection, job: Job, estimate: int) -> None:
    """Enter a job, if it is not there yet."""
    added = execute(
        connection,
        f"INSERT IGNORE INTO {state.table('job')} (migration, name, chunk_rows, estimate) VALUES (%s, %s, %s, %s)",
        (state.migration, job.name, FIRST_CHUNK_ROWS, estimate),
    )
    if added and job.nullable:
        execute(
            connection,
            f"INSERT INTO {state.table('chunk')} (migration, job, number) VALUES (%s, %s, %s)",
            (state.migration, job.name, _KEYLESS),
        )
    connection.commit()


def progress(state: State, connection: Connection) -> dict[str, JobProgress]:
    """Every job of the migration by name, largest first."""
    connection.commit()  # begins a new view
    open_chunks = {
        name
        for (name,) in rows(
            connection, f"SELECT DISTINCT job FROM {state.table('chunk')} WHERE migration = %s", (state.migration,)
        )
    }
    return {
        name: JobProgress(int(copied), int(estimate), bool(planned) and name not in open_chunks)
        for name, copied, estimate, planned in rows(
            connection,
            f"SELECT name, `rows`, estimate, planned FROM {state.table('job')} WHERE migration = %s"
            " ORDER BY estimate DESC, name",
            (state.migration,),
        )
    }


def cut(state: State, connection: Connection, job: Job, find: Callable[[Key | None, int], Key | None]) -> bool:
    """Cut the next chunk of a job; False when all of it is cut already.

    `find` is `boundary` on the walked table. Two workers may cut at once: one of them wins.
    """
    connection.commit()
    stored = row(
        connection,
        f"SELECT chunks, next_low, chunk_rows FROM {state.table('job')} WHERE migration = %s AND name = %s AND planned = 0",
        (state.migration, job.name),
    )
    if stored is None:
        return False
    chunks, low, size = stored
    high = find(_read(low), int(size))
    moved = execute(
        connection,
        f"UPDATE {state.table('job')} SET chunks = chunks + 1, next_low = %s, planned = %s"
        " WHERE migration = %s AND name = %s AND chunks = %s AND planned = 0",
        (_written(high), high is None, state.migration, job.name, chunks),
    )
    if moved:
        execute(
            connection,
            f"INSERT INTO {state.table('chunk')} (migration, job, number, low, high) VALUES (%s, %s, %s, %s, %s)",
            (state.migration, job.name, int(chunks) + 1, low, _written(high)),
        )
    connection.commit()
    return True


def boundary(job: Job, reader: Connection, relation: str, low: Key | None, size: int) -> Key | None:
    """The key that ends a chunk of `size` rows behind `low`; None when no more than that are left.

    A query that fails raises: only an answer without rows is the end of the table.
    """
    if not job.key:
        return None
    columns = [quote(column.name) for column in job.key]
    names = ", ".join(columns)
    condition = Chunk(job, 1, low, None).condition()
    found = row(reader, f"SELECT {names} FROM {relation} WHERE {condition} ORDER BY {names} LIMIT 1 OFFSET {size - 1}")
    if found is None:
        return None
    return tuple([encoder(column)(value) for column, value in zip(job.key, found, strict=True)])


def take(state: State, connection: Connection, jobs: Collection[Job]) -> Chunk | None:
    """Lock a chunk that no living worker holds; the transaction that this begins is to hold its rows and `finish`."""
    connection.rollback()
    by_name = {job.name: job for job in jobs}
    found = row(
        connection,
        f"SELECT job, number, low, high FROM {state.table('chunk')} WHERE migration = %s AND job IN %s"
        " ORDER BY job, number LIMIT 1 FOR UPDATE SKIP LOCKED",
        (state.migration, tuple(by_name)),
    )
    if found is None:
        connection.rollback()
        return None
    name, number, low, high = found
    return Chunk(by_name[name], int(number), _read(low), _read(high))


def finish(state: State, connection: Connection, chunk: Chunk, copied: int, next_size: int | None) -> None:
    """Mark the chunk done and commit it with its rows; chunks cut from now on have `next_size` rows."""
    execute(
        connection,
        f"DELETE FROM {state.table('chunk')} WHERE migration = %s AND job = %s AND number = %s",
        (state.migration, chunk.job.name, chunk.number),
    )
    execute(
        connection,
        f"UPDATE {state.table('job')} SET `rows` = `rows` + %s, chunk_rows = COALESCE(%s, chunk_rows)"
        " WHERE migration = %s AND name = %s",
        (copied, next_size, state.migration, chunk.job.name),
    )
    state.guard(connection)
    connection.commit()


def next_size(copied: int, seconds: float, most: int) -> int | None:
    """Rows of the next chunk, so that it takes about SECONDS; None when this one was too small to tell."""
    if copied < LEAST_CHUNK_ROWS:
        return None
    return max(LEAST_CHUNK_ROWS, min(int(copied * SECONDS / max(seconds, 0.001)), copied * 4, most))


def _written(key: Key | None) -> str | None:
    return None if key is None else json.dumps(list(key), ensure_ascii=False)


def _read(text: str | None) -> Key | None:
    return None if text is None else tuple(json.loads(text))
