"""MySQL's binary JSON → the text that the server's SELECT prints.

Format: sql-common/json_binary.h; printing: Json_wrapper::to_string in sql-common/json_dom.cc.
"""

from __future__ import annotations

import base64
from json.encoder import encode_basestring
from struct import Struct
from typing import Final

from replicator.binlog.codes import FieldType
from replicator.binlog.values import decimal

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
_BASE64_LINE: Final = 76
_double_at: Final = Struct("<d").unpack_from
_FIXED_POINT: Final = 15
"""Decimal exponents up to which the server prints a double without an `e` (DBL_DIG)."""


def json_text(data: bytes) -> str:
    """The document as text. Raises IndexError, KeyError, ValueError or struct.error for other bytes."""
    if not data:
        return "null"  # a NOT NULL column that was left out with INSERT IGNORE
    return _value(data, data[0], 1)


def _value(data: bytes, kind: int, pos: int) -> str:
    if kind <= _LARGE_ARRAY:
        return _container(data, kind, pos)
    if kind == _STRING:
        length, pos = _length(data, pos)
        return encode_basestring(data[pos : pos + length].decode())
    if kind == _LITERAL:
        return _LITERALS[data[pos]]
    if kind == _DOUBLE:
        return double_text(_double_at(data, pos)[0])
    if kind == _OPAQUE:
        length, start = _length(data, pos + 1)
        return _opaque(data[pos], data[start : start + length])
    return str(_NUMBERS[kind](data, pos)[0])


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
    """An object or array at `base`: every offset in it counts from there."""
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
    values: list[str] = []
    for index in range(count):
        value_kind = entries[2 * index]
        # Short values stand in the entry itself, in place of their offset.
        if value_kind in _INLINE[large]:
            values.append(_value(data, value_kind, pos + (1 + width) * index + 1))
        else:
            values.append(_value(data, value_kind, base + entries[2 * index + 1]))
    if kind <= _LARGE_OBJECT:
        return "{" + ", ".join([f"{key}: {text}" for key, text in zip(keys, values, strict=True)]) + "}"
    return "[" + ", ".join(values) + "]"


_INLINE: Final = (frozenset((_LITERAL, _INT16, _UINT16)), frozenset((_LITERAL, _INT16, _UINT16, _INT32, _UINT32)))


def double_text(number: float) -> str:
    """A double as the server prints it: the shortest digits that round-trip, `.0` behind whole ones, `1e20`."""
    text = repr(number)
    mantissa, _, exponent = text.partition("e")
    sign = "-" if mantissa[0] == "-" else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if not digits:
        return sign + "0.0"
    if -_FIXED_POINT < point <= _FIXED_POINT:
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
