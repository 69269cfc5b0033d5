"""Units computed where the rows are: from staging while replicating, from the source's own tables when verifying.

The joins are the server's, so that keys compare as its collations say. Rows are matched to each other by the values of the
transform's own row key as one server returned them, and groups by the server's own ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from replicator.errors import BadRow
from replicator.mysql.catalog import Column
from replicator.mysql.connection import Connection, rows
from replicator.mysql.literals import Encoder, encoder, exact_expression, select_expression
from replicator.mysql.reading import read_rows
from replicator.mysql.sql import key_condition, quote, quoted
from replicator.transform.plan import Join, PlannedRelated, PlannedTransform
from replicator.transform.produce import Literals, Producer, Values, getter, producer

Relation = Callable[[str], str]
"""Source table name → the quoted table that holds its rows: staging, or the source itself."""

KEYS_PER_STATEMENT = 500

_RANK = Column("rank", "bigint", "bigint", False, False, None, None, None, None, 20, 0, 0, False, False)
"""The server's number for a group."""


class Units:
    """Computes the target rows of units of one transform."""

    def __init__(self, transform: PlannedTransform, relation: Relation, produce: Producer | None = None) -> None:
        """`produce`: what is made of the rows, where that is not the transform's function."""
        self.transform = transform
        self._relation = relation
        self._produce = produce or producer(transform, transform.columns)
        self._unit_sql = tuple("t0." + quote(name) for name in transform.unit_columns)
        by_name = transform.source.by_name
        self._encoders = [encoder(by_name[name]) for name in transform.unit_columns]
        self._row_key = getter([transform.columns.index(name) for name in transform.source.row_key])
        self.unit_of = getter([transform.columns.index(name) for name in transform.unit_columns])
        """Unit key of a raw row in the order of `transform.columns`."""

    # Producing --------------------------------------------------------------------------------------------

    def of_keys(self, connection: Connection, keys: Iterable[Values]) -> Iterator[Values]:
        """Target rows of the units with these keys; a unit without rows yields none."""
        for part in batches(keys, KEYS_PER_STATEMENT):
            yield from self.where(connection, self.condition(part))

    def condition(self, keys: Iterable[Values]) -> str:
        """SQL for the transform's own rows (as `t0`) that belong to the units."""
        return key_condition(self._unit_sql, (self.literals(key) for key in keys))

    def keys(self, connection: Connection, condition: str) -> list[Values]:
        """Keys of the units whose own rows (as `t0`) fulfil the condition."""
        columns = [self.transform.source.by_name[name] for name in self.transform.unit_columns]
        selected = ", ".join(exact_expression(column, sql) for column, sql in zip(columns, self._unit_sql, strict=True))
        relation = self._relation(self.transform.source.name)
        statement = f"SELECT DISTINCT {selected} FROM {relation} AS t0 WHERE {condition}"
        return list(read_rows(connection, statement, columns, exact={}))

    def spellings(self, connection: Connection, condition: str) -> list[Values]:
        """As `keys`, but those that are only equal by collation one by one."""
        columns = [self.transform.source.by_name[name] for name in self.transform.unit_columns]
        select = [select_expression(column, sql) for column, sql in zip(columns, self._unit_sql, strict=True)]
        texts = [sql for column, sql in zip(columns, self._unit_sql, strict=True) if column.is_text]
        select += [f"CAST({sql} AS BINARY)" for sql in texts]
        relation = self._relation(self.transform.source.name)
        found = rows(connection, f"SELECT DISTINCT {', '.join(select)} FROM {relation} AS t0 WHERE {condition}")
        return [record[: len(columns)] for record in found]

    def literals(self, key: Values) -> Literals:
        """A unit key as literals of its source columns."""
        return tuple([encode(value) for encode, value in zip(self._encoders, key, strict=True)])

    def where(self, connection: Connection, condition: str) -> list[Values]:
        """Target rows made of the transform's own rows (as `t0`) that fulfil the condition; whole units only."""
        transform = self.transform
        own = self._own_rows(connection, condition)
        related = [self.related_rows(connection, item, condition) for item in transform.related]
        if transform.grouped:
            return self._grouped(own, related)
        by_row = [_gathered(found) for found in related]
        produce, row_key = self._produce, self._row_key
        produced: list[Values] = []
        if not related:
            for raw in own:
                produced += produce(raw)
            return produced
        for raw in own:
            key = row_key(raw)
            arguments = [
                found.get(key, []) if item.many else self._only(item, raw, found.get(key, ()))
                for item, found in zip(transform.related, by_row, strict=True)
            ]
            produced += produce(raw, *arguments)
        return produced

    def _grouped(self, own: Sequence[Values], related: Sequence[Sequence[tuple[Values, Values]]]) -> list[Values]:
        """Related rows of a group are those of all its members, each once, in the declared order."""
        groups: dict[int, list[Values]] = {}
        group_of: dict[Values, Values] = {}
        for raw in own:
            groups.setdefault(raw[-1], []).append(raw[:-1])
            group_of[self._row_key(raw)] = (raw[-1],)
        by_group = [_gathered((group_of[key], row) for key, row in found) for found in related]
        produced: list[Values] = []
        for number, members in groups.items():
            arguments: list[Any] = []
            for item, found in zip(self.transform.related, by_group, strict=True):
                union = list(dict.fromkeys(found.get((number,), ())))
                arguments.append(union if item.many else self._only(item, members[0], union))
            produced += self._produce(members, *arguments)
        return produced

    def _only(self, item: PlannedRelated, raw: Values, found: Sequence[Values]) -> Values | None:
        if len(found) > 1:
            key = ", ".join(map(repr, self.unit_of(raw)))
            reason = f'one("{item.table.name}") found {len(found)} rows: narrow its where, or use many(...)'
            raise BadRow(self.transform.target.name, key, reason)
        return found[0] if found else None

    # Reading ----------------------------------------------------------------------------------------------

    def _own_rows(self, connection: Connection, condition: str) -> Sequence[Values]:
        transform = self.transform
        by_name = transform.source.by_name
        columns = [exact_expression(by_name[name], "t0." + quote(name)) for name in transform.columns]
        if transform.grouped:
            columns.append(f"DENSE_RANK() OVER (ORDER BY {', '.join(self._unit_sql)})")
        order = ", ".join("t0." + quote(name) for name in transform.source.row_key)
        read = [by_name[name] for name in transform.columns]
        return list(
            read_rows(
                connection,
                f"SELECT {', '.join(columns)} FROM {self._relation(transform.source.name)} AS t0"
                f" WHERE {condition} ORDER BY {order}",
                [*read, _RANK] if transform.grouped else read,
                exact={},
            )
        )

    def related_rows(self, connection: Connection, item: PlannedRelated, condition: str) -> list[tuple[Values, Values]]:
        """(row key of the transform's own row, related row) in the declared order."""
        key = self.transform.source.row_key
        alias = f"t{len(item.path)}"
        columns = [exact_expression(item.table.by_name[name], f"{alias}.{quote(name)}") for name in item.columns]
        order = ", ".join(f"{alias}.{quote(name)}" for name in item.order)
        width = len(key)
        by_name = self.transform.source.by_name
        found = read_rows(
            connection,
            f"SELECT {', '.join(exact_expression(by_name[name], 't0.' + quote(name)) for name in key)}, {', '.join(columns)}"
            f" FROM {self._joined(item.path)} WHERE {condition} ORDER BY {order}",
            [by_name[name] for name in key] + [item.table.by_name[name] for name in item.columns],
            exact={},
        )
        return [(record[:width], record[width:]) for record in found]

    def _joined(self, path: Sequence[Join]) -> str:
        aliases = {"": "t0"}
        text = f"{self._relation(self.transform.source.name)} AS t0"
        for number, join in enumerate(path, 1):
            aliases[join.name] = f"t{number}"
            on = " AND ".join(
                f"t{number}.{quote(column)} = {aliases[owner]}.{quote(origin)}" for column, owner, origin in join.on
            )
            text += f" JOIN {self._relation(join.table)} AS t{number} ON {on}"
        return text

    # Reaching ---------------------------------------------------------------------------------------------

    def reached(self, connection: Connection, item: PlannedRelated, images: Iterable[Values]) -> Iterator[Values]:
        """Keys of the units that see a related row, given the values of `item.path[-1].on`'s own columns in its images."""
        *before, last = item.path
        aliases = {"": "t0"} | {join.name: f"t{number}" for number, join in enumerate(before, 1)}
        owners = [f"{aliases[owner]}.{quote(origin)}" for _, owner, origin in last.on]
        encoders = [compared_literals(item.table.by_name[column]) for column, _, _ in last.on]
        wanted = {image for image in images if None not in image}
        source = self._joined(before)
        for part in batches(wanted, KEYS_PER_STATEMENT):
            keys = [[encode(value) for encode, value in zip(encoders, image, strict=True)] for image in part]
            yield from rows(
                connection,
                f"SELECT DISTINCT {', '.join(self._unit_sql)} FROM {source} WHERE {key_condition(owners, keys)}",
            )


class TargetRows:
    """What stands in the target for units of one transform."""

    def __init__(self, transform: PlannedTransform) -> None:
        self.transform = transform
        self.table = transform.target
        by_name = self.table.by_name
        self._columns = [by_name[name] for name in transform.target_columns]
        self._selected = ", ".join(exact_expression(column, quote(column.name)) for column in self._columns)
        self._key_sql = [quote(name) for name in transform.key_columns]
        self._encoders = [encoder(by_name[name]) for name in transform.key_columns]
        self.constant_condition = "".join(
            f" AND {quote(name)} = {encoder(by_name[name])(value)}" for name, value in transform.constants
        )
        """` AND …` for the rows that belong to this transform, where several feed the table."""

    def literals(self, key: Values) -> Literals:
        """A unit key as literals of the target's columns; raises BadRow when the target cannot hold it."""
        try:
            return tuple([encode(value) for encode, value in zip(self._encoders, key, strict=True)])
        except ValueError as error:
            text = ", ".join(map(repr, key))
            raise BadRow(self.table.name, text, f"{error}, in the key", self.transform.key_columns[0]) from None

    def held(self, key: Values) -> Literals | None:
        """`literals`, or None when the target cannot hold the key: then no row of the unit stands there."""
        try:
            return self.literals(key)
        except BadRow:
            return None

    def condition(self, keys: Iterable[Values]) -> str:
        """SQL for the target rows of the units."""
        if not self._key_sql:
            return "TRUE" + self.constant_condition
        held = [literals for key in keys if (literals := self.held(key)) is not None]
        return key_condition(self._key_sql, held) + self.constant_condition

    def of_keys(self, connection: Connection, keys: Iterable[Values]) -> Iterator[Values]:
        """The rows that stand there now, in the order of `target_columns`."""
        for part in batches(keys, KEYS_PER_STATEMENT):
            yield from self.where(connection, self.condition(part))

    def where(self, connection: Connection, condition: str) -> list[Values]:
        """The rows that fulfil the condition, in the order of `target_columns`."""
        statement = f"SELECT {self._selected} FROM {self.table.sql} WHERE {condition}"
        return list(read_rows(connection, statement, self._columns, exact={}))


def compared_literals(column: Column) -> Encoder:
    """Literals of the column's values that another column compares with as it does with the column itself.

    An ENUM that was given none of its members is written as a number, and is '' to any other column.
    """
    return quoted if column.type == "enum" else encoder(column)


def _gathered(pairs: Iterable[tuple[Values, Values]]) -> dict[Values, list[Values]]:
    found: dict[Values, list[Values]] = {}
    for key, row in pairs:
        found.setdefault(key, []).append(row)
    return found


def batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of at most `size` items."""
    part: list[Any] = []
    for item in items:
        part.append(item)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
