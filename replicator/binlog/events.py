"""What the stream yields, and what a table map says about the rows behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from replicator.binlog.words import Dialect
from replicator.mysql.position import Position

Row: TypeAlias = tuple[Any, ...]
"""Decoded values, in the order of the wanted columns."""


@dataclass(frozen=True, slots=True)
class BinlogColumn:
    """One column as the table-map event describes it at its position."""

    name: str
    type: int
    """The type as it stands in the image (`FieldType`); ENUM and SET are resolved from their CHAR shell."""
    meta: int
    """Length of a string, bytes of a length prefix, precision and scale, …: what it means depends on the type."""
    unsigned: bool = False
    nullable: bool = True
    collation: int | None = None
    """The collation's number for text, ENUM and SET; 63 is binary."""
    members: tuple[str, ...] | None = None
    """The members of an ENUM or SET, in their order; None where the map does not name them."""
    geometry: int | None = None
    """0 geometry, 1 point, 2 linestring, …"""
    visible: bool = True
    compressed: bool = False
    """MariaDB's VARCHAR/BLOB … COMPRESSED."""


@dataclass(frozen=True, slots=True)
class TableMap:
    """A table's columns as the binlog describes them at one position."""

    schema: str
    table: str
    columns: tuple[BinlogColumn, ...]
    primary_key: tuple[int, ...] = ()
    """Ordinals of the primary key's columns, in its order."""
    named: bool = True
    """Whether the map carries column names, which takes binlog_row_metadata=FULL."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns to decode of each image, by name; the decoded tuples have this order."""

    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(slots=True)
class RowsEvent:
    """Changed rows of one wanted table: (before, after), None where the operation has no such image."""

    schema: str
    table: str
    kind: Literal["insert", "update", "delete"]
    rows: list[tuple[Row | None, Row | None]]
    foreign_keys: bool
    """False when the session had foreign_key_checks=0: no cascade happened."""
    settled: frozenset[str] = frozenset()
    """Tables whose copies hold what foreign keys did to them because of this event."""


@dataclass(slots=True)
class HeldEvent:
    """The description or the rows of a wanted table in an XA transaction: nobody knows yet whether they will ever be there."""

    xid: str
    event: bytes
    """As it stands in the binlog, without its checksum; `RowImages` reads it once the transaction is committed."""


@dataclass(frozen=True, slots=True)
class XaStep:
    """What a group of events does to an XA transaction; `one phase` commits the one whose rows stand in the group."""

    xid: str
    step: Literal["prepare", "commit", "rollback", "one phase"]


@dataclass(frozen=True, slots=True)
class TransactionEnd:
    """Everything since the last one has been committed at the source, up to `position`; `xa` says where it has not."""

    position: Position
    timestamp: float
    """Seconds since the epoch of the commit at the source; whole seconds on MariaDB."""
    rows: int
    """Row changes that the transaction made to wanted tables."""
    xa: XaStep | None = None
    born: int = 0
    """When the file of `position` was begun, in seconds since the epoch; 0 where that is not known yet."""


@dataclass(frozen=True, slots=True)
class Ddl:
    """A statement that changes a schema; `position` lies behind it.

    A TransactionEnd follows: at once, or behind the rows of a CREATE TABLE … SELECT.
    """

    schema: str
    """The session's default schema: unqualified names in `statement` belong to it."""
    statement: str
    position: Position
    timestamp: float
    dialect: Dialect = field(default_factory=Dialect)
    """How the session wrote it."""
    temporary: bool = False
    """Whether its names may be those of the session's temporary tables."""


BinlogEvent: TypeAlias = RowsEvent | HeldEvent | TransactionEnd | Ddl
