"""What changed keys come to in the target: one class for transforms that see their own row only, one for all others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

from replicator.apply.changes import Pending
from replicator.apply.writes import Writes
from replicator.errors import BadRow
from replicator.mysql.connection import Connection
from replicator.mysql.literals import encoder
from replicator.mysql.refusals import key_text
from replicator.quarantine import Quarantine
from replicator.transform.plan import PlannedTransform, SourceTable
from replicator.transform.produce import Literals, RowEncoder, Values, producer
from replicator.transform.units import KEYS_PER_STATEMENT, Relation, TargetRows, Units, batches


class DirectTransform:
    """Row images straight to target rows."""

    def __init__(self, transform: PlannedTransform, source: SourceTable, refuse: Callable[[Values, BadRow], None]) -> None:
        self._transform = transform
        self._refuse = refuse
        self._produce = producer(transform, source.columns)
        self._encoder = RowEncoder(transform.target, transform.target_columns)
        self._target = TargetRows(transform)
        key = transform.target.primary_key
        names = [*transform.key_columns, *(name for name, _ in transform.constants)]
        self.one_row = set(names) == set(key)
        """Whether a unit is at most one row, named by the primary key."""
        self._key_order = [names.index(name) for name in key] if self.one_row else []
        by_name = transform.target.by_name
        self._constants = tuple(encoder(by_name[name])(value) for name, value in transform.constants)

    def writes(self, pending: dict[Values, Pending]) -> Writes:
        """What these units come to. `refuse` takes those that make no row of the target, or raises the BadRow."""
        return self._one(pending) if self.one_row else self._several(pending)

    def _one(self, pending: dict[Values, Pending]) -> Writes:
        writes = Writes()
        produce, encode = self._produce, self._encoder.encode
        for key, entry in pending.items():
            try:
                produced = produce(entry.image) if entry.image is not None else ()
                if len(produced) > 1:
                    text = ", ".join(map(repr, key))
                    raise BadRow(self._transform.target.name, text, "the transform returned several rows of one key")
                row = encode(produced[0]) if produced else None
            except BadRow as error:
                self._refuse(key, error)
                row = None
            if row is not None:
                (writes.updates if entry.stood else writes.inserts).append(row)
            elif (held := self._target.held(key)) is not None:
                literals = (*held, *self._constants)
                writes.deletes.append(tuple([literals[place] for place in self._key_order]))
        return writes

    def _several(self, pending: dict[Values, Pending]) -> Writes:
        """All rows of a unit are replaced."""
        writes = Writes()
        keys = list(pending)
        for start in range(0, len(keys), 500):
            writes.deleted_units.append(self._target.condition(keys[start : start + 500]))
        for key, entry in pending.items():
            if entry.image is not None:
                try:
                    writes.inserts += [self._encoder.encode(values) for values in self._produce(entry.image)]
                except BadRow as error:
                    self._refuse(key, error)
        return writes


class StagedTransform:
    """Units computed from staging; only what differs is written."""

    def __init__(self, transform: PlannedTransform, relation: Relation, quarantine: Quarantine, index: int) -> None:
        self.transform = transform
        self._quarantine = quarantine
        self._index = index
        self.units = Units(transform, relation)
        self._target = TargetRows(transform)
        self._encoder = RowEncoder(transform.target, transform.target_columns)

    def writes(self, connection: Connection, keys: Iterable[Values]) -> Writes:
        """What these units come to, compared with what stands there, both as the caller's transaction sees it."""
        wanted = list(keys)
        encoder = self._encoder
        expected: dict[Literals, tuple[Literals, Literals]] = {}
        together = (
            units
            for part in batches(wanted, KEYS_PER_STATEMENT)
            for units in self._quarantine.produced(connection, self.units, part, self._index)
        )
        for units in together:
            made: set[Literals] = set()
            for values in units:
                try:
                    row = encoder.encode(values)
                    compared = row if encoder.plain else encoder.compare(values)
                except BadRow as error:
                    self._quarantine.refuse_values(self._index, values, error)
                    continue
                key = encoder.key_of(row)
                if key in made or expected.get(key, (row,))[0] != row:
                    text = key_text(self.transform.target, self.transform.target_columns, row)
                    reason = "two source rows make a target row of this key"
                    self._quarantine.refuse_row(row, BadRow(self.transform.target.name, text, reason))
                    continue
                made.add(key)
                # Spellings of a key that the collation takes for one may stand in two lists, each giving the whole unit.
                expected[key] = (row, compared)
        well = self._quarantine.without(self._index, [row for row, _ in expected.values()])
        if len(well) < len(expected):
            expected = {key: expected[key] for key in map(encoder.key_of, well)}
        present = {
            encoder.key_of(row): row if encoder.plain else encoder.compare(values)
            for values in self._target.of_keys(connection, self._named(connection, wanted))
            for row in (encoder.encode(values),)
        }
        writes = Writes()
        for key, (row, comparable) in expected.items():
            if key not in present:
                writes.inserts.append(row)
            elif present[key] != comparable:
                writes.updates.append(row)
        writes.deletes += [key for key in present if key not in expected]
        return writes

    def _named(self, connection: Connection, keys: Sequence[Values]) -> Iterable[Values]:
        """Keys by which rows of these units may stand in the target: those that their members have, or had before."""
        if not self.transform.respelled:
            return keys
        spelled = (
            self.units.spellings(connection, self.units.condition(part)) for part in batches(keys, KEYS_PER_STATEMENT)
        )
        return dict.fromkeys(chain(keys, *spelled))
