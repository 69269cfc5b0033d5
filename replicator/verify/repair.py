"""Writes rows that differ anew, without racing with the stream.

Snapshots of the source are taken as for a verification. Then the applier is held at a boundary: what it has not touched
since the mark is in the source's snapshot exactly as it was at that boundary, so it can be written there. Staged rows
are corrected first, by the same rule for each row. What the stream did touch is left to it and looked at again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from replicator import state
from replicator.apply.writes import Writer, Writes
from replicator.config import Config
from replicator.errors import BadRow, WrongState
from replicator.mysql.connection import Connection, connected, execute
from replicator.mysql.flavour import identify
from replicator.mysql.literals import encoder, exact_expression, select_expression
from replicator.mysql.reading import read_rows
from replicator.mysql.sql import key_condition, quote
from replicator.progress import Progress
from replicator.quarantine import Quarantine
from replicator.staging import staging_relation
from replicator.transform.plan import MigrationPlan, PlannedTransform
from replicator.transform.produce import RowEncoder, Values, getter
from replicator.transform.units import Relation, Units, batches
from replicator.verify.compare import Comparer
from replicator.verify.passes import Keys, units
from replicator.verify.report import Report
from replicator.verify.snapshots import Snapshots, failing, snapshots, unless_stopped
from replicator.verify.stream import TouchedLog
from replicator.verify.verifier import look_again
from replicator.verify.walk import nobodys

ATTEMPTS = 5
"""Times that units which the stream touched, or whose place another row held, are tried again."""
UNITS_PER_HOLD = 200
"""Units that are written while the applier stands: a fraction of a second."""


def repair(
    config: Config, plan: MigrationPlan, report: Report, log: TouchedLog, progress: Progress, stop: threading.Event
) -> Report:
    """Write what the report found anew; the report of the same units afterwards.

    Raises WrongState when the stream does not keep going, Interrupted when stopped, and the endpoints' errors.
    """
    work = _Repair(config, plan, log, stop)
    strays: dict[str, list[Values]] = {}
    for one in report.differences:
        if one.transform is None:
            strays.setdefault(one.table, []).append(one.unit)
    todo: Keys = units((*report.differences, *report.aside))
    after = report
    for _ in range(ATTEMPTS):
        work.write(todo, strays)
        after = look_again(config, plan, log, progress, stop, units((*report.differences, *report.aside)), strays)
        todo = units((*after.differences, *after.moving))
        if after.ok and not after.moving:
            break
        unless_stopped(stop)
    unknown = {name: table.mismatched for name, table in report.tables.items()}
    for one in report.differences:
        unknown[one.table] -= 1
    for name, table in after.tables.items():
        progress.verified(name, table.rows, table.mismatched + unknown.get(name, 0))
    return after


class _Repair:
    def __init__(self, config: Config, plan: MigrationPlan, log: TouchedLog, stop: threading.Event) -> None:
        self._config = config
        self._plan = plan
        self._log = log
        self._stop = stop
        migration = config.migration
        self._staging = staging_relation(migration.state_database, migration.name)

    def write(self, keys: Keys, strays: dict[str, list[Values]]) -> None:
        """Correct what the stream leaves alone long enough."""
        log = self._log
        mark = log.begin()
        try:
            with snapshots(self._config, log, self._stop, "forward") as on, self._session() as session:
                here = replace(on, target=session)
                for table, rows in strays.items():
                    for part in batches(rows, UNITS_PER_HOLD):
                        with log.held():
                            self._remove(session, table, part)
                for index, some in keys.items():
                    corrector = _Corrector(self._config, self._plan, index, self._staging, here)
                    for part in batches(some, UNITS_PER_HOLD):
                        unless_stopped(self._stop)
                        self._correct(corrector, mark, part)
        finally:
            log.forget(mark)

    def _correct(self, corrector: _Corrector, mark: int, keys: list[Values]) -> None:
        """Halves what cannot be corrected together, until what is in the way stands alone and is left for the next try."""
        with self._log.held():
            touched, staged = self._log.since(mark), self._log.staged_since(mark)
            if touched is None or staged is None:
                raise WrongState("the stream touches more rows than can be remembered: repair at a quieter time")
            done = corrector.correct(keys, touched.get(corrector.index, set()), staged)
        if not done and len(keys) > 1:
            middle = len(keys) // 2
            self._correct(corrector, mark, keys[:middle])
            self._correct(corrector, mark, keys[middle:])

    def _remove(self, session: Connection, table: str, keys: Sequence[Values]) -> None:
        transforms = [transform for transform in self._plan.transforms if transform.target.name == table]
        target = transforms[0].target
        encoders = [encoder(target.by_name[name]) for name in target.primary_key]
        literals = [[encode(one) for encode, one in zip(encoders, key, strict=True)] for key in keys]
        named = key_condition([quote(name) for name in target.primary_key], literals)
        with failing(self._config.target):
            execute(session, f"DELETE FROM {target.sql} WHERE {named} AND {nobodys(transforms)}")
            session.commit()

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        with connected(self._config.target, database=False, write=True, autocommit=False) as connection:
            with failing(self._config.target):
                execute(connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            yield connection


class _Corrector:
    """Writes units of one transform, and the staged rows that they are made of."""

    def __init__(self, config: Config, plan: MigrationPlan, index: int, staging: Relation, on: Snapshots) -> None:
        self.index = index
        self._config = config
        self._plan = plan
        self._on = on
        self._staging = staging
        self._transform = transform = plan.transforms[index]
        self._source_table: Relation = lambda table: quote(plan.source_schema, table)
        self._comparer = Comparer(config, index, transform, self._source_table)
        self._alias = identify(on.target).flavour == "mysql"
        self._encoder = RowEncoder(transform.target, transform.target_columns)
        target, names = transform.target, transform.target_columns
        self._writer = Writer(target.sql, target, names, config.target, alias=self._alias)
        accepting = config.stream.on_bad_row == "quarantine"
        self._quarantine = Quarantine(state.of(config), plan, config.target, accepting=accepting)
        self._last_resort = Writer(
            target.sql, target, names, config.target, alias=self._alias, aside=self._quarantine.refuse_row
        )
        """Sets aside what cannot be written, once it stands alone."""

    def correct(self, keys: Sequence[Values], touched: set[Values], staged: dict[str, set[Values]]) -> bool:
        """Set the units right in one transaction; False when that must not or cannot be done for all of them."""
        if self._comparer.touched_among(keys, touched):
            return False
        session = self._on.target
        try:
            if self._transform.staged and not self._correct_staging(keys, staged):
                session.rollback()
                return False
            with failing(self._config.target):
                self._look_at(keys)
                writer = self._last_resort if self._quarantine.accepting and len(keys) == 1 else self._writer
                writer.write(session, self._writes(keys), exact=True)
                self._quarantine.store(session)
                session.commit()
        except BadRow:
            session.rollback()
            return False
        return True

    def _look_at(self, keys: Sequence[Values]) -> None:
        """What is in quarantine stays there if it is still refused."""
        self._quarantine.begin()
        self._quarantine.load(self._on.target)
        self._quarantine.look_at(self.index, keys)
        for key, reason in self._comparer.refused(self._on, keys):
            if self._quarantine.accepting:
                text = ", ".join(f"{name}={value!r}" for name, value in zip(self._transform.unit_columns, key, strict=True))
                self._quarantine.refuse_key(self.index, key, BadRow(self._transform.target.name, text, reason))
            else:
                self._quarantine.keep(self.index, key)

    def _writes(self, keys: Sequence[Values]) -> Writes:
        writes = Writes()
        key_of = getter([self._transform.target_columns.index(name) for name in self._transform.target.primary_key])
        by_name = self._transform.target.by_name
        encoders = [encoder(by_name[name]) for name in self._transform.target.primary_key]
        for right, there in self._comparer.corrections(self._on, keys):
            if there is not None:
                writes.deletes.append(tuple([encode(one) for encode, one in zip(encoders, key_of(there), strict=True)]))
            if right is not None:
                row = self._encoder.encode(right)
                # A row with this key may stand there as one of another unit: it is wrong too.
                writes.deletes.append(self._encoder.key_of(row))
                writes.inserts.append(row)
        return writes

    def _correct_staging(self, keys: Sequence[Values], touched: dict[str, set[Values]]) -> bool:
        for table, row_keys in self._staged_rows(keys).items():
            if row_keys & touched.get(table, set()):
                return False
            self._copy_rows(table, list(row_keys))
        return True

    def _staged_rows(self, keys: Sequence[Values]) -> dict[str, set[Values]]:
        """Source table → keys of the rows that make up the units, in the source or in staging."""
        transform, on = self._transform, self._on
        found: dict[str, set[Values]] = {}
        for connection, relation, endpoint in (
            (on.source, self._source_table, self._config.source),
            (on.target, self._staging, self._config.target),
        ):
            made = Units(transform, relation)
            with failing(endpoint):
                condition = made.condition(self._comparer.held(on, keys))
                found.setdefault(transform.source.name, set()).update(_row_keys(connection, relation, transform, condition))
                for item in transform.related:
                    row_key = getter([item.columns.index(name) for name in item.table.row_key])
                    rows = made.related_rows(connection, item, condition)
                    found.setdefault(item.table.name, set()).update(row_key(row) for _, row in rows)
        return found

    def _copy_rows(self, table: str, keys: Sequence[Values]) -> None:
        staged = self._plan.sources[table].staged
        assert staged is not None
        by_name = staged.table.by_name
        columns = [by_name[name] for name in staged.columns]
        encoders = [encoder(by_name[name]) for name in staged.table.row_key]
        sql = [quote(name) for name in staged.table.row_key]
        select = ", ".join(exact_expression(column, quote(column.name)) for column in columns)
        writer = Writer(self._staging(table), staged.table, staged.columns, self._config.target, alias=self._alias)
        row_encoder = RowEncoder(staged.table, staged.columns)
        for part in batches(keys, 500):
            literals = [tuple([encode(one) for encode, one in zip(encoders, key, strict=True)]) for key in part]
            condition = key_condition(sql, literals)
            with failing(self._config.source):
                statement = f"SELECT {select} FROM {self._source_table(table)} WHERE {condition}"
                right = set(read_rows(self._on.source, statement, columns, exact={}))
            with failing(self._config.target):
                statement = f"SELECT {select} FROM {self._staging(table)} WHERE {condition} FOR UPDATE"
                there = set(read_rows(self._on.target, statement, columns, exact={}))
                if right != there:
                    writer.upsert(self._on.target, literals, [row_encoder.encode(row) for row in right])


def _row_keys(connection: Connection, relation: Relation, transform: PlannedTransform, condition: str) -> Iterator[Values]:
    columns = [transform.source.by_name[name] for name in transform.source.row_key]
    select = ", ".join(select_expression(column, "t0." + quote(column.name)) for column in columns)
    statement = f"SELECT {select} FROM {relation(transform.source.name)} AS t0 WHERE {condition}"
    return read_rows(connection, statement, columns)
