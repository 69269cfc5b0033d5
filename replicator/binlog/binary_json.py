"""MySQL's binary JSON → the text that the server's SELECT prints.

Format: sql-common/json_binary.h; printing: Json_wrapper::to_string in sql-common/json_dom.cc.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from json.encoder import encode_basestring
from struct import Struct
from typing import Any, Final, TypeVar

from replicator.binlog.codes import FieldType
from replicator.binlog.values import decimal
from replicator.mysql.documents import Node, document

_SMALL_OBJECT: Final = 0
_LARGE_OBJECT: Final = 1
_SMALL_ARRAY: Final = 2
_LARGE_ARRAY: Final = 3
_LITERAL: Final = 4
_INT16: Final = 5
_UINT16: Final = 6
_INT32: Final = 7
_UINT32: Final = 8
_INT64: Final = 9
_UINT64: Final = 10
_DOUBLE: Final = 11
_STRING: Final = 12
_OPAQUE: Final = 15

_LITERALS: Final = {0: "null", 1: "true", 2: "false"}
_NUMBERS: Final = {
    _INT16: Struct("<h").unpack_from,
    _UINT16: Struct("<H").unpack_from,
    _INT32: Struct("<i").unpack_from,
    _UINT32: Struct("<I").unpack_from,
    _INT64: Struct("<q").unpack_from,
    _UINT64: Struct("<Q").unpack_from,
}
_SPECIAL: Final = frozenset((_UINT16, _UINT32, _UINT64, _OPAQUE))
"""What SQL puts into a document; one that came as text has signed numbers, but for those that need the last bit."""
_OPAQUE_TYPES: Final = {
    FieldType.NEWDECIMAL: "DECIMAL", FieldType.DATE: "DATE", FieldType.TIME: "TIME", FieldType.DATETIME: "DATETIME",
    FieldType.TIMESTAMP: "TIMESTAMP",
}  # fmt: skip
_BASE64_LINE: Final = 76
_SHAPED_KEYS: Final = 32
_SHAPED_ITEMS: Final = 6
_SHAPES: Final = 1024
_REMEMBERED: Final = 1024
_REMEMBERED_LENGTH: Final = 512
_double_at: Final = Struct("<d").unpack_from
_FIXED_POINT: Final = 15
"""Decimal exponents up to which the server prints a double without an `e` (DBL_DIG); beyond, only if it has a fraction."""


class _SpecialValue(Exception):
    """A document holds more than its text says."""


def json_text(data: bytes) -> str:
    """The document as text, a `Document` where text is not all. Raises IndexError, KeyError, ValueError or struct.error for
    other bytes."""
    if not data:
        return "null"  # a NOT NULL column that was left out with INSERT IGNORE
    try:
        return _value(data, data[0], 1)
    except _SpecialValue:
        return document(_node(data, data[0], 1))


class Documents(dict[bytes, str]):
    """Documents by their bytes: the two images of an update mostly hold the same one. Long ones are not kept."""

    __slots__ = ()

    def __missing__(self, data: bytes) -> str:
        text = json_text(data)
        if len(data) <= _REMEMBERED_LENGTH:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[data] = text
        return text


def _value(data: bytes, kind: int, pos: int) -> str:
    if kind == _SMALL_OBJECT:
        return _small_object(data, pos)
    if kind == _SMALL_ARRAY:
        return _small_array(data, pos)
    if kind <= _LARGE_ARRAY:
        return _container(data, kind, pos)
    if kind == _STRING:
        return _string(data, pos)
    if kind == _LITERAL:
        return _LITERALS[data[pos]]
    if kind == _DOUBLE:
        return double_text(_double_at(data, pos)[0])
    if kind in _SPECIAL and (kind != _UINT64 or data[pos + 7] < 0x80):
        raise _SpecialValue
    return str(_NUMBERS[kind](data, pos)[0])


def _node(data: bytes, kind: int, pos: int) -> Node:
    """The slow way: a value with what JSON_TYPE says of it."""
    if kind <= _LARGE_ARRAY:
        keys, members = _members(data, kind, pos, _node)
        return Node("OBJECT" if kind <= _LARGE_OBJECT else "ARRAY", keys=keys, members=members)
    if kind == _OPAQUE:
        length, start = _length(data, pos + 1)
        return Node(_OPAQUE_TYPES.get(data[pos], "OPAQUE"), _opaque(data[pos], data[start : start + length]))
    if kind in _NUMBERS:
        return Node("UNSIGNED INTEGER" if kind in _SPECIAL else "INTEGER", str(_NUMBERS[kind](data, pos)[0]))
    return Node("", _value(data, kind, pos))


def _string(data: bytes, pos: int) -> str:
    length, pos = _length(data, pos)
    return encode_basestring(data[pos : pos + length].decode())


def _length(data: bytes, pos: int) -> tuple[int, int]:
    """A length in up to five bytes of seven bits, lowest first, and the place behind it."""
    length = data[pos]
    if length < 0x80:
        return length, pos + 1
    length &= 0x7F
    for shift in (7, 14, 21, 28):
        pos += 1
        byte = data[pos]
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return length, pos + 1
    raise ValueError("a length in a JSON document has no end")


_HEADS: Final = (Struct("<HH").unpack_from, Struct("<II").unpack_from)
_KEYS: Final = tuple(tuple(Struct("<" + f"{o}H" * n).unpack_from for n in range(33)) for o in "HI")
_VALUES: Final = tuple(tuple(Struct("<" + f"B{o}" * n).unpack_from for n in range(33)) for o in "HI")


def _container(data: bytes, kind: int, base: int) -> str:
    """An object or array at `base`."""
    keys, values = _members(data, kind, base, _value)
    if kind <= _LARGE_OBJECT:
        return "{" + ", ".join([f"{key}: {text}" for key, text in zip(keys, values, strict=True)]) + "}"
    return "[" + ", ".join(values) + "]"


_Member = TypeVar("_Member")


def _members(data: bytes, kind: int, base: int, read: Callable[[bytes, int, int], _Member]) -> tuple[list[str], list[_Member]]:
    """Keys and values of an object or array at `base`: every offset in it counts from there."""
    large = kind & 1
    width = 4 if large else 2
    count = _HEADS[large](data, base)[0]
    pos = base + 2 * width
    keys: list[str] = []
    code = "I" if large else "H"
    if kind <= _LARGE_OBJECT:
        unpack = _KEYS[large][count] if count <= 32 else Struct("<" + f"{code}H" * count).unpack_from
        entries = unpack(data, pos)
        for index in range(0, 2 * count, 2):
            start = base + entries[index]
            keys.append(encode_basestring(data[start : start + entries[index + 1]].decode()))
        pos += (width + 2) * count
    unpack = _VALUES[large][count] if count <= 32 else Struct("<" + f"B{code}" * count).unpack_from
    entries = unpack(data, pos)
    values: list[_Member] = []
    for index in range(count):
        value_kind = entries[2 * index]
        # Short values stand in the entry itself, in place of their offset.
        if value_kind in _INLINE[large]:
            values.append(read(data, value_kind, pos + (1 + width) * index + 1))
        else:
            values.append(read(data, value_kind, base + entries[2 * index + 1]))
    return keys, values


_INLINE: Final = (frozenset((_LITERAL, _INT16, _UINT16)), frozenset((_LITERAL, _INT16, _UINT16, _INT32, _UINT32)))


def _small_object(data: bytes, base: int) -> str:
    """An object of less than 64 KiB, by a function made for all objects with these keys and types of values.

    Documents of one column mostly have one of a few shapes, and most of the work on a small one is reading its keys.
    """
    count = data[base] | data[base + 1] << 8
    if not 0 < count <= _SHAPED_KEYS:
        return _container(data, _SMALL_OBJECT, base)
    values = base + 4 + 4 * count
    last = values - 4  # the last key's offset and length: where the keys' text ends
    keys_end = base + (data[last] | data[last + 1] << 8) + (data[last + 2] | data[last + 3] << 8)
    keys = values + 3 * count
    shape = data[base + 4 : values] + data[values:keys:3] + data[keys:keys_end]
    function = _shapes.get(shape)
    if function is None:
        if len(_shapes) >= _SHAPES:
            return _container(data, _SMALL_OBJECT, base)
        entries = _KEYS[0][count](data, base + 4)
        texts = [
            encode_basestring(data[base + start : base + start + length].decode())
            for start, length in zip(entries[::2], entries[1::2], strict=True)
        ]
        function = _shapes[shape] = _shape_function(data[values:keys:3], 4 + 4 * count, texts)
    return function(data, base)


def _small_array(data: bytes, base: int) -> str:
    """A short array of less than 64 KiB, in the same way."""
    count = data[base] | data[base + 1] << 8
    if not 0 < count <= _SHAPED_ITEMS:
        return _container(data, _SMALL_ARRAY, base)
    shape = data[base + 4 : base + 4 + 3 * count : 3]
    function = _array_shapes.get(shape)
    if function is None:
        if len(_array_shapes) >= _SHAPES:
            return _container(data, _SMALL_ARRAY, base)
        function = _array_shapes[shape] = _shape_function(shape, 4, None)
    return function(data, base)


_shapes: Final[dict[bytes, Callable[[bytes, int], str]]] = {}
_array_shapes: Final[dict[bytes, Callable[[bytes, int], str]]] = {}


def _shape_function(kinds: bytes, offset: int, keys: list[str] | None) -> Callable[[bytes, int], str]:
    """Source that reads all entries with one `struct` call and prints the values between the constant keys.

    `offset` is where the entries of the values begin, from the start of the object or array.
    """
    namespace: dict[str, Any] = {
        "literals": _LITERALS,
        "numbers": _NUMBERS,
        "double_at": _double_at,
        "double_text": double_text,
        "string": _string,
        "small_object": _small_object,
        "small_array": _small_array,
        "value": _value,
        "encode": encode_basestring,
    }
    codes: list[str] = []
    lines: list[str] = []
    pieces: list[str] = []
    for index, kind in enumerate(kinds):
        name = f"a{index}"
        code, expression = _SHAPED.get(kind, ("xH", f"value(d, {kind}, b + {{a}})"))
        codes.append(code)
        if kind == _STRING:
            lines += [
                f"    p = b + {name} + 1",
                "    n = d[p - 1]",
                f"    {name} = encode(d[p:p + n].decode()) if n < 128 else string(d, p - 1)",
            ]
            expression = "{a}"
        separator = ", " if index else ""
        namespace[f"k{index}"] = separator if keys is None else f"{separator}{keys[index]}: "
        pieces.append(f"{{k{index}}}{{{expression.format(a=name)}}}")
    namespace["unpack"] = Struct("<" + "".join(codes)).unpack_from
    opening, closing = ("[", "]") if keys is None else ("{{", "}}")
    source = [
        "def text(d, b):",
        f"    {''.join(f'a{index}, ' for index in range(len(kinds)))}= unpack(d, b + {offset})",
        *lines,
        f"    return f'{opening}{''.join(pieces)}{closing}'",
    ]
    exec("\n".join(source), namespace)  # numbers and names made here only: keys are values in the namespace
    return namespace["text"]  # type: ignore[no-any-return]


_SHAPED: Final = {
    _LITERAL: ("xBx", "literals[{a}]"),
    _INT16: ("xh", "{a}"),
    _INT32: ("xH", f"numbers[{_INT32}](d, b + {{a}})[0]"),
    _INT64: ("xH", f"numbers[{_INT64}](d, b + {{a}})[0]"),
    _DOUBLE: ("xH", "double_text(double_at(d, b + {a})[0])"),
    _SMALL_OBJECT: ("xH", "small_object(d, b + {a})"),
    _SMALL_ARRAY: ("xH", "small_array(d, b + {a})"),
}
"""Kinds of values: the struct code of their entry in a small object, and the expression that prints them."""


def double_text(number: float) -> str:
    """A double as the server prints it: the shortest digits that round-trip, `.0` behind whole ones, `1e20`."""
    text = repr(number)
    if 1e-4 <= number < 1e15 or -1e15 < number <= -1e-4:
        return text
    mantissa, _, exponent = text.partition("e")
    sign = "-" if mantissa[0] == "-" else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if not digits:
        return sign + "0.0"
    if -_FIXED_POINT < point <= _FIXED_POINT or 0 < point < len(digits):
        if point <= 0:
            return f"{sign}0.{'0' * -point}{digits}"
        if point >= len(digits):
            return f"{sign}{digits}{'0' * (point - len(digits))}.0"
        return f"{sign}{digits[:point]}.{digits[point:]}"
    head = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{sign}{head}e{point - 1}"


def _opaque(kind: int, data: bytes) -> str:
    """A value that JSON has no type for, as SQL put it in."""
    if kind == FieldType.NEWDECIMAL:
        return str(decimal(data[0], data[1])(data[2:]))
    if kind in (FieldType.DATE, FieldType.DATETIME, FieldType.TIMESTAMP, FieldType.TIME):
        packed = int.from_bytes(data, "little", signed=True)
        sign = "-" if packed < 0 else ""
        packed = abs(packed)
        micro, whole = packed & 0xFFFFFF, packed >> 24
        if kind == FieldType.TIME:
            clock = f"{whole >> 12 & 0x3FF:02}:{whole >> 6 & 63:02}:{whole & 63:02}"
            return f'"{sign}{clock}.{micro:06}"'
        month, clock_bits = whole >> 22, whole & 0x1FFFF
        day = f"{month // 13:04}-{month % 13:02}-{whole >> 17 & 31:02}"
        if kind == FieldType.DATE:
            return f'"{day}"'
        clock = f"{clock_bits >> 12:02}:{clock_bits >> 6 & 63:02}:{clock_bits & 63:02}"
        return f'"{day} {clock}.{micro:06}"'
    encoded = base64.b64encode(data).decode()
    lines = [encoded[start : start + _BASE64_LINE] for start in range(0, len(encoded), _BASE64_LINE)]
    return encode_basestring(f"base64:type{kind}:" + "\n".join(lines))
