"""One column: how wide it stands in an image, and the expression that makes its value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from replicator.binlog import values
from replicator.binlog.binary_json import Documents
from replicator.binlog.charset import charset_name, codec, python_codec
from replicator.binlog.codes import BINARY, FieldType
from replicator.binlog.events import BinlogColumn
from replicator.errors import Unsupported
from replicator.mysql.members import NO_MEMBER

_INTEGERS: Final[dict[int, tuple[int, str, str]]] = {
    FieldType.TINY: (1, "b", "B"),
    FieldType.SHORT: (2, "h", "H"),
    FieldType.LONG: (4, "i", "I"),
    FieldType.LONGLONG: (8, "q", "Q"),
}
_BLOBS: Final = frozenset(
    (
        FieldType.TINY_BLOB,
        FieldType.MEDIUM_BLOB,
        FieldType.LONG_BLOB,
        FieldType.BLOB,
        FieldType.BLOB_COMPRESSED,
        FieldType.JSON,
        FieldType.GEOMETRY,
        FieldType.VECTOR,
    )
)
_OLD_TEMPORAL: Final = frozenset((FieldType.TIME, FieldType.TIMESTAMP, FieldType.DATETIME))
PREFIX: Final = {1: "B", 2: "H", 3: "HB", 4: "I"}


@dataclass(frozen=True, slots=True)
class ColumnCodec:
    """How one column is read: `size` bytes, or as many as a length in front of them says."""

    size: int
    prefix: int = 0
    """Bytes of the length in front; 0 for a fixed width."""
    code: str = ""
    """The struct code of a fixed width; two codes give the variables {a} and {b}."""
    expression: str = "{a}"
    """The value from the raw one; {o} is the object below."""
    object: Any = None


def column_codec(place: str, column: BinlogColumn, extended: Callable[[], dict[str, str]]) -> ColumnCodec:
    """How a wanted column of the table `place` is read. Raises Unsupported."""
    if column.type == FieldType.STRING and column.collation == BINARY and column.meta in _EXTENDED_SIZES:
        decode = _EXTENDED.get(extended().get(column.name, ""))
        if decode is not None:
            return ColumnCodec(0, prefix=1, expression="{o}({a})", object=decode)
    return _codec(place, column)


def check_width(place: str, column: BinlogColumn, extended: Callable[[], dict[str, str]]) -> None:
    """Raise Unsupported for a column that is wider than the binlog says: who skips it misreads what follows."""
    if column.type in _OLD_TEMPORAL and column.name in extended():
        raise Unsupported(
            f"{place}.{column.name}: fractions of seconds in the format from before MariaDB 10.1 look like whole seconds in"
            " the binlog. SET GLOBAL mysql56_temporal_format = ON, and rebuild the table by ALTER TABLE … FORCE."
        )


_EXTENDED: Final[dict[str, Callable[[bytes], str]]] = {
    "uuid": values.uuid,
    "inet4": values.inet4,
    "inet6": values.inet6,
}
_EXTENDED_SIZES: Final = frozenset((4, 16))
"""MariaDB's types that stand in the binlog as BINARY of this length."""


def column_shape(place: str, column: BinlogColumn) -> ColumnCodec:
    """Only the width of a column: what skipping it takes."""
    kind, meta = column.type, column.meta
    if kind in _INTEGERS:
        return ColumnCodec(_INTEGERS[kind][0])
    match kind:
        case FieldType.YEAR:
            return ColumnCodec(1)
        case FieldType.INT24 | FieldType.DATE | FieldType.NEWDATE | FieldType.TIME:
            return ColumnCodec(3)
        case FieldType.FLOAT | FieldType.TIMESTAMP:
            return ColumnCodec(4)
        case FieldType.DOUBLE | FieldType.DATETIME:
            return ColumnCodec(8)
        case FieldType.NULL:
            return ColumnCodec(0)
        case FieldType.TIMESTAMP2:
            return ColumnCodec(4 + values.FRACTION_BYTES[meta])
        case FieldType.DATETIME2:
            return ColumnCodec(5 + values.FRACTION_BYTES[meta])
        case FieldType.TIME2:
            return ColumnCodec(3 + values.FRACTION_BYTES[meta])
        case FieldType.NEWDECIMAL:
            return ColumnCodec(values.decimal_size(meta >> 8, meta & 0xFF))
        case FieldType.BIT:
            return ColumnCodec((meta >> 8) + (meta & 0xFF > 0))
        case FieldType.ENUM | FieldType.SET:
            return ColumnCodec(meta & 0xFF)
        case FieldType.VARCHAR | FieldType.VARCHAR_COMPRESSED | FieldType.STRING | FieldType.VAR_STRING:
            return ColumnCodec(0, prefix=1 if meta < 256 else 2)
    if kind in _BLOBS and meta in PREFIX:
        return ColumnCodec(0, prefix=meta)
    raise Unsupported(f"{place}.{column.name}: columns of type number {kind} cannot be read from the binlog.")


def _codec(place: str, column: BinlogColumn) -> ColumnCodec:
    kind, meta, shape = column.type, column.meta, column_shape(place, column)
    raw = f"{shape.size}s"
    if kind in _INTEGERS:
        _, signed, unsigned = _INTEGERS[kind]
        return ColumnCodec(shape.size, code=unsigned if column.unsigned else signed)
    match kind:
        case FieldType.INT24:
            return ColumnCodec(3, code="HB" if column.unsigned else "Hb", expression="{a} | {b} << 16")
        case FieldType.FLOAT:
            return ColumnCodec(4, code="f")
        case FieldType.DOUBLE:
            return ColumnCodec(8, code="d")
        case FieldType.YEAR:
            return ColumnCodec(1, code="B", expression="{a} + 1900 if {a} else 0")
        case FieldType.DATE | FieldType.NEWDATE:
            return ColumnCodec(3, code=raw, expression="{o}[{a}]", object=values.dates)
        case FieldType.TIME:
            return ColumnCodec(3, code=raw, expression="{o}({a})", object=values.old_time)
        case FieldType.TIMESTAMP:
            return ColumnCodec(4, code=raw, expression="{o}({a})", object=values.old_timestamp)
        case FieldType.DATETIME:
            return ColumnCodec(8, code=raw, expression="{o}({a})", object=values.old_datetime)
        case FieldType.TIMESTAMP2:
            return ColumnCodec(shape.size, code=raw, expression="{o}({a})", object=values.timestamp2(meta))
        case FieldType.DATETIME2:
            return ColumnCodec(shape.size, code=raw, expression="{o}({a})", object=values.datetime2(meta))
        case FieldType.TIME2:
            return ColumnCodec(shape.size, code=raw, expression="{o}({a})", object=values.time2(meta))
        case FieldType.NEWDECIMAL:
            return ColumnCodec(shape.size, code=raw, expression="{o}[{a}]", object=values.decimals(meta >> 8, meta & 0xFF))
        case FieldType.BIT:
            return ColumnCodec(shape.size, code=raw)
        case FieldType.NULL:
            return ColumnCodec(0, code="0s", expression="None")
        case FieldType.ENUM:
            _check_members(place, column)
            assert column.members is not None
            return ColumnCodec(shape.size, code=PREFIX[shape.size], expression="{o}[{a}]", object=(NO_MEMBER, *column.members))
        case FieldType.SET:
            _check_members(place, column)
            assert column.members is not None
            return ColumnCodec(shape.size, code=raw, expression="{o}[{a}]", object=values.sets(column.members))
        case FieldType.JSON:
            return ColumnCodec(0, prefix=shape.prefix, expression="{o}[{a}]", object=Documents())
        case FieldType.GEOMETRY | FieldType.VECTOR:
            return ColumnCodec(0, prefix=shape.prefix)
    return _text(place, column, shape)


def _check_members(place: str, column: BinlogColumn) -> None:
    if column.members is None:
        raise Unsupported(
            f"{place}.{column.name}: the binlog does not name the members of this ENUM or SET, or its charset cannot be"
            " decoded exactly. SET GLOBAL binlog_row_metadata = FULL, or convert the column to utf8mb4."
        )


def _text(place: str, column: BinlogColumn, shape: ColumnCodec) -> ColumnCodec:
    if column.collation is None:
        raise Unsupported(
            f"{place}.{column.name}: the binlog does not name the column's charset. SET GLOBAL binlog_row_metadata ="
            " FULL, and start the migration again behind it."
        )
    inner = "{a}"
    if column.compressed:
        inner = "inflate_column({a})"
    if column.collation == BINARY:
        if column.type == FieldType.STRING:
            return ColumnCodec(0, prefix=shape.prefix, expression=f"{{a}}.ljust({column.meta}, b'\\0')")
        return ColumnCodec(0, prefix=shape.prefix, expression=inner)
    charset = charset_name(column.collation)
    decode = codec(column.collation)
    if charset is None or decode is None:
        name = charset or f"the charset of collation {column.collation}"
        raise Unsupported(
            f"{place}.{column.name}: text in {name} cannot be decoded exactly. Convert the column to utf8mb4 at the"
            " source, or leave it out of the transforms."
        )
    python = python_codec(charset)
    if python == "utf-8":
        return ColumnCodec(0, prefix=shape.prefix, expression=f"{inner}.decode()")
    if python is not None:
        return ColumnCodec(0, prefix=shape.prefix, expression=f"{inner}.decode({python!r})")
    return ColumnCodec(0, prefix=shape.prefix, expression=f"{{o}}({inner})", object=decode)
