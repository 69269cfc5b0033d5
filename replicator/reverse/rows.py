"""Writes edits to one old table, and only the columns that they name.

Rows that are there are updated in place. Where a column of a second unique key changes, two rows may swap its values: those
rows are read whole, deleted and inserted again. What the stream forward will need after a rollback — the staged columns of the
table — is kept up in the same transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import pymysql

from replicator.apply.writes import Writer, Writes
from replicator.errors import BadRow
from replicator.mysql.catalog import Table
from replicator.mysql.connection import Connection, Endpoint, describe, execute, rows
from replicator.mysql.literals import encoder, select_expression
from replicator.mysql.reading import read_rows
from replicator.mysql.sql import key_condition, quote, quote_list
from replicator.reverse.edits import Edits, Element
from replicator.transform.plan import StagedTable
from replicator.transform.produce import Literals, RowEncoder, Values, getter
from replicator.transform.units import batches

_AT_ONCE = 200
"""Rows of one UPDATE: the server looks through half of them for each."""
_KEYS_AT_ONCE = 500

Counts = tuple[int, int, int]
"""Rows inserted, updated, deleted."""
Follow = Callable[[Connection, str], None]
"""Does what foreign keys of the old schema would do to children of the rows that a condition names, before they go."""


class OldTable:
    """One old table. `staging` is the quoted copy that the forward stream keeps of it, if it keeps one."""

    def __init__(
        self,
        table: Table,
        endpoint: Endpoint,
        *,
        alias: bool,
        staged: StagedTable | None,
        staging: str,
        follow: Follow | None,
    ) -> None:
        self.table = table
        self._endpoint = endpoint
        self._staged = staged
        self._staging = staging
        self._follow = follow
        self._columns = [column for column in table.columns if not column.generated]
        names = [column.name for column in self._columns]
        self._names = names
        # In our sessions, where 0 is a number like any other, only NULL has AUTO_INCREMENT give one out.
        self._defaults = [(column.name, "NULL" if column.auto_increment else "DEFAULT") for column in self._columns]
        self._writer = Writer(table.sql, table, names, endpoint, alias=alias)
        self._encoders = {column.name: encoder(column) for column in table.columns}
        self._stamps = [column.name for column in self._columns if column.on_update]
        self._encoder = RowEncoder(table, names)
        self._select = ", ".join(select_expression(column, quote(column.name)) for column in self._columns)
        self._key_sql = [quote(name) for name in table.row_key]
        self._key_of: Callable[[Sequence[str]], Literals] = getter([names.index(name) for name in table.row_key])
        self._unique = {name for index in table.unique_keys for name in index.columns}

    def write(self, connection: Connection, edits: Edits) -> Counts:
        """Apply them in the caller's transaction. Raises BadRow for a row that the server refuses."""
        removed = [key for key in edits.removed if key not in edits.wanted]
        taken = self._holding(connection, edits.taken)
        changed = self._with_cleared(edits)
        delicate = {key for key, columns in changed.items() if not self._unique.isdisjoint(columns)}
        whole = self._whole(connection, delicate)
        gone = [*dict.fromkeys((*removed, *taken))]
        self._forget(connection, gone)
        self._writer.write(connection, Writes(deletes=[*gone, *whole]), exact=True)
        missing = self._update(connection, {key: columns for key, columns in changed.items() if key not in whole})
        inserts = [self._row(row | changed[key]) for key, row in whole.items()]
        fresh = [self._row(edits.wanted[key]) for key in missing if key in edits.wanted]
        new = self._absent(connection, edits.added)
        elements = [self._row(dict(zip(*one, strict=True))) for one in new]
        self._writer.write(connection, Writes(inserts=[*inserts, *fresh, *elements]), exact=True)
        self._remember(connection, changed, new)
        return len(fresh) + len(new), len(changed) - len(missing), len(gone)

    def _with_cleared(self, edits: Edits) -> dict[Literals, dict[str, str]]:
        """What changes in rows that stay; columns whose new row is gone fall back."""
        changed = {key: dict(columns) for key, columns in edits.changed.items()}
        for key, columns in edits.cleared.items():
            if key in edits.removed:
                continue
            named = changed.setdefault(key, {})
            for name in columns:
                if name not in self.table.row_key:
                    named.setdefault(name, "NULL" if self.table.by_name[name].nullable else "DEFAULT")
        return {key: columns for key, columns in changed.items() if columns}

    # Reading ----------------------------------------------------------------------------------------------

    def _whole(self, connection: Connection, keys: Collection[Literals]) -> dict[Literals, dict[str, str]]:
        """The rows with exactly these keys, as column → literal."""
        found = {}
        for part in batches(keys, _KEYS_AT_ONCE):
            statement = f"SELECT {self._select} FROM {self.table.sql} WHERE {key_condition(self._key_sql, part)} FOR UPDATE"
            for values in read_rows(connection, statement, self._columns):
                row = self._encoder.encode(values)
                if (key := self._key_of(row)) in keys:
                    found[key] = dict(zip(self._names, row, strict=True))
        return found

    def _keys(self, connection: Connection, condition: str) -> list[Literals]:
        names = self.table.row_key
        return [self._literals(names, row) for row in self._read(connection, names, condition)]

    def _holding(self, connection: Connection, elements: Collection[Element]) -> list[Literals]:
        """Keys of the rows that say exactly what one of the elements says."""
        return [
            self._literals(self.table.row_key, row[len(names) :])
            for names, condition in _conditions(elements)
            for row in self._read(connection, (*names, *self.table.row_key), condition)
            if (names, self._literals(names, row[: len(names)])) in elements
        ]

    def _absent(self, connection: Connection, elements: Collection[Element]) -> list[Element]:
        """The elements that no row says."""
        standing = {
            (names, self._literals(names, row))
            for names, condition in _conditions(elements)
            for row in self._read(connection, names, condition)
        }
        return [element for element in elements if element not in standing]

    def _read(self, connection: Connection, names: Sequence[str], condition: str) -> tuple[Values, ...]:
        """These columns of the rows that fulfil the condition."""
        select = ", ".join(select_expression(self.table.by_name[name], quote(name)) for name in names)
        return rows(connection, f"SELECT {select} FROM {self.table.sql} WHERE {condition}")

    def _literals(self, names: Sequence[str], values: Values) -> Literals:
        return tuple([self._encoders[name](value) for name, value in zip(names, values, strict=True)])

    # Writing ----------------------------------------------------------------------------------------------

    def _row(self, named: dict[str, str]) -> Literals:
        return tuple([named.get(name, default) for name, default in self._defaults])

    def _update(self, connection: Connection, changed: dict[Literals, dict[str, str]]) -> list[Literals]:
        """Set the columns; keys of rows that are not there."""
        missing: list[Literals] = []
        alike: dict[tuple[str, ...], list[Literals]] = defaultdict(list)
        for key, columns in changed.items():
            names = tuple(sorted(name for name in columns if name not in self.table.row_key))
            alike[names].append(key)
        for names, keys in alike.items():
            for part in batches(keys, _AT_ONCE):
                where = key_condition(self._key_sql, part)
                if names:
                    kept = [f"{quote(name)} = {quote(name)}" for name in self._stamps if name not in names]
                    sets = ", ".join([*(f"{quote(name)} = {self._case(name, part, changed)}" for name in names), *kept])
                    if self._execute(connection, f"UPDATE {self.table.sql} SET {sets} WHERE {where}", part) == len(part):
                        continue
                standing = set(self._keys(connection, where))
                missing += [key for key in part if key not in standing]
        return missing

    def _case(self, name: str, keys: Sequence[Literals], changed: dict[Literals, dict[str, str]]) -> str:
        if len(keys) == 1:
            return changed[keys[0]][name]
        cases = []
        for key in keys:
            literal = changed[key][name]
            if literal == "DEFAULT":  # the bare word is no part of an expression
                literal = f"DEFAULT({quote(name)})"
            cases.append(f"WHEN {key_condition(self._key_sql, [key])} THEN {literal}")
        return f"CASE {' '.join(cases)} END"

    def _execute(self, connection: Connection, statement: str, keys: Sequence[Literals]) -> int:
        try:
            return execute(connection, statement)
        except pymysql.MySQLError as error:
            failure = self._endpoint.failure(error, f"writing {self.table.name}")
            if failure.transient:
                raise failure from None
            raise BadRow(self.table.name, f"one of {'; '.join(', '.join(key) for key in keys[:3])}", describe(error)) from None

    # Beside the table -------------------------------------------------------------------------------------

    def _forget(self, connection: Connection, keys: Sequence[Literals]) -> None:
        for part in batches(keys, _KEYS_AT_ONCE):
            condition = key_condition(self._key_sql, part)
            if self._follow is not None:
                self._follow(connection, condition)
            if self._staged is not None:
                execute(connection, f"DELETE FROM {self._staging} WHERE {condition}")

    def _remember(self, connection: Connection, keys: Iterable[Literals], elements: Iterable[Element]) -> None:
        if self._staged is None:
            return
        names = quote_list(self._staged.columns)
        conditions = [key_condition(self._key_sql, part) for part in batches(keys, _KEYS_AT_ONCE)]
        for condition in (*conditions, *(one for _, one in _conditions(elements))):
            execute(
                connection,
                f"REPLACE INTO {self._staging} ({names}) SELECT {names} FROM {self.table.sql} WHERE {condition}",
            )


def _conditions(elements: Iterable[Element]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Column names, and a condition for rows that say one of the elements with these columns, as the server compares them."""
    found: dict[tuple[str, ...], list[Literals]] = defaultdict(list)
    for names, literals in elements:
        found[names].append(literals)
    for names, said in found.items():
        for part in batches(said, _KEYS_AT_ONCE):
            yield names, key_condition([quote(name) for name in names], part)
