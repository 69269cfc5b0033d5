"""The table-map event: from its bytes to a `TableMap`.

Format: Table_map_event in libs/mysql/binlog/event/rows_event.h of MySQL; MariaDB writes the same (sql/log_event.h).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from replicator.binlog.charset import codec
from replicator.binlog.codes import BINARY, FieldType, Metadata
from replicator.binlog.events import BinlogColumn, TableMap

_TWO_BYTE_META = frozenset(
    (
        FieldType.VARCHAR,
        FieldType.VARCHAR_COMPRESSED,
        FieldType.BIT,
        FieldType.NEWDECIMAL,
        FieldType.ENUM,
        FieldType.SET,
        FieldType.VAR_STRING,
        FieldType.STRING,
    )
)
_ONE_BYTE_META = frozenset(
    (
        FieldType.FLOAT,
        FieldType.DOUBLE,
        FieldType.TIMESTAMP2,
        FieldType.DATETIME2,
        FieldType.TIME2,
        FieldType.VECTOR,
        FieldType.JSON,
        FieldType.TINY_BLOB,
        FieldType.MEDIUM_BLOB,
        FieldType.LONG_BLOB,
        FieldType.BLOB,
        FieldType.BLOB_COMPRESSED,
        FieldType.GEOMETRY,
    )
)
_BIG_ENDIAN_META = frozenset((FieldType.NEWDECIMAL, FieldType.ENUM, FieldType.SET, FieldType.VAR_STRING, FieldType.STRING))
_NUMERIC = frozenset(
    (
        FieldType.TINY,
        FieldType.SHORT,
        FieldType.INT24,
        FieldType.LONG,
        FieldType.LONGLONG,
        FieldType.NEWDECIMAL,
        FieldType.FLOAT,
        FieldType.DOUBLE,
        FieldType.YEAR,
    )
)
_CHARACTER = frozenset(
    (
        FieldType.STRING,
        FieldType.VAR_STRING,
        FieldType.VARCHAR,
        FieldType.BLOB,
        FieldType.VARCHAR_COMPRESSED,
        FieldType.BLOB_COMPRESSED,
    )
)
# Binary ones, but counted among those that have a character set.
_MARIADB_CHARACTER = _CHARACTER | {FieldType.GEOMETRY}
_MYSQL_CHARACTER = _CHARACTER | {FieldType.VECTOR}


@dataclass(slots=True)
class _Metadata:
    """The optional fields, each in the order of the columns that it speaks of."""

    unsigned: bytes = b""
    names: list[str] = field(default_factory=list)
    charsets: list[int] = field(default_factory=list)
    default_charset: tuple[int, dict[int, int]] | None = None
    member_charsets: list[int] = field(default_factory=list)
    member_default_charset: tuple[int, dict[int, int]] | None = None
    sets: list[list[bytes]] = field(default_factory=list)
    enums: list[list[bytes]] = field(default_factory=list)
    geometries: list[int] = field(default_factory=list)
    primary_key: tuple[int, ...] = ()
    visible: bytes = b""


def length_coded(data: bytes, pos: int) -> tuple[int, int]:
    """A length-encoded integer at `pos` and the place behind it."""
    first = data[pos]
    if first < 0xFB:
        return first, pos + 1
    width = {0xFC: 2, 0xFD: 3, 0xFE: 8}[first]
    return int.from_bytes(data[pos + 1 : pos + 1 + width], "little"), pos + 1 + width


def parse_table_map(body: bytes, mariadb: bool) -> TableMap:
    """The map in `body`, which starts behind the table id and the flags.

    Raises IndexError, KeyError, ValueError or UnicodeDecodeError for bytes that are no table map.
    """
    pos = 1 + body[0]
    schema = body[1:pos].decode()
    pos += 1  # a NUL
    end = pos + 1 + body[pos]
    table = body[pos + 1 : end].decode()
    count, pos = length_coded(body, end + 1)
    types = body[pos : pos + count]
    meta_length, pos = length_coded(body, pos + count)
    metas, real_types = _field_meta(types, body[pos : pos + meta_length])
    pos += meta_length
    nullable = int.from_bytes(body[pos : pos + (count + 7) // 8], "little")
    metadata = _optional(body, pos + (count + 7) // 8)
    columns = tuple(_columns(real_types, metas, nullable, metadata, mariadb))
    return TableMap(schema, table, columns, metadata.primary_key, named=bool(metadata.names) or not count)


def _field_meta(types: bytes, meta: bytes) -> tuple[list[int], list[int]]:
    metas, real_types, pos = [], [], 0
    for kind in types:
        value = 0
        if kind in _TWO_BYTE_META:
            order = "big" if kind in _BIG_ENDIAN_META else "little"
            value = int.from_bytes(meta[pos : pos + 2], "big" if order == "big" else "little")
            pos += 2
        elif kind in _ONE_BYTE_META:
            value = meta[pos]
            pos += 1
        elif kind == FieldType.TYPED_ARRAY:
            raise ValueError("a typed array column")
        if kind in (FieldType.STRING, FieldType.VAR_STRING):
            kind, value = _string(value)
        metas.append(value)
        real_types.append(kind)
    return metas, real_types


def _string(meta: int) -> tuple[int, int]:
    """CHAR's two bytes hold the real type (CHAR, ENUM or SET) and a length of up to ten bits."""
    high, length = meta >> 8, meta & 0xFF
    if high & 0x30 != 0x30:
        return high | 0x30, length | ((high & 0x30) ^ 0x30) << 4
    return high, length


def _optional(body: bytes, pos: int) -> _Metadata:
    found = _Metadata()
    while pos < len(body):
        kind = body[pos]
        length, pos = length_coded(body, pos + 1)
        value = body[pos : pos + length]
        pos += length
        match kind:
            case Metadata.SIGNEDNESS:
                found.unsigned = value
            case Metadata.DEFAULT_CHARSET:
                found.default_charset = _default_charset(value)
            case Metadata.COLUMN_CHARSET:
                found.charsets = _integers(value)
            case Metadata.COLUMN_NAME:
                found.names = [name.decode() for name in _strings(value)]
            case Metadata.SET_STR_VALUE:
                found.sets = _member_lists(value)
            case Metadata.ENUM_STR_VALUE:
                found.enums = _member_lists(value)
            case Metadata.GEOMETRY_TYPE:
                found.geometries = _integers(value)
            case Metadata.SIMPLE_PRIMARY_KEY:
                found.primary_key = tuple(_integers(value))
            case Metadata.PRIMARY_KEY_WITH_PREFIX:
                found.primary_key = tuple(_integers(value)[::2])
            case Metadata.ENUM_AND_SET_DEFAULT_CHARSET:
                found.member_default_charset = _default_charset(value)
            case Metadata.ENUM_AND_SET_COLUMN_CHARSET:
                found.member_charsets = _integers(value)
            case Metadata.COLUMN_VISIBILITY:
                found.visible = value
    return found


def _integers(value: bytes) -> list[int]:
    numbers, pos = [], 0
    while pos < len(value):
        number, pos = length_coded(value, pos)
        numbers.append(number)
    return numbers


def _strings(value: bytes) -> list[bytes]:
    found, pos = [], 0
    while pos < len(value):
        length, pos = length_coded(value, pos)
        found.append(value[pos : pos + length])
        pos += length
    return found


def _member_lists(value: bytes) -> list[list[bytes]]:
    found, pos = [], 0
    while pos < len(value):
        count, pos = length_coded(value, pos)
        members = []
        for _ in range(count):
            length, pos = length_coded(value, pos)
            members.append(value[pos : pos + length])
            pos += length
        found.append(members)
    return found


def _default_charset(value: bytes) -> tuple[int, dict[int, int]]:
    default, *others = _integers(value)
    return default, dict(zip(others[::2], others[1::2], strict=True))


def _bit(bits: bytes, index: int) -> bool:
    """Bit fields of the metadata count from the highest bit of the first byte."""
    return bool(bits[index >> 3] & 0x80 >> (index & 7))


def _collation(index: int, listed: list[int], default: tuple[int, dict[int, int]] | None) -> int | None:
    if listed:
        return listed[index]
    if default is not None:
        return default[1].get(index, default[0])
    return None


def _columns(types: list[int], metas: list[int], nullable: int, found: _Metadata, mariadb: bool) -> list[BinlogColumn]:
    columns = []
    character_types = _MARIADB_CHARACTER if mariadb else _MYSQL_CHARACTER
    numbers = characters = member_columns = enums = sets = geometries = 0
    for ordinal, (kind, meta) in enumerate(zip(types, metas, strict=True)):
        unsigned = False
        collation: int | None = None
        members: list[bytes] | None = None
        geometry: int | None = None
        if kind in _NUMERIC:
            unsigned = bool(found.unsigned) and _bit(found.unsigned, numbers)
            numbers += 1
        if kind in character_types:
            collation = _collation(characters, found.charsets, found.default_charset)
            characters += 1
        if kind == FieldType.GEOMETRY:
            geometry = found.geometries[geometries] if geometries < len(found.geometries) else None
            geometries += 1
        if kind in (FieldType.ENUM, FieldType.SET):
            collation = _collation(member_columns, found.member_charsets, found.member_default_charset)
            member_columns += 1
            if kind == FieldType.ENUM:
                members = found.enums[enums] if enums < len(found.enums) else None
                enums += 1
            else:
                members = found.sets[sets] if sets < len(found.sets) else None
                sets += 1
        columns.append(
            BinlogColumn(
                name=found.names[ordinal] if found.names else "",
                type=kind,
                meta=meta,
                unsigned=unsigned,
                nullable=bool(nullable >> ordinal & 1),
                collation=collation,
                members=_decoded(members, collation),
                geometry=geometry,
                visible=_bit(found.visible, ordinal) if found.visible else True,
                compressed=kind in (FieldType.VARCHAR_COMPRESSED, FieldType.BLOB_COMPRESSED),
            )
        )
    return columns


def _decoded(members: list[bytes] | None, collation: int | None) -> tuple[str, ...] | None:
    """Members as text, or None where their charset is not known: only a table that wants the column minds."""
    decode = codec(BINARY if collation is None else collation)
    if members is None or decode is None:
        return None
    try:
        return tuple(decode(member) for member in members)
    except UnicodeDecodeError:
        return None
