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
from typing import Any, Final, TypeAlias

from replicator.binlog.columns import PREFIX, ColumnCodec, check_width, column_codec, column_shape
from replicator.binlog.events import Row, TableMap, Wanted
from replicator.binlog.values import inflate_column
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
    codecs: dict[int, ColumnCodec] = {}  # of both images: what they remember is mostly the same
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

    def __init__(self, codecs: Sequence[tuple[ColumnCodec | None, ColumnCodec, bool]], order: tuple[int, ...]) -> None:
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
    known: dict[int, ColumnCodec],
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
    codecs: list[tuple[ColumnCodec | None, ColumnCodec, bool]] = []
    used = {ordinals[name] for name in names}
    for ordinal in used:
        if ordinal not in index:
            raise Unsupported(
                f"{place}: the row image does not hold column {table.columns[ordinal].name}. SET GLOBAL"
                " binlog_row_image = FULL, see that no session sets another one, and start the migration again behind"
                " it. (MariaDB from 11.8 on leaves generated columns out in any case: compute them in the transform.)"
            )
    for ordinal in standing:
        column = table.columns[ordinal]
        codec_ = None
        if used:
            check_width(place, column, extended)
        if ordinal in used:
            codec_ = known[ordinal] = known.get(ordinal) or column_codec(place, column, extended)
        codecs.append((codec_, column_shape(place, column), column.nullable))
    return _Image(codecs, tuple(index[ordinals[name]] for name in names))


class _Source:
    """The body of a function under construction, with a run of fixed-width fields that is not written yet."""

    def __init__(self, offset: int) -> None:
        self.lines: list[str] = []
        self.objects: dict[str, Any] = {"inflate_column": inflate_column}
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
    codecs: Sequence[tuple[ColumnCodec | None, ColumnCodec, bool]], order: tuple[int, ...], bitmap: int, nulls: int | None
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


def _read(source: _Source, index: int, codec_: ColumnCodec | None, shape: ColumnCodec) -> None:
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
    code = PREFIX[shape.prefix]
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
