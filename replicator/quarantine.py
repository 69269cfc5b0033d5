"""Units that are set aside: their transform raises, makes no row of the target, or the target refuses the row.

With on_bad_row = "quarantine" such a unit has no rows in the target and is a row of the state database, written in the
transaction that takes its rows away: the target is exactly what the transforms make of the source, without these units. A
unit comes back when it is computed again, because its source row, a related row or a member of its group has changed; a
group whose members spell its key differently comes back by any of the spellings. One that was refused because another row
has its values in a unique key is kept as it was made, and is tried again whenever its table has been written. With "stop"
the first bad row is an error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pymysql
import structlog

from replicator.errors import BadRow
from replicator.mysql.connection import Connection, Endpoint, error_code, execute, row, rows
from replicator.mysql.equality import equal_keys
from replicator.mysql.literals import encoder
from replicator.mysql.refusals import COLLISIONS
from replicator.mysql.sql import key_condition, quote, quote_list
from replicator.state import State
from replicator.transform.plan import MigrationPlan, PlannedTransform
from replicator.transform.produce import Literals, RowEncoder, Values, getter
from replicator.transform.units import TargetRows, Units

TRIED_AT_ONCE = 200
"""Units that are tried again after a batch."""
SHOWN = 100
"""Units that `status` names."""
_NOT_HELD = "refused"
"""Begins the identity of a unit whose key the target's columns cannot hold."""

_log = structlog.get_logger("quarantine")


@dataclass(slots=True)
class _Aside:
    """A unit that is to be set aside; `collided` rows are to be tried again."""

    error: BadRow
    refused: list[Literals] = field(default_factory=list)
    collided: bool = False


class Quarantine:
    """The units of one plan. Nothing is stored, and nothing stored is believed, but in the caller's target transaction."""

    def __init__(self, state: State, plan: MigrationPlan, endpoint: Endpoint, *, accepting: bool) -> None:
        """`accepting`: whether a bad row is set aside; otherwise it is raised."""
        self.accepting = accepting
        self._endpoint = endpoint
        self._table = state.table("quarantine")
        self._migration = state.migration
        self._units = [_Unit(transform) for transform in plan.transforms]
        self._names = {unit.name: index for index, unit in enumerate(self._units)}
        self._known: dict[int, dict[Literals, bool]] = {}
        """Transform → stored units, and whether they collided."""
        self._open: dict[tuple[int, Literals], _Aside | None] = {}
        """What is to be stored; None: mended."""
        self._looked: dict[int, set[Literals]] = {}
        """Transform whose groups go by several spellings → units that were computed anew."""
        self._stored: tuple[Any, ...] | None = None

    def refresh(self, connection: Connection) -> None:
        """Read again what is stored where a repair has changed it."""
        stored = self._extent(connection)
        if stored != self._stored:
            self.load(connection)
            self._stored = stored

    def _extent(self, connection: Connection) -> tuple[Any, ...] | None:
        return row(connection, f"SELECT COUNT(*), MAX(since) FROM {self._table} WHERE migration = %s", (self._migration,))

    def load(self, connection: Connection) -> None:
        """Read what is stored."""
        self._known.clear()
        for name, unit, collided in rows(
            connection,
            f"SELECT transform, unit_key, refused_rows IS NOT NULL FROM {self._table} WHERE migration = %s",
            (self._migration,),
        ):
            if name in self._names:
                self._known.setdefault(self._names[name], {})[tuple(json.loads(unit))] = bool(collided)

    # While rows are made and written ----------------------------------------------------------------------

    def begin(self) -> None:
        """Forget what an attempt before, that was rolled back, has not stored."""
        self._open.clear()
        self._looked.clear()

    def look_at(self, index: int, keys: Iterable[Values]) -> None:
        """These units are about to be computed anew: they are well unless they are set aside after this."""
        known = self._known.get(index)
        if known or self._open:
            for key in keys:
                unit = self._units[index].of_key(key)
                if known and unit in known:
                    self._open[index, unit] = None
                else:
                    self._open.pop((index, unit), None)
                if known and self._units[index].transform.spelled:
                    self._looked.setdefault(index, set()).add(unit)

    def keep(self, index: int, key: Values) -> None:
        """The unit stays as it is, in quarantine or not."""
        unit = self._units[index].of_key(key)
        self._open.pop((index, unit), None)
        self._looked.get(index, set()).discard(unit)

    def refuse_key(self, index: int, key: Values, error: BadRow) -> None:
        """Set a unit aside, or raise the error."""
        self._refuse(index, self._units[index].of_key(key), error)

    def refuse_values(self, index: int, values: Values, error: BadRow) -> None:
        """Set the unit of a produced row aside, or raise the error."""
        unit = self._units[index]
        self._refuse(index, unit.of_key(unit.key_of_row(values)), error)

    def refuse_row(self, row: Literals, error: BadRow, cause: pymysql.MySQLError | None = None) -> None:
        """Set the unit of a row aside that does not go with others, or that the target has refused, or raise the error."""
        for index, unit in enumerate(self._units):
            if unit.transform.target.name == error.table and unit.owns(row):
                aside = self._refuse(index, tuple(unit.key_of_row(row)), error)
                aside.refused.append(row)
                aside.collided = aside.collided or (cause is not None and error_code(cause) in COLLISIONS)
                return
        raise error

    def of(self, index: int) -> Refusals | None:
        """Takes bad rows of one transform; None where the first one is raised."""
        return Refusals(self, index) if self.accepting else None

    def _refuse(self, index: int, unit: Literals, error: BadRow) -> _Aside:
        if not self.accepting:
            raise error
        aside = self._open.get((index, unit))
        if aside is None:
            aside = self._open[index, unit] = _Aside(error)
        return aside

    def without(self, index: int, made: Iterable[Literals]) -> list[Literals]:
        """Those rows whose units are not being set aside."""
        unit = self._units[index]
        gone = {key for (other, key), aside in self._open.items() if other == index and aside is not None}
        return [row for row in made if tuple(unit.key_of_row(row)) not in gone] if gone else list(made)

    def produced(self, connection: Connection, units: Units, keys: Sequence[Values], index: int) -> Iterator[list[Values]]:
        """Target rows of the units with these keys; those that cannot be made are set aside, or the error is raised.

        In several lists where some cannot be made: a unit whose key is among `keys` in two spellings may be in two of them.
        """
        try:
            made = units.where(connection, units.condition(keys))
        except BadRow as error:
            if not self.accepting:
                raise
            if len(keys) == 1:
                self.refuse_key(index, keys[0], error)
                return
            middle = len(keys) // 2
            yield from self.produced(connection, units, keys[:middle], index)
            yield from self.produced(connection, units, keys[middle:], index)
        else:
            yield made

    # At the end of the target transaction -----------------------------------------------------------------

    def store(self, connection: Connection) -> None:
        """Take the rows of the units that are set aside away, and write down what has changed."""
        self._join_spellings(connection)
        for (index, unit), aside in self._open.items():
            key = (self._migration, self._units[index].name, _digest(unit))
            if aside is None:
                execute(connection, f"DELETE FROM {self._table} WHERE migration = %s AND transform = %s AND unit = %s", key)
                self._known.get(index, {}).pop(unit, None)
                _log.info("quarantine.mended", table=self._units[index].transform.target.name, key=", ".join(unit))
                continue
            error = aside.error
            refused = None
            if aside.collided:
                refused = json.dumps([*self._units[index].standing(connection, unit), *aside.refused])
            self._units[index].remove(connection, unit)
            details = (error.key[:500], error.column, error.reason[:2000], refused)
            execute(
                connection,
                f"INSERT INTO {self._table} (migration, transform, unit, unit_key, table_name, row_key, column_name, reason,"
                " refused_rows, since) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE"
                " row_key = %s, column_name = %s, reason = %s, refused_rows = %s",
                (*key, json.dumps(unit), error.table, *details, *details),
            )
            if unit not in self._known.setdefault(index, {}):
                _log.warning("quarantine.set_aside", table=error.table, key=error.key, column=error.column, reason=error.reason)
            self._known[index][unit] = aside.collided
        if self._open:
            self._stored = self._extent(connection)
        self.begin()

    def _join_spellings(self, connection: Connection) -> None:
        """A group that was computed in one spelling of its key, and stands in quarantine in another, is the same unit."""
        for index, unit in enumerate(self._units):
            transform = unit.transform
            if not transform.spelled:
                continue
            refused = [key for (other, key), aside in self._open.items() if other == index and aside is not None]
            for key, first in equal_units(connection, transform, refused, refused).items():
                if key != first:
                    del self._open[index, key]
            looked = [*refused, *self._looked.get(index, ())]
            for key in equal_units(connection, transform, self._known.get(index, ()), looked):
                self._open.setdefault((index, key), None)

    def try_again(self, connection: Connection, tables: Collection[str]) -> None:
        """Try units whose rows met others in tables that were written: those may have given way."""
        waiting = [
            index
            for index, units in self._known.items()
            if self._units[index].transform.target.name in tables and any(units.values())
        ]
        for index in waiting:
            unit = self._units[index]
            chosen = rows(
                connection,
                f"SELECT unit, unit_key, refused_rows FROM {self._table} WHERE migration = %s AND transform = %s"
                f" AND refused_rows IS NOT NULL ORDER BY tries LIMIT {TRIED_AT_ONCE}",
                (self._migration, unit.name),
            )
            for digest, key, refused in chosen:
                key_of_entry = (self._migration, unit.name, digest)
                where = "WHERE migration = %s AND transform = %s AND unit = %s"
                if unit.insert(connection, [tuple(made) for made in json.loads(refused)], self._endpoint):
                    execute(connection, f"DELETE FROM {self._table} {where}", key_of_entry)
                    self._known[index].pop(tuple(json.loads(key)), None)
                    _log.info("quarantine.mended", table=unit.transform.target.name, key=", ".join(json.loads(key)))
                else:
                    execute(connection, f"UPDATE {self._table} SET tries = tries + 1 {where}", key_of_entry)
        if waiting:
            self._stored = self._extent(connection)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Where the copy sets rows of one transform aside."""

    quarantine: Quarantine
    index: int

    def values(self, values: Values, error: BadRow) -> None:
        """A produced row that the table cannot hold."""
        self.quarantine.refuse_values(self.index, values, error)

    def row(self, row: Literals, error: BadRow, cause: pymysql.MySQLError | None) -> None:
        """A row that the target has refused."""
        self.quarantine.refuse_row(row, error, cause)


class _Unit:
    """Units of one transform, by their keys as literals of the target's columns."""

    def __init__(self, transform: PlannedTransform) -> None:
        self.transform = transform
        self._target = TargetRows(transform)
        names = transform.target_columns
        self.name = unit_name(transform)
        self.key_of_row = getter([names.index(name) for name in transform.key_columns])
        self._encoder = RowEncoder(transform.target, names)
        self._encode_constants = [
            (names.index(name), encoder(transform.target.by_name[name])(value)) for name, value in transform.constants
        ]
        self._key_sql = [quote(name) for name in transform.key_columns]
        self._insert = f"INSERT INTO {transform.target.sql} ({quote_list(names)}) VALUES "

    def of_key(self, key: Values) -> Literals:
        """The identity of a unit, whichever side its key comes from."""
        return identity(self._target, key)

    def owns(self, row: Literals) -> bool:
        """Whether a row of the table is one of this transform's."""
        return all(row[place] == literal for place, literal in self._encode_constants)

    def _condition(self, unit: Literals) -> str:
        if not self._key_sql:
            return "TRUE" + self._target.constant_condition
        return key_condition(self._key_sql, [unit]) + self._target.constant_condition

    def standing(self, connection: Connection, unit: Literals) -> list[Literals]:
        """The unit's rows in the target."""
        found = self._target.where(connection, self._condition(unit))
        return [self._encoder.encode(values) for values in found]

    def remove(self, connection: Connection, unit: Literals) -> None:
        """Take the unit's rows away."""
        if unit[:1] != (_NOT_HELD,):
            execute(connection, f"DELETE FROM {self.transform.target.sql} WHERE {self._condition(unit)}")

    def insert(self, connection: Connection, made: Sequence[Literals], endpoint: Endpoint) -> bool:
        """Write all rows of a unit, or none where one is still in the way of another."""
        try:
            execute(connection, self._insert + ",".join(f"({','.join(row)})" for row in made))
        except pymysql.MySQLError as error:
            if error_code(error) in COLLISIONS:
                return False
            raise endpoint.failure(error, f"writing {self.transform.target.name}") from None
        return True


def unit_name(transform: PlannedTransform) -> str:
    """Names a transform in the state: its target, and the constants that tell it from others that feed the same one."""
    constants = ", ".join(f"{name}={value!r}" for name, value in transform.constants)
    name = f"{transform.target.name}[{constants}]" if constants else transform.target.name
    return name if len(name) <= 190 else f"{name[:150]}:{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def identity(target: TargetRows, key: Values) -> Literals:
    """Equal for the key of a unit as the source has it and as the target has it."""
    try:
        return target.literals(key)
    except BadRow:
        return (_NOT_HELD, *map(repr, key))


def equal_units(
    connection: Connection, transform: PlannedTransform, units: Collection[Literals], others: Collection[Literals]
) -> dict[Literals, Literals]:
    """Those of the units that are one of the others as well, as staging compares keys, and the first such one."""
    columns = [transform.source.by_name[name] for name in transform.unit_columns]
    these, those = ([key for key in some if key[:1] != (_NOT_HELD,)] for some in (units, others))
    return {these[place]: those[same] for place, same in equal_keys(connection, columns, these, those).items()}


def set_aside(state: State, connection: Connection) -> dict[str, set[Literals]]:
    """Transform (`unit_name`) → units that are in quarantine."""
    found: dict[str, set[Literals]] = {}
    for name, unit in rows(
        connection, f"SELECT transform, unit_key FROM {state.table('quarantine')} WHERE migration = %s", (state.migration,)
    ):
        found.setdefault(name, set()).add(tuple(json.loads(unit)))
    return found


def counts(state: State, connection: Connection) -> dict[str, int]:
    """Target table → units in quarantine."""
    found = rows(
        connection,
        f"SELECT table_name, COUNT(*) FROM {state.table('quarantine')} WHERE migration = %s GROUP BY table_name",
        (state.migration,),
    )
    return {table: int(count) for table, count in found}


def listed(state: State, connection: Connection) -> list[dict[str, Any]]:
    """The first units in quarantine, for people: table, key, column, reason, and since when."""
    found = rows(
        connection,
        f"SELECT table_name, row_key, column_name, reason, since FROM {state.table('quarantine')} WHERE migration = %s"
        f" ORDER BY since, row_key LIMIT {SHOWN}",
        (state.migration,),
    )
    return [
        {"table": table, "key": key, "column": column, "reason": reason, "since": f"{since:%Y-%m-%dT%H:%M:%SZ}"}
        for table, key, column, reason, since in found
    ]


def reason(state: State, connection: Connection, transform: PlannedTransform, key: Values) -> str | None:
    """Why a unit is in quarantine; None where it is not."""
    unit = identity(TargetRows(transform), key)
    found = row(
        connection,
        f"SELECT reason FROM {state.table('quarantine')} WHERE migration = %s AND transform = %s AND unit = %s",
        (state.migration, unit_name(transform), _digest(unit)),
    )
    return None if found is None else str(found[0])


def _digest(unit: Literals) -> bytes:
    return hashlib.sha256(json.dumps(unit).encode()).digest()
