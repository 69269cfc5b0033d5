"""One batch, one target transaction: staging, units, rows, checkpoint.

staging ← last images · keys of units reached from all images, on staging as it stands now · those units computed,
compared with what is there, the difference written · direct rows · checkpoint · COMMIT
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from time import monotonic

import pymysql

from replicator.apply.cascades import Cascades
from replicator.apply.changes import Changes, Gatherer, Pending
from replicator.apply.feed import Piece
from replicator.apply.prepared import Prepared
from replicator.apply.touched import Touched
from replicator.apply.transforms import DirectTransform, StagedTransform
from replicator.apply.writes import STATEMENT_ROWS, Writer, Writes
from replicator.binlog.events import Row, RowsEvent, TransactionEnd
from replicator.errors import BadRow
from replicator.mysql.catalog import Table
from replicator.mysql.connection import Connection, Endpoint, execute
from replicator.mysql.connection import rows as select_rows
from replicator.mysql.flavour import Server
from replicator.mysql.literals import Encoder, encoder, select_expression
from replicator.mysql.sql import quote
from replicator.quarantine import Quarantine
from replicator.state import Checkpoint, Direction, State
from replicator.transform.plan import MigrationPlan, SourceTable, StagedTable
from replicator.transform.produce import Literals, Values
from replicator.transform.units import KEYS_PER_STATEMENT, Relation, TargetRows


@dataclass(frozen=True, slots=True)
class Applied:
    """What a committed batch was."""

    checkpoint: Checkpoint
    transactions: int
    operations: dict[tuple[str, str], int]
    written: dict[str, tuple[int, int, int]]
    """Target table → rows inserted, updated, deleted."""
    touched: Touched


class Applier:
    """Applies pieces of the stream through one target session.

    Until `exact`, rows are set whatever stands there; until `units`, staged transforms are left alone. Both are True once the
    stream has passed HIGH and the units are built. After a rollback, units are kept up before all rows are known to be exact.
    """

    def __init__(
        self,
        plan: MigrationPlan,
        state: State,
        direction: Direction,
        connection: Connection,
        endpoint: Endpoint,
        server: Server,
        relation: Relation,
        prepared: Prepared,
        quarantine: Quarantine,
        *,
        checkpoint: Checkpoint,
        source_identity: str,
        exact: bool,
        units: bool,
        took: Callable[[str, float], None] = lambda step, seconds: None,
    ) -> None:
        self._plan = plan
        self._state = state
        self._direction = direction
        self._connection = connection
        self._endpoint = endpoint
        self._checkpoint = checkpoint
        self._source_identity = source_identity
        self._took = took
        self._prepared = prepared
        self._quarantine = quarantine
        self.exact = exact
        self.units = units
        alias = server.flavour == "mysql"
        self._gatherer = Gatherer(plan)
        self._staging = {
            name: _StagingWriter(source, source.staged, relation, endpoint, alias=alias)
            for name, source in plan.sources.items()
            if source.staged is not None
        }
        self._cascades = (
            Cascades(plan, relation, lambda session, name, images: self._staging[name].write(session, images))
            if plan.cascades
            else None
        )
        self._compile(relation, alias=alias)
        self._open = Changes()
        """Units reached by the pieces of a transaction that is not complete yet."""
        self._touched = Touched()
        self._written: dict[str, tuple[int, int, int]] = {}
        self._operations: dict[tuple[str, str], int] = {}
        self._transactions = 0
        self._inside = False

    def _compile(self, relation: Relation, *, alias: bool) -> None:
        """Make ready what turns changes into rows."""
        plan = self._plan
        self._direct = {
            index: DirectTransform(transform, plan.sources[transform.source.name], partial(self._quarantine.refuse_key, index))
            for index, transform in enumerate(plan.transforms)
            if not transform.staged
        }
        self._staged = {
            index: StagedTransform(transform, relation, self._quarantine, index)
            for index, transform in enumerate(plan.transforms)
            if transform.staged
        }
        self._writers = {
            transform.target.name: Writer(
                transform.target.sql,
                transform.target,
                transform.target_columns,
                self._endpoint,
                alias=alias,
                aside=self._quarantine.refuse_row if self._quarantine.accepting else None,
            )
            for transform in plan.transforms
        }
        writers = Counter(transform.target.name for transform in plan.transforms)
        self._independent = {
            index
            for index, transform in enumerate(plan.transforms)
            if index in self._direct
            and self._direct[index].one_row
            and writers[transform.target.name] == 1
            and self._writers[transform.target.name].independent
        }
        """Direct transforms whose rows may be written in any order."""

    def close(self) -> None:
        """Give back what it holds besides the caller's session."""

    def apply(self, pieces: Sequence[Piece]) -> Applied | None:
        """Apply the pieces and commit with the checkpoint of the last one's end.

        Without that end the target transaction stays open for the next pieces, and None is returned.
        """
        connection = self._connection
        end = pieces[-1].end
        whole = end is not None and not self._inside
        try:
            if not self._inside:
                execute(connection, "BEGIN")
                self._inside = True
                self._quarantine.refresh(connection)
            self._transactions += sum(piece.transactions for piece in pieces if piece.end is not None)
            batches = self._prepared.batches(pieces)
            events = next(batches)
            for following in batches:
                self._write(events, whole=False, last=False)
                events, whole = following, False
            self._write(events, whole=whole, last=end is not None)
            if end is None:
                return None
            self._quarantine.store(connection)
            if self.exact:
                self._quarantine.try_again(connection, self._written.keys())
            checkpoint = Checkpoint(end.position, self._source_identity, end.timestamp)
            started = monotonic()
            self._state.move_checkpoint(connection, self._direction, self._checkpoint, checkpoint)
            connection.commit()
            self._checkpoint = checkpoint
            self._took("commit", monotonic() - started)
        except pymysql.MySQLError as error:
            raise self._endpoint.failure(error, "applying") from None
        applied = Applied(checkpoint, self._transactions, self._operations, self._written, self._touched)
        self._touched, self._written, self._operations, self._transactions = Touched(), {}, {}, 0
        self._inside = False
        return applied

    def empty(self, tables: Sequence[str]) -> None:
        """Delete what came of the rows of these source tables, in the target transaction that the next `apply` ends."""
        connection = self._connection
        try:
            if not self._inside:
                execute(connection, "BEGIN")
                self._inside = True
            for name in tables:
                for index in self._direct:
                    transform = self._plan.transforms[index]
                    if transform.source.name == name:
                        condition = "TRUE" + TargetRows(transform).constant_condition
                        execute(connection, f"DELETE FROM {transform.target.sql} WHERE {condition}")
                for rows in self._staging[name].rows(connection) if name in self._staging else ():
                    events = [RowsEvent(self._plan.source_schema, name, "delete", rows, False)]
                    self._write(events, whole=False, last=False)
        except pymysql.MySQLError as error:
            raise self._endpoint.failure(error, "emptying") from None
        self._touched = replace(self._touched, untold=True)

    def pass_over(self, end: TransactionEnd) -> None:
        """Move the checkpoint over transactions that changed nothing here."""
        checkpoint = Checkpoint(end.position, self._source_identity, end.timestamp)
        try:
            self._state.move_checkpoint(self._connection, self._direction, self._checkpoint, checkpoint)
        except pymysql.MySQLError as error:
            raise self._endpoint.failure(error, "moving the checkpoint") from None
        self._checkpoint = checkpoint

    def _write(self, events: Sequence[RowsEvent], *, whole: bool, last: bool) -> None:
        connection = self._connection
        started = monotonic()
        changes = self._open
        if self._cascades is not None:
            events = self._cascades.derive(connection, events)
        self._gatherer.gather(changes, events)
        self._took("gather", monotonic() - started)
        started = monotonic()
        for name, images in changes.staged.items():
            self._staging[name].write(connection, images)
            self._touched.staged.setdefault(name, set()).update(images)
        self._took("stage", monotonic() - started)
        for operation, count in changes.operations.items():
            self._operations[operation] = self._operations.get(operation, 0) + count
        self._write_rows(changes, whole=whole, last=last)
        self._open = Changes() if last else Changes(units=changes.units, related=changes.related)

    def _write_rows(self, changes: Changes, *, whole: bool, last: bool) -> None:
        """Change the downstream's tables; staging is up to date."""
        connection = self._connection
        started = monotonic()
        exact = self.exact and whole
        writes: dict[str, Writes] = {}
        for index, pending in changes.direct.items():
            self._touched.units.setdefault(index, set()).update(pending)
            self._quarantine.look_at(index, pending)
            if exact and index in self._independent:
                self._writers[self._table(index)].write_parts(connection, self._parts(index, pending), exact=True)
                continue
            made = self._direct[index].writes(pending)
            if exact:
                self._gather_writes(writes, index, made)
            else:
                # Inside a long transaction two rows may swap a unique value across pieces: as while replaying, the
                # holder gives way and its own event brings it back before the commit.
                self._writers[self._table(index)].write(connection, made, exact=False)
            self._count(index, made)
        self._took("rows", monotonic() - started)
        if last and self.units:
            started = monotonic()
            self._compute_units(changes, writes)
            # All transforms of a table at once: a unique value may wander from a row of one to a row of another.
            for table, made in writes.items():
                self._writers[table].write(connection, made, exact=self.exact)
            self._took("units", monotonic() - started)

    def _parts(self, index: int, pending: dict[Values, Pending]) -> Iterator[Writes]:
        """The writes of a direct transform part by part."""
        entries = iter(pending.items())
        while part := dict(islice(entries, STATEMENT_ROWS)):
            made = self._direct[index].writes(part)
            self._count(index, made)
            yield made

    def _compute_units(self, changes: Changes, writes: dict[str, Writes]) -> None:
        for index, staged in self._staged.items():
            keys = set(changes.units.get(index, ()))
            for number, item in enumerate(staged.transform.related):
                images = changes.related.get((index, number))
                if images:
                    keys.update(staged.units.reached(self._connection, item, images))
            if keys:
                self._quarantine.look_at(index, keys)
                made = staged.writes(self._connection, keys)
                self._gather_writes(writes, index, made)
                self._count(index, made)
                self._touched.units.setdefault(index, set()).update(keys)

    def _gather_writes(self, writes: dict[str, Writes], index: int, made: Writes) -> None:
        writes.setdefault(self._table(index), Writes()).add(made)

    def _table(self, index: int) -> str:
        return self._plan.transforms[index].target.name

    def _count(self, index: int, writes: Writes) -> None:
        table = self._table(index)
        inserted, updated, deleted = self._written.get(table, (0, 0, 0))
        self._written[table] = (
            inserted + len(writes.inserts),
            updated + len(writes.updates),
            deleted + len(writes.deletes) + len(writes.deleted_units),
        )


class _StagingWriter:
    def __init__(
        self, source: SourceTable, staged: StagedTable, relation: Relation, endpoint: Endpoint, *, alias: bool
    ) -> None:
        table = staged.table
        images = ", ".join(
            select_expression(table.by_name[name], quote(name)) if name in staged.columns else "NULL"
            for name in source.before
        )
        self._some = f"SELECT {images} FROM {relation(table.name)} LIMIT {KEYS_PER_STATEMENT}"
        self._encoders = [encoder(table.by_name[name]) for name in staged.columns]
        self._keys = [encoder(table.by_name[name]) for name in table.row_key]
        self._writer = Writer(relation(table.name), _keyed_only(staged), staged.columns, endpoint, alias=alias)
        self._staged = staged

    def write(self, connection: Connection, images: dict[Values, Pending]) -> None:
        gone = [self._literals(self._keys, key) for key, pending in images.items() if pending.image is None]
        rows = [self._literals(self._encoders, pending.image) for pending in images.values() if pending.image is not None]
        self._writer.upsert(connection, gone, rows)

    def rows(self, connection: Connection) -> Iterator[list[tuple[Row | None, Row | None]]]:
        """What stands there as images of deleted rows, part by part: the next one is read when the last one is gone.

        Columns that are not staged are NULL in them.
        """
        while found := select_rows(connection, self._some):
            yield [(row, None) for row in found]

    def _literals(self, encoders: Sequence[Encoder], values: Values) -> Literals:
        try:
            return tuple([encode(value) for encode, value in zip(encoders, values, strict=True)])
        except ValueError as error:
            table = self._staged.table
            raise BadRow(table.name, ", ".join(map(repr, values[: len(table.row_key)])), f"staging: {error}") from None


def _keyed_only(staged: StagedTable) -> Table:
    """The source table as staging has it: only its row key is unique there."""
    table = staged.table
    return replace(table, indexes=tuple(index for index in table.indexes if index not in table.unique_keys))
