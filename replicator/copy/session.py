"""One worker's two connections, and how it copies a chunk between them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import pymysql
from pymysql.constants import ER

from replicator.binlog.charset import lossy_codec
from replicator.config import Config
from replicator.copy.chunks import FIRST_CHUNK_ROWS, MOST_CHUNK_ROWS, Chunk, Key, boundary, cut, finish, next_size, take
from replicator.copy.jobs import Job
from replicator.copy.writing import LoadWarned, TableWriter
from replicator.errors import BadRow, ReplicatorError, SchemaChanged
from replicator.mysql.catalog import Column, Table
from replicator.mysql.connection import Connection, Endpoint, connected, error_code, execute, failing, row
from replicator.mysql.literals import UNWRITABLE, exact_expression
from replicator.mysql.reading import Decode, Unreadable, read_batches
from replicator.mysql.sql import quote
from replicator.quarantine import Quarantine, Refusals
from replicator.staging import staging_relation
from replicator.state import State, of
from replicator.transform.plan import MigrationPlan, PlannedTransform
from replicator.transform.produce import Producer, Values, getter, producer
from replicator.transform.units import KEYS_PER_STATEMENT, Units, batches

_MOST_BUILD_ROWS = 4_000
"""A chunk of units is held in memory with all its related rows."""
_CHUNK_BYTES = 32 << 20
"""Of written literals: larger transactions would weigh on the target's undo and binlog."""
_IDLE_SECONDS = 600
"""Where a host vanishes without a word, its chunk is free again after this."""


def source_failure(source: Endpoint, error: Exception, doing: str) -> ReplicatorError:
    """The error for a read of the source that failed, and what to do where its table is no longer the one that was planned."""
    code = error_code(error)
    if code == ER.TABLE_DEF_CHANGED:
        return source.lost(error)  # a new snapshot can read it
    failure = source.failure(error, doing)
    if code in (ER.BAD_FIELD_ERROR, ER.NO_SUCH_TABLE):
        return SchemaChanged(
            f"{failure}. The schema of the source changed while it was copied, so that the copy is worth nothing: change"
            " transforms and target so that they fit, abort and run again"
        )
    return failure


class Session:
    """Copies chunks of the plan's jobs; one thread uses it."""

    def __init__(self, config: Config, plan: MigrationPlan, source: Connection, target: Connection) -> None:
        self._config = config
        self._plan = plan
        self.source = source
        self.target = target
        """Where the chunks and the rows are."""
        self._state: State = of(config)
        self._staging = staging_relation(config.migration.state_database, config.migration.name)
        self._tasks: dict[str, _Task] = {}
        accepting = config.stream.on_bad_row == "quarantine"
        self._quarantine = Quarantine(self._state, plan, config.target, accepting=accepting)
        found = row(target, "SELECT @@local_infile, @@max_allowed_packet")
        assert found is not None
        self._loads, self._longest = bool(found[0]), int(found[1])

    def step(self, jobs: Sequence[Job]) -> bool:
        """Copy one chunk of any of the jobs; False when all that is left is in other hands.

        Raises BadRow, SourceError or TargetError; what was written of the chunk is rolled back.
        """
        with self._failures():
            chunk = take(self._state, self.target, jobs)
            if chunk is None:
                return self._cut(jobs)
        try:
            self._copy(chunk, careful=not self._loads)
        except LoadWarned:
            with self._failures():
                chunk = take(self._state, self.target, [chunk.job])
            if chunk is not None:
                self._copy(chunk, careful=True)
        return True

    def _cut(self, jobs: Sequence[Job]) -> bool:
        return any(cut(self._state, self.target, job, lambda *place, job=job: self._boundary(job, *place)) for job in jobs)

    def _boundary(self, job: Job, low: Key | None, size: int) -> Key | None:
        reader, relation = self._walked(job)
        with self._failures(source=reader is self.source):
            return boundary(job, reader, relation, low, size)

    def _walked(self, job: Job) -> tuple[Connection, str]:
        if job.transform is None:
            return self.source, job.table.sql
        return self.target, self._staging(job.table.name)

    def copy_whole(self, job: Job, copied: Callable[[int], None]) -> None:
        """Copy a table as the source session's transaction sees it, range by range; `copied` hears of each.

        Only for a table that no other worker copies. Raises as `step` does, and what `copied` raises.
        """
        low, size = None, FIRST_CHUNK_ROWS
        while True:
            high = self._boundary(job, low, size)
            chunk = Chunk(job, 1, low, high)
            try:
                rows, wanted = self._write(chunk, careful=not self._loads)
            except LoadWarned:
                with self._failures():
                    self.target.rollback()
                rows, wanted = self._write(chunk, careful=True)
            with self._failures():
                self.target.commit()
            copied(rows)
            if high is None:
                return
            low, size = high, wanted or size

    def _copy(self, chunk: Chunk, *, careful: bool) -> None:
        copied, size = self._write(chunk, careful=careful)
        with self._failures():
            finish(self._state, self.target, chunk, copied, size)

    def _write(self, chunk: Chunk, *, careful: bool) -> tuple[int, int | None]:
        """Rows that were read, and how many the next chunk should have; None leaves it as it is."""
        began = time.monotonic()
        task = self._tasks.get(chunk.job.name)
        if task is None:
            task = self._tasks[chunk.job.name] = self._task(chunk.job)
        self._quarantine.begin()
        for writer in task.writers:
            writer.begin(careful)
        copied = task.run(chunk, careful)
        for writer in task.writers:
            writer.flush(self.target)
        with self._failures():
            self._quarantine.store(self.target)
        seconds = time.monotonic() - began
        written = max(1, sum(writer.written_bytes for writer in task.writers))
        most = min(task.most_rows, max(1, _CHUNK_BYTES * max(copied, 1) // written))
        return copied, next_size(copied, seconds, most)

    def _read(
        self, job: Job, statement: str, columns: Sequence[Column], decoders: Mapping[str, Decode], fields: bool
    ) -> Generator[list[Values], None, None]:
        try:
            yield from read_batches(self.source, statement, columns, fields=fields, exact=decoders)
        except Unreadable as error:
            key = ", ".join(f"{name}={error.row[name]!r}" for name in job.table.row_key if name in error.row)
            reason = "the bytes in the source are no text in the column's charset: correct them there"
            if job.table.by_name[error.column].type == "json":
                reason = "a document with types of SQL is longer than the source's max_allowed_packet: raise it there"
            raise BadRow(f"{job.table.schema}.{job.table.name}", key, reason, error.column) from None
        except (pymysql.MySQLError, OSError) as error:
            raise source_failure(self._config.source, error, "reading a chunk") from error

    @contextmanager
    def _failures(self, *, source: bool = False) -> Iterator[None]:
        try:
            yield
        except (pymysql.MySQLError, OSError) as error:
            if source:
                raise source_failure(self._config.source, error, "copying") from error
            raise self._config.target.failure(error, "copying") from error

    # Tasks: a job, compiled -------------------------------------------------------------------------------

    def _task(self, job: Job) -> _Task:
        return self._copy_task(job) if job.transform is None else self._build_task(job)

    def _copy_task(self, job: Job) -> _Task:
        source = self._plan.sources[job.table.name]
        columns = [source.table.by_name[name] for name in source.columns]
        outputs: list[_Output] = []
        if source.staged is not None:
            names = source.staged.columns
            writer = self._writer(self._staging(source.table.name), source.table, names, replace=True)
            pick = getter([source.columns.index(name) for name in names])
            outputs.append(_Output(writer, lambda raw: [pick(raw)], pick))
        for transform in source.direct:
            index = self._plan.transforms.index(transform)
            target = transform.target
            writer = self._writer(target.sql, target, transform.target_columns, replace=True, aside=self._quarantine.of(index))
            produce = self._sifting(index, producer(transform, source.columns), source.columns)
            outputs.append(_Output(writer, produce, _unchanged(transform, source.columns)))
        decoders = _decoders(columns)
        # CAST would give NULL for more than max_allowed_packet.
        selected = ", ".join(
            f"CONVERT({quote(column.name)} USING binary)"
            if column.name in decoders
            else exact_expression(column, quote(column.name))
            for column in columns
        )
        order = f" ORDER BY {', '.join(quote(column.name) for column in job.key)}" if job.key else ""
        passed = all(output.unchanged is not None for output in outputs)

        def run(chunk: Chunk, careful: bool) -> int:
            copied = 0
            fields = passed and not careful
            statement = f"SELECT {selected} FROM {job.table.sql} WHERE {chunk.condition()}{order}"
            with closing(self._read(job, statement, columns, decoders, fields)) as batches:
                for batch in batches:
                    copied += len(batch)
                    try:
                        for output in outputs:
                            output.write(self.target, batch, fields)
                    except LoadWarned:
                        deque(batches, maxlen=0)  # the connection is needed for the second attempt
                        raise
            return copied

        return _Task(run, [output.writer for output in outputs], MOST_CHUNK_ROWS)

    def _sifting(self, index: int, produce: Producer, columns: Sequence[str]) -> Callable[[Values], list[Values]]:
        """Makes no rows of a source row that the transform refuses, where such are set aside."""
        quarantine = self._quarantine
        key = getter([columns.index(name) for name in self._plan.transforms[index].unit_columns])

        def sifted(raw: Values) -> list[Values]:
            try:
                return produce(raw)
            except BadRow as error:
                quarantine.refuse_key(index, key(raw), error)
                return []

        return sifted if quarantine.accepting else produce

    def _writer(
        self, sql: str, table: Table, names: Sequence[str], *, replace: bool, aside: Refusals | None = None
    ) -> TableWriter:
        return TableWriter(sql, table, names, self._config.target, replace=replace, longest=self._longest, aside=aside)

    def _build_task(self, job: Job) -> _Task:
        transform = job.transform
        assert transform is not None
        index = self._plan.transforms.index(transform)
        units = Units(transform, self._staging)
        aside = self._quarantine.of(index)
        writer = self._writer(
            transform.target.sql, transform.target, transform.target_columns, replace=False, aside=aside
        )
        relation = self._staging(job.table.name)

        def run(chunk: Chunk, careful: bool) -> int:  # noqa: ARG001
            condition = chunk.condition("t0.")
            with self._failures():
                produced = self._made(index, units, condition)
                found = row(self.target, f"SELECT COUNT(*) FROM {relation} AS t0 WHERE {condition}")
            writer.add(self.target, produced)
            assert found is not None
            return int(found[0])

        return _Task(run, [writer], _MOST_BUILD_ROWS)

    def _made(self, index: int, units: Units, condition: str) -> list[Values]:
        """Target rows of the units of a chunk; only where one of them is bad are they looked at one by one."""
        try:
            return units.where(self.target, condition)
        except BadRow:
            if not self._quarantine.accepting:
                raise
        return [
            values
            for part in batches(units.keys(self.target, condition), KEYS_PER_STATEMENT)
            for together in self._quarantine.produced(self.target, units, part, index)
            for values in together
        ]


def _decoders(columns: Sequence[Column]) -> dict[str, Decode]:
    """For columns of which the server would send question marks in place of bytes that it has no character for."""
    found = {column.name: lossy_codec(column.charset) for column in columns if column.charset and not column.members}
    return {name: decode for name, decode in found.items() if decode is not None}


@dataclass(frozen=True, slots=True)
class _Output:
    """One table that a source table's rows go to."""

    writer: TableWriter
    produce: Callable[[Values], list[Values]]
    unchanged: Callable[[Values], Values] | None
    """Picks the columns, where all it takes is to write them down again."""

    def write(self, target: Connection, batch: Sequence[Values], fields: bool) -> None:
        """Take a batch of values, or of `fields`."""
        if fields:
            assert self.unchanged is not None
            self.writer.add_lines(target, list(map(",".join, map(self.unchanged, batch))))
        else:
            self.writer.add(target, [made for raw in batch for made in self.produce(raw)])


def _unchanged(transform: PlannedTransform, columns: Sequence[str]) -> Callable[[Values], Values] | None:
    """For a copy by names into columns of the very same types."""
    if transform.copied is None:
        return None
    for name, origin in zip(transform.target_columns, transform.copied, strict=True):
        ours, theirs = transform.source.by_name[origin], transform.target.by_name[name]
        if (ours.type, ours.full_type) != (theirs.type, theirs.full_type) or not _plain(theirs):
            return None
        if ours.nullable and not theirs.nullable:  # LOAD DATA writes the present time or the next number for some NULLs
            return None
    return getter([columns.index(name) for name in transform.copied])


def _plain(column: Column) -> bool:
    """Whether the column's encoder refuses nothing that the server would take, and change."""
    return column.charset not in UNWRITABLE and not (column.type == "set" and "" in column.members)


@dataclass(frozen=True, slots=True)
class _Task:
    """What to do with a chunk of a job."""

    run: Callable[[Chunk, bool], int]
    """Writes the chunk's rows, carefully or not; the number of rows that were read."""
    writers: Sequence[TableWriter]
    most_rows: int


@contextmanager
def opened(config: Config, plan: MigrationPlan) -> Iterator[Session]:
    """A session with connections of its own."""
    limits: dict[str, str | int] = {"wait_timeout": _IDLE_SECONDS, "net_read_timeout": _IDLE_SECONDS}
    with (
        connected(config.source) as source,
        connected(config.target, write=True, autocommit=False, settings=limits) as target,
    ):
        # Ranges are locked by nobody: two workers write side by side.
        with failing(config.target, "copying"):
            execute(target, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            of(config).guard(target)
            session = Session(config, plan, source, target)
        yield session
