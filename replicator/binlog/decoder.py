"""Row images → tuples, by functions that are generated for one table map and one choice of columns.

The source of such a function is straight-line code: neighbouring columns of fixed width, and the length of the text
that follows, are one `struct` call with padding in place of the unwanted ones, and a column that nobody wants is at
most an addition. Each pattern of NULLs gets a function of its own, up to a limit, behind which a general one with
tests takes over.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from replicator.binlog import values
from replicator.binlog.binary_json import Documents
from replicator.binlog.charset import charset_name, codec, python_codec
from replicator.binlog.codes import BINARY, FieldType
from replicator.binlog.events import BinlogColumn, Row, TableMap, Wanted
from replicator.errors import SchemaChanged, Unsupported

Image: TypeAlias = Callable[[bytes, int], tuple[Row, int]]
"""(event, offset of a null bitmap) → (values, offset behind the image)."""
Rows: TypeAlias = list[tuple[Row | None, Row | None]]
DecodeRows: TypeAlias = Callable[[bytes, int, int], Rows]
"""(event, offset of the first image, offset behind the last) → rows."""

DECODE_ERRORS: Final = (ValueError, IndexError, KeyError, struct.error, zlib.error, OverflowError)
"""What a decoder raises for bytes that do not fit the table map. UnicodeDecodeError is a ValueError."""

_PATTERNS: Final = 64
"""NULL patterns of an image that get a function of their own: compiling one costs as much as some hundred rows."""

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
_PREFIX: Final = {1: "B", 2: "H", 3: "HB", 4: "I"}


@dataclass(frozen=True, slots=True)
class _Codec:
    """How one column is read: `size` bytes, or as many as a length in front of them says."""

    size: int
    prefix: int = 0
    """Bytes of the length in front; 0 for a fixed width."""
    code: str = ""
    """The struct code of a fixed width; two codes give the variables {a} and {b}."""
    expression: str = "{a}"
    """The value from the raw one; {o} is the object below."""
    object: Any = None


def compile_rows(
    table: TableMap,
    wanted: Wanted,
    before: bytes | None,
    after: bytes | None,
    extended: Callable[[], dict[str, str]],
) -> DecodeRows:
    """The decoder of rows events; `before` and `after` are the bitmaps of the columns in each image, None without one.

    `extended` gives the columns whose type the binlog does not tell (MariaDB's UUID, INET4, INET6), and is asked when
    one may be there.
    Raises SchemaChanged or Unsupported, naming the column.
    """
    read_before = read_after = None
    codecs: dict[int, _Codec] = {}  # of both images: what they remember is mostly the same
    if before is not None:
        read_before = _image(table, wanted.before, before, extended, codecs)
    if after is not None:
        read_after = _image(table, wanted.after, after, extended, codecs)
    if read_before is not None and read_after is not None:
        return _updates(read_before, read_after)
    if read_after is not None:
        return _inserts(read_after)
    assert read_before is not None
    return _deletes(read_before)


def _inserts(image: _Image) -> DecodeRows:
    width, functions = image.bitmap, image

    def decode(data: bytes, pos: int, end: int) -> Rows:
        rows: Rows = []
        append = rows.append
        while pos < end:
            row, pos = functions[data[pos : pos + width]](data, pos)
            append((None, row))
        return _complete(rows, pos, end)

    return decode


def _deletes(image: _Image) -> DecodeRows:
    width, functions = image.bitmap, image

    def decode(data: bytes, pos: int, end: int) -> Rows:
        rows: Rows = []
        append = rows.append
        while pos < end:
            row, pos = functions[data[pos : pos + width]](data, pos)
            append((row, None))
        return _complete(rows, pos, end)

    return decode


def _updates(before: _Image, after: _Image) -> DecodeRows:
    width, other = before.bitmap, after.bitmap

    def decode(data: bytes, pos: int, end: int) -> Rows:
        rows: Rows = []
        append = rows.append
        while pos < end:
            old, pos = before[data[pos : pos + width]](data, pos)
            new, pos = after[data[pos : pos + other]](data, pos)
            append((old, new))
        return _complete(rows, pos, end)

    return decode


def _complete(rows: Rows, pos: int, end: int) -> Rows:
    if pos != end:
        raise ValueError(f"the last row ends {pos - end} bytes behind the event")
    return rows


class _Image(dict[bytes, Image]):
    """The functions of one image, by NULL bitmap; made when a pattern is first seen."""

    __slots__ = ("_codecs", "_general", "_names", "bitmap")

    def __init__(self, codecs: Sequence[tuple[_Codec | None, _Codec, bool]], order: tuple[int, ...]) -> None:
        super().__init__()
        self._codecs = codecs
        self._names = order
        self._general: Image | None = None
        self.bitmap = (len(codecs) + 7) // 8

    def __missing__(self, bitmap: bytes) -> Image:
        if len(bitmap) < self.bitmap:
            raise ValueError("the event ends inside a row")
        if len(self) < _PATTERNS:
            self[bitmap] = function = _generate(self._codecs, self._names, self.bitmap, int.from_bytes(bitmap, "little"))
            return function
        if self._general is None:
            self._general = _generate(self._codecs, self._names, self.bitmap, None)
        return self._general


def _image(
    table: TableMap,
    names: tuple[str, ...],
    present: bytes,
    extended: Callable[[], dict[str, str]],
    known: dict[int, _Codec],
) -> _Image:
    place = f"{table.schema}.{table.table}"
    if names and not table.named:
        raise Unsupported(
            f"{place}: the binlog does not name the table's columns. SET GLOBAL binlog_row_metadata = FULL, and start"
            " the migration again behind it."
        )
    ordinals = {column.name: ordinal for ordinal, column in enumerate(table.columns)}
    for name in names:
        if name not in ordinals:
            raise SchemaChanged(
                f"{place}: the table has no column {name} at this position. A transform that reads it belongs to"
                " another version of the table: adapt it and start the migration again."
            )
    bits = int.from_bytes(present, "little")
    standing = [ordinal for ordinal in range(len(table.columns)) if bits >> ordinal & 1]
    index = {ordinal: place_ for place_, ordinal in enumerate(standing)}
    codecs: list[tuple[_Codec | None, _Codec, bool]] = []
    used = {ordinals[name] for name in names}
    for ordinal in used:
        if ordinal not in index:
            raise Unsupported(
                f"{place}: the row image does not hold column {table.columns[ordinal].name}. SET GLOBAL"
                " binlog_row_image = FULL, see that no session sets another one, and start the migration again behind"
                " it. (MariaDB from 11.8 on leaves generated columns out in any case: compute them in the transform.)"
            )
    types: dict[str, str] | None = None
    for ordinal in standing:
        column = table.columns[ordinal]
        codec_ = known.get(ordinal) if ordinal in used else None
        # Old times matter where nobody wants them, too: who is wrong about their width misreads what follows.
        if used and codec_ is None and (column.type in _OLD_TEMPORAL or (ordinal in used and _may_be_extended(column))):
            types = extended() if types is None else types
            codec_ = _extended(place, column, types.get(column.name))
        if ordinal in used and codec_ is None:
            codec_ = _codec(place, column)
        if codec_ is not None:
            known[ordinal] = codec_
        codecs.append((codec_, _shape(place, column), column.nullable))
    return _Image(codecs, tuple(index[ordinals[name]] for name in names))


def _may_be_extended(column: BinlogColumn) -> bool:
    return column.type == FieldType.STRING and column.collation == BINARY and column.meta in (4, 16)


def _extended(place: str, column: BinlogColumn, kind: str | None) -> _Codec | None:
    if kind and column.type in _OLD_TEMPORAL:
        raise Unsupported(
            f"{place}.{column.name}: fractions of seconds in the format from before MariaDB 10.1 look like whole seconds in"
            " the binlog. SET GLOBAL mysql56_temporal_format = ON, and rebuild the table by ALTER TABLE … FORCE."
        )
    decode = {"uuid": values.uuid, "inet4": values.inet4, "inet6": values.inet6}.get(kind or "")
    return _Codec(0, prefix=1, expression="{o}({a})", object=decode) if decode else None


def _shape(place: str, column: BinlogColumn) -> _Codec:
    """Only the width of a column: what skipping it takes."""
    kind, meta = column.type, column.meta
    if kind in _INTEGERS:
        return _Codec(_INTEGERS[kind][0])
    match kind:
        case FieldType.YEAR:
            return _Codec(1)
        case FieldType.INT24 | FieldType.DATE | FieldType.NEWDATE | FieldType.TIME:
            return _Codec(3)
        case FieldType.FLOAT | FieldType.TIMESTAMP:
            return _Codec(4)
        case FieldType.DOUBLE | FieldType.DATETIME:
            return _Codec(8)
        case FieldType.NULL:
            return _Codec(0)
        case FieldType.TIMESTAMP2:
            return _Codec(4 + values.FRACTION_BYTES[meta])
        case FieldType.DATETIME2:
            return _Codec(5 + values.FRACTION_BYTES[meta])
        case FieldType.TIME2:
            return _Codec(3 + values.FRACTION_BYTES[meta])
        case FieldType.NEWDECIMAL:
            return _Codec(values.decimal_size(meta >> 8, meta & 0xFF))
        case FieldType.BIT:
            return _Codec((meta >> 8) + (meta & 0xFF > 0))
        case FieldType.ENUM | FieldType.SET:
            return _Codec(meta & 0xFF)
        case FieldType.VARCHAR | FieldType.VARCHAR_COMPRESSED | FieldType.STRING | FieldType.VAR_STRING:
            return _Codec(0, prefix=1 if meta < 256 else 2)
    if kind in _BLOBS and meta in _PREFIX:
        return _Codec(0, prefix=meta)
    raise Unsupported(f"{place}.{column.name}: columns of type number {kind} cannot be read from the binlog.")


def _codec(place: str, column: BinlogColumn) -> _Codec:
    kind, meta, shape = column.type, column.meta, _shape(place, column)
    raw = f"{shape.size}s"
    if kind in _INTEGERS:
        _, signed, unsigned = _INTEGERS[kind]
        return _Codec(shape.size, code=unsigned if column.unsigned else signed)
    match kind:
        case FieldType.INT24:
            return _Codec(3, code="HB" if column.unsigned else "Hb", expression="{a} | {b} << 16")
        case FieldType.FLOAT:
            return _Codec(4, code="f")
        case FieldType.DOUBLE:
            return _Codec(8, code="d")
        case FieldType.YEAR:
            return _Codec(1, code="B", expression="{a} + 1900 if {a} else 0")
        case FieldType.DATE | FieldType.NEWDATE:
            return _Codec(3, code=raw, expression="{o}[{a}]", object=values.dates)
        case FieldType.TIME:
            return _Codec(3, code=raw, expression="{o}({a})", object=values.old_time)
        case FieldType.TIMESTAMP:
            return _Codec(4, code=raw, expression="{o}({a})", object=values.old_timestamp)
        case FieldType.DATETIME:
            return _Codec(8, code=raw, expression="{o}({a})", object=values.old_datetime)
        case FieldType.TIMESTAMP2:
            return _Codec(shape.size, code=raw, expression="{o}({a})", object=values.timestamp2(meta))
        case FieldType.DATETIME2:
            return _Codec(shape.size, code=raw, expression="{o}({a})", object=values.datetime2(meta))
        case FieldType.TIME2:
            return _Codec(shape.size, code=raw, expression="{o}({a})", object=values.time2(meta))
        case FieldType.NEWDECIMAL:
            return _Codec(shape.size, code=raw, expression="{o}[{a}]", object=values.decimals(meta >> 8, meta & 0xFF))
        case FieldType.BIT:
            return _Codec(shape.size, code=raw)
        case FieldType.NULL:
            return _Codec(0, code="0s", expression="None")
        case FieldType.ENUM:
            _check_members(place, column)
            assert column.members is not None
            return _Codec(shape.size, code=_PREFIX[shape.size], expression="{o}[{a}]", object=("", *column.members))
        case FieldType.SET:
            _check_members(place, column)
            assert column.members is not None
            return _Codec(shape.size, code=raw, expression="{o}[{a}]", object=values.sets(column.members))
        case FieldType.JSON:
            return _Codec(0, prefix=shape.prefix, expression="{o}[{a}]", object=Documents())
        case FieldType.GEOMETRY | FieldType.VECTOR:
            return _Codec(0, prefix=shape.prefix)
    return _text(place, column, shape)


def _check_members(place: str, column: BinlogColumn) -> None:
    if column.members is None:
        raise Unsupported(
            f"{place}.{column.name}: the binlog does not name the members of this ENUM or SET, or its charset cannot be"
            " decoded exactly. SET GLOBAL binlog_row_metadata = FULL, or convert the column to utf8mb4."
        )


def _text(place: str, column: BinlogColumn, shape: _Codec) -> _Codec:
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
            return _Codec(0, prefix=shape.prefix, expression=f"{{a}}.ljust({column.meta}, b'\\0')")
        return _Codec(0, prefix=shape.prefix, expression=inner)
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
        return _Codec(0, prefix=shape.prefix, expression=f"{inner}.decode()")
    if python is not None:
        return _Codec(0, prefix=shape.prefix, expression=f"{inner}.decode({python!r})")
    return _Codec(0, prefix=shape.prefix, expression=f"{{o}}({inner})", object=decode)


class _Source:
    """The body of a function under construction, with a run of fixed-width fields that is not written yet."""

    def __init__(self, offset: int) -> None:
        self.lines: list[str] = []
        self.objects: dict[str, Any] = {"inflate_column": values.inflate_column}
        self.indent = "    "
        self._offset = offset
        """Bytes of the run: how far the next column lies behind `p`."""
        self._start = offset
        """Where in the run its struct begins."""
        self._codes: list[str] = []
        self._targets: list[str] = []
        self._computed: list[str] = []

    def write(self, line: str) -> None:
        self.lines.append(self.indent + line)

    def skip(self, size: int) -> None:
        if self._codes:
            self._codes.append(f"{size}x")
        else:
            self._start += size
        self._offset += size

    def field(self, code: str, size: int, targets: Sequence[str]) -> None:
        self._codes.append(code)
        self._targets += targets
        self._offset += size

    def compute(self, line: str) -> None:
        """A line for when the run's fields have been read."""
        self._computed.append(line)

    def flush(self, extra: str = "") -> None:
        """Read the run's fields and move `p` behind them, and by `extra`."""
        if self._codes:
            while self._codes[-1].endswith("x"):
                self._codes.pop()
            place = f"p + {self._start}" if self._start else "p"
            codes = "".join(self._codes)
            if codes == "B":
                self.write(f"{self._targets[0]} = d[{place}]")
            else:
                name = f"u{len(self.objects)}"
                self.objects[name] = struct.Struct("<" + codes).unpack_from
                self.write(f"{', '.join(self._targets)}, = {name}(d, {place})")
        for line in self._computed:
            self.write(line)
        terms = [str(self._offset)] if self._offset else []
        if extra:
            terms.append(extra)
        if terms:
            self.write(f"p += {' + '.join(terms)}")
        self._offset = self._start = 0
        self._codes, self._targets, self._computed = [], [], []


def _generate(
    codecs: Sequence[tuple[_Codec | None, _Codec, bool]], order: tuple[int, ...], bitmap: int, nulls: int | None
) -> Image:
    """Compile the function for the NULL bits `nulls`, or for any when it is None."""
    source = _Source(bitmap)
    if nulls is None:
        source.write(f"z = from_bytes(d[p:p + {bitmap}], 'little')")
    for index, (codec_, shape, nullable) in enumerate(codecs):
        if nulls is not None:
            if nulls >> index & 1:
                if codec_ is not None:
                    source.compute(f"v{index} = None")
                continue
            _read(source, index, codec_, shape)
        elif nullable:
            source.flush()
            if codec_ is not None:
                source.write(f"v{index} = None")
            source.write(f"if not z & {1 << index}:")
            source.indent = "        "
            _read(source, index, codec_, shape)
            source.flush()
            source.indent = "    "
        else:
            _read(source, index, codec_, shape)
    source.flush()
    row = "".join(f"v{index}, " for index in order)
    lines = ["def image(d, p):", *source.lines, f"    return ({row}), p"]
    namespace: dict[str, Any] = {"from_bytes": int.from_bytes, **source.objects}
    exec("\n".join(lines), namespace)  # holds numbers and names made here only: nothing that the binlog says
    return namespace["image"]  # type: ignore[no-any-return]


def _read(source: _Source, index: int, codec_: _Codec | None, shape: _Codec) -> None:
    """One column: into `v{index}`, or past it."""
    a, b, n = f"v{index}", f"w{index}", f"n{index}"
    if codec_ is None and not shape.prefix:
        source.skip(shape.size)
        return
    if codec_ is not None:
        name = f"o{index}"
        source.objects[name] = codec_.object
        expression = codec_.expression.format(a=a, b=b, o=name)
    else:
        expression = a
    if not shape.prefix:
        assert codec_ is not None
        source.field(codec_.code, codec_.size, (a, b) if "{b}" in codec_.expression else (a,))
        if expression != a:
            source.compute(f"{a} = {expression}")
        return
    code = _PREFIX[shape.prefix]
    source.field(code, shape.prefix, (n, f"m{index}") if len(code) == 2 else (n,))
    if len(code) == 2:
        source.compute(f"{n} |= m{index} << 16")
    if codec_ is None:
        source.flush(n)
        return
    source.flush()
    source.write(f"q = p + {n}")
    if "{a}" in codec_.expression:
        source.write(f"{a} = {codec_.expression.format(a='d[p:q]', b=b, o=f'o{index}')}")
    source.write("p = q")
