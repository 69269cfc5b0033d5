"""Tables as the server's information_schema describes them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from replicator.mysql.connection import Connection, rows
from replicator.mysql.sql import quote

TEXT_TYPES = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"})
BINARY_TYPES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
INTEGER_TYPES = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
GEOMETRY_TYPES = frozenset(
    {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
     "geometrycollection", "geomcollection"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `type` is the bare type (`varchar`), `full_type` as in DDL (`varchar(20)`)."""

    name: str
    type: str
    full_type: str
    nullable: bool
    has_default: bool
    charset: str | None
    collation: str | None
    characters: int | None
    octets: int | None
    precision: int | None
    scale: int | None
    fraction: int
    """Digits after the second of TIME, DATETIME and TIMESTAMP."""
    generated: bool
    auto_increment: bool
    members: tuple[str, ...] = ()
    on_update: bool = False
    """ON UPDATE CURRENT_TIMESTAMP: an UPDATE that does not name it changes it."""
    expression: str = ""
    """What a generated column is made of."""

    @property
    def unsigned(self) -> bool:
        """UNSIGNED or ZEROFILL."""
        return "unsigned" in self.full_type or "zerofill" in self.full_type

    @property
    def is_text(self) -> bool:
        """Compared by a collation."""
        return self.type in TEXT_TYPES


@dataclass(frozen=True, slots=True)
class Index:
    """One index; `columns` holds None for an expression part."""

    name: str
    unique: bool
    columns: tuple[str | None, ...]
    prefixes: tuple[int | None, ...]


CASCADING = frozenset(("CASCADE", "SET NULL"))
"""Actions of a foreign key that change rows of the child."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A child table's reference to a parent."""

    name: str
    schema: str
    table: str
    columns: tuple[str, ...]
    parent_schema: str
    parent: str
    parent_columns: tuple[str, ...]
    on_delete: str
    on_update: str


@dataclass(frozen=True, slots=True)
class Table:
    """One base table."""

    schema: str
    name: str
    engine: str
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...]
    row_estimate: int
    data_bytes: int
    index_bytes: int
    partitioned: bool
    triggers: tuple[str, ...] = ()
    by_name: dict[str, Column] = field(default_factory=dict, compare=False, repr=False)

    @property
    def sql(self) -> str:
        """Quoted, with its schema."""
        return quote(self.schema, self.name)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Columns of the primary key, () without one."""
        return next((_names(index) for index in self.indexes if index.name == "PRIMARY"), ())

    @property
    def row_key(self) -> tuple[str, ...]:
        """The columns that identify a row: the primary key, else a unique key without NULLs, else ()."""
        if self.primary_key:
            return self.primary_key
        usable = [
            _names(index)
            for index in self.indexes
            if index.unique
            and None not in index.columns
            and all(prefix is None for prefix in index.prefixes)
            and not any(self.by_name[name].nullable for name in _names(index))
        ]
        return min(usable, key=len, default=())

    @property
    def unique_keys(self) -> tuple[Index, ...]:
        """Unique indexes besides the row key."""
        return tuple(index for index in self.indexes if index.unique and _names(index) != self.row_key)

    def column(self, name: str) -> Column | None:
        """The column of that name; names compare without case, as in the server."""
        found = self.by_name.get(name)
        if found is None:
            found = next((column for column in self.columns if column.name.lower() == name.lower()), None)
        return found

    def made_of(self, column: str) -> set[str]:
        """The columns, in lower case, that a generated column is made of, also by way of others: rather too many."""
        found: set[str] = set()
        left = [self.by_name[column].expression]
        while left:
            text = left.pop().lower()
            for other in self.columns:
                name = other.name.lower()
                if name not in found and re.search(rf"(?<![\w$]){re.escape(name.replace('`', '``'))}(?![\w$])", text):
                    found.add(name)
                    left.append(other.expression)
        return found

    def covers_unique(self, columns: Iterable[str]) -> bool:
        """Whether rows with equal values in `columns` are one row."""
        names = set(columns)
        keys = [self.row_key] if self.row_key else []
        keys += [_names(index) for index in self.unique_keys if None not in index.columns and not any(index.prefixes)]
        return any(set(key) <= names for key in keys)


def _names(index: Index) -> tuple[str, ...]:
    return tuple(name for name in index.columns if name is not None)


def read_tables(connection: Connection, schema: str) -> dict[str, Table]:
    """Every base table of a schema, by name."""
    columns: dict[str, list[Column]] = defaultdict(list)
    for record in rows(
        connection,
        "SELECT table_name, column_name, data_type, column_type, is_nullable, column_default, character_set_name,"
        " collation_name, character_maximum_length, character_octet_length, numeric_precision, numeric_scale,"
        " datetime_precision, extra, generation_expression FROM information_schema.columns WHERE table_schema = %s"
        " ORDER BY table_name, ordinal_position",
        (schema,),
    ):
        columns[record[0]].append(_column(*record[1:]))
    parts: dict[tuple[str, str], list[tuple[str | None, int | None, bool]]] = defaultdict(list)
    for table, index, name, prefix, non_unique in rows(
        connection,
        "SELECT table_name, index_name, column_name, sub_part, non_unique FROM information_schema.statistics"
        " WHERE table_schema = %s ORDER BY table_name, index_name, seq_in_index",
        (schema,),
    ):
        parts[table, index].append((name, prefix, not int(non_unique)))
    indexes: dict[str, list[Index]] = defaultdict(list)
    for (table, name), members in parts.items():
        indexes[table].append(
            Index(name, members[0][2], tuple(part[0] for part in members), tuple(part[1] for part in members))
        )
    triggers: dict[str, list[str]] = defaultdict(list)
    for table, name in rows(
        connection,
        "SELECT event_object_table, trigger_name FROM information_schema.triggers WHERE event_object_schema = %s",
        (schema,),
    ):
        triggers[table].append(name)
    found: dict[str, Table] = {}
    for name, engine, estimate, data, index_size, options in rows(
        connection,
        "SELECT table_name, engine, table_rows, data_length, index_length, create_options"
        " FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE'",
        (schema,),
    ):
        found[name] = Table(
            schema,
            name,
            str(engine or ""),
            tuple(columns[name]),
            tuple(indexes[name]),
            int(estimate or 0),
            int(data or 0),
            int(index_size or 0),
            "partitioned" in str(options or ""),
            tuple(triggers[name]),
            {column.name: column for column in columns[name]},
        )
    return found


def _column(
    name: str,
    kind: str,
    full_type: str,
    nullable: str,
    default: Any,
    charset: str | None,
    collation: str | None,
    characters: int | None,
    octets: int | None,
    precision: int | None,
    scale: int | None,
    fraction: int | None,
    extra: str,
    expression: str | None,
) -> Column:
    extra = (extra or "").lower()
    kind = kind.lower()
    return Column(
        name=name,
        type=kind,
        full_type=str(full_type),
        nullable=nullable == "YES",
        has_default=default is not None or "default_generated" in extra,
        charset=charset,
        collation=collation,
        characters=int(characters) if characters is not None else None,
        octets=int(octets) if octets is not None else None,
        precision=int(precision) if precision is not None else None,
        scale=int(scale) if scale is not None else None,
        fraction=int(fraction or 0),
        generated="virtual generated" in extra or "stored generated" in extra or extra in ("virtual", "persistent"),
        auto_increment="auto_increment" in extra,
        members=_members(str(full_type)) if kind in ("enum", "set") else (),
        on_update="on update" in extra,
        expression=str(expression or ""),
    )


_MEMBER = re.compile(r"'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_ESCAPED = re.compile(r"'(')|\\(.)", re.DOTALL)
_CONTROLS = {"0": "\0", "n": "\n", "r": "\r"}


def _members(full_type: str) -> tuple[str, ...]:
    """`enum('a','it''s','x\\\\y')` → ("a", "it's", "x\\y"). Beyond the basic plane the servers show question marks here."""
    return tuple(
        _ESCAPED.sub(lambda found: found[1] or _CONTROLS.get(found[2], found[2]), text) for text in _MEMBER.findall(full_type)
    )


def read_foreign_keys(connection: Connection, schema: str) -> tuple[ForeignKey, ...]:
    """Foreign keys of the tables of a schema and of tables elsewhere that refer to them."""
    parts: dict[tuple[str, str, str], list[tuple[str, str, str, str]]] = defaultdict(list)
    for child_schema, table, name, column, parent_schema, parent, parent_column in rows(
        connection,
        "SELECT table_schema, table_name, constraint_name, column_name, referenced_table_schema,"
        " referenced_table_name, referenced_column_name FROM information_schema.key_column_usage"
        " WHERE referenced_table_name IS NOT NULL AND (table_schema = %s OR referenced_table_schema = %s)"
        " ORDER BY table_schema, table_name, constraint_name, ordinal_position",
        (schema, schema),
    ):
        parts[child_schema, table, name].append((column, parent_schema, parent, parent_column))
    actions = {
        (child_schema, table, name): (on_delete, on_update)
        for child_schema, table, name, on_delete, on_update in rows(
            connection,
            "SELECT constraint_schema, table_name, constraint_name, delete_rule, update_rule"
            " FROM information_schema.referential_constraints"
            " WHERE constraint_schema = %s OR unique_constraint_schema = %s",
            (schema, schema),
        )
    }
    return tuple(
        ForeignKey(
            name,
            child_schema,
            table,
            tuple(part[0] for part in members),
            members[0][1],
            members[0][2],
            tuple(part[3] for part in members),
            *actions.get((child_schema, table, name), ("NO ACTION", "NO ACTION")),
        )
        for (child_schema, table, name), members in parts.items()
    )
