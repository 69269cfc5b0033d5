"""Values of a row image whose form takes more than a `struct` code: dates, times, decimals, sets.

Formats: the `_from_binary` functions of mysys/my_time.cc and strings/decimal.cc in MySQL, sql/field.cc in MariaDB.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1)  # naive and in UTC, as a session in UTC gives it
_from_bytes: Final = int.from_bytes
_MEMO_LIMIT: Final = 1 << 16
"""Values kept for a memo, each some 150 bytes: a column of random ones must not fill the memory."""

FRACTION_BYTES: Final = (0, 1, 1, 2, 2, 3, 3)
_FRACTION_UNIT: Final = (0, 10_000, 10_000, 100, 100, 1, 1)


class Dates(dict[bytes, date | str]):
    """DATE's three bytes → the date, or the server's text where Python has none."""

    __slots__ = ()

    def __missing__(self, data: bytes) -> date | str:
        packed = _from_bytes(data, "little")
        year, month, day = packed >> 9, packed >> 5 & 15, packed & 31
        try:
            value: date | str = date(year, month, day)
        except ValueError:
            value = f"{year:04}-{month:02}-{day:02}"
        if len(self) >= _MEMO_LIMIT:
            self.clear()
        self[data] = value
        return value


class Sets(dict[bytes, str]):
    """SET's bits → its members joined by commas, in the order of the definition."""

    __slots__ = ("_members",)

    def __init__(self, members: tuple[str, ...]) -> None:
        super().__init__()
        self._members = members

    def __missing__(self, data: bytes) -> str:
        bits = _from_bytes(data, "little")
        if bits >> len(self._members):
            raise ValueError(f"the set has {len(self._members)} members, the value {bits.bit_length()}")
        value = ",".join([member for index, member in enumerate(self._members) if bits >> index & 1])
        if len(self) >= _MEMO_LIMIT:
            self.clear()
        self[data] = value
        return value


def _with_fraction(text: str, micro: int, digits: int) -> str:
    return f"{text}.{micro:06}"[: len(text) + 1 + digits] if digits else text


@cache
def datetime2(digits: int) -> Callable[[bytes], datetime | str]:
    """DATETIME(digits): five bytes and a fraction, big-endian."""
    bits = 8 * FRACTION_BYTES[digits]
    mask, unit = (1 << bits) - 1, _FRACTION_UNIT[digits]
    offset = 0x8000000000

    def decode(
        data: bytes, from_bytes: Callable[..., int] = _from_bytes, datetime: type[datetime] = datetime
    ) -> datetime | str:
        packed = from_bytes(data, "big")
        micro = (packed & mask) * unit
        packed = (packed >> bits) - offset
        month = packed >> 22
        try:
            return datetime(month // 13, month % 13, packed >> 17 & 31, packed >> 12 & 31, packed >> 6 & 63, packed & 63, micro)
        except ValueError:
            day = f"{month // 13:04}-{month % 13:02}-{packed >> 17 & 31:02}"
            return _with_fraction(f"{day} {packed >> 12 & 31:02}:{packed >> 6 & 63:02}:{packed & 63:02}", micro, digits)

    return decode


@cache
def timestamp2(digits: int) -> Callable[[bytes], datetime | str]:
    """TIMESTAMP(digits): four bytes of seconds and a fraction, big-endian, in UTC."""
    bits = 8 * FRACTION_BYTES[digits]
    mask, unit = (1 << bits) - 1, _FRACTION_UNIT[digits]

    def decode(data: bytes, from_bytes: Callable[..., int] = _from_bytes) -> datetime | str:
        packed = from_bytes(data, "big")
        if not packed:
            return _with_fraction("0000-00-00 00:00:00", 0, digits)
        return _EPOCH + timedelta(0, packed >> bits, (packed & mask) * unit)

    return decode


@cache
def time2(digits: int) -> Callable[[bytes], timedelta]:
    """TIME(digits): three bytes and a fraction, big-endian, offset so that negative times sort first."""
    bits = 8 * FRACTION_BYTES[digits]
    mask, unit = (1 << bits) - 1, _FRACTION_UNIT[digits]
    offset = 0x800000 << bits

    def decode(data: bytes, from_bytes: Callable[..., int] = _from_bytes) -> timedelta:
        packed = from_bytes(data, "big") - offset
        size = abs(packed)
        whole = size >> bits
        value = timedelta(0, (whole >> 12 & 0x3FF) * 3600 + (whole >> 6 & 63) * 60 + (whole & 63), (size & mask) * unit)
        return -value if packed < 0 else value

    return decode


def old_datetime(data: bytes) -> datetime | str:
    """DATETIME as it was before MySQL 5.6, and with MariaDB's mysql56_temporal_format=OFF."""
    number = _from_bytes(data, "little")
    day, clock = divmod(number, 1_000_000)
    parts = (day // 10_000, day // 100 % 100, day % 100, clock // 10_000, clock // 100 % 100, clock % 100)
    try:
        return datetime(*parts)
    except ValueError:
        year, month, dom, hour, minute, second = parts
        return f"{year:04}-{month:02}-{dom:02} {hour:02}:{minute:02}:{second:02}"


def old_timestamp(data: bytes) -> datetime | str:
    """TIMESTAMP as it was before MySQL 5.6: seconds, little-endian."""
    seconds = _from_bytes(data, "little")
    return _EPOCH + timedelta(0, seconds) if seconds else "0000-00-00 00:00:00"


def old_time(data: bytes) -> timedelta:
    """TIME as it was before MySQL 5.6: the digits of ±HHHMMSS as a number."""
    number = _from_bytes(data, "little", signed=True)
    size = abs(number)
    value = timedelta(hours=size // 10_000, minutes=size // 100 % 100, seconds=size % 100)
    return -value if number < 0 else value


_DIGIT_BYTES: Final = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)


@cache
def decimal_size(precision: int, scale: int) -> int:
    """Bytes of DECIMAL(precision, scale): four for nine digits, fewer for the rest of each part."""
    whole, whole_rest = divmod(precision - scale, 9)
    fraction, fraction_rest = divmod(scale, 9)
    return whole * 4 + _DIGIT_BYTES[whole_rest] + fraction * 4 + _DIGIT_BYTES[fraction_rest]


@cache
def decimal(precision: int, scale: int) -> Callable[[bytes], Decimal]:
    """DECIMAL(precision, scale): groups of nine digits, big-endian, behind a sign bit; negatives are inverted."""
    groups: list[tuple[int, int]] = []  # (digits, bytes), from the highest
    whole, whole_rest = divmod(precision - scale, 9)
    fraction, fraction_rest = divmod(scale, 9)
    if whole_rest:
        groups.append((whole_rest, _DIGIT_BYTES[whole_rest]))
    groups += [(9, 4)] * whole
    point = len(groups)
    groups += [(9, 4)] * fraction
    if fraction_rest:
        groups.append((fraction_rest, _DIGIT_BYTES[fraction_rest]))
    shift = 8 * decimal_size(precision, scale)
    high = 1 << shift - 1
    pieces = ["{sign}"] if point else ["{sign}0"]
    for index, (digits, size) in enumerate(groups):
        shift -= 8 * size
        if index == point:
            pieces.append(".")
        pieces.append(f"{{packed >> {shift} & {(1 << 8 * size) - 1}:0{digits}}}")
    source = (
        "def decode(data, from_bytes=from_bytes, Decimal=Decimal):\n"
        "    packed = from_bytes(data, 'big')\n"
        f"    if packed & {high}:\n"
        f"        packed ^= {high}\n"
        "        sign = ''\n"
        "    else:\n"
        f"        packed ^= {high - 1}\n"
        "        sign = '-'\n"
        f"    return Decimal(f'{''.join(pieces)}')\n"
    )
    namespace: dict[str, Callable[[bytes], Decimal]] = {}
    exec(source, {"from_bytes": int.from_bytes, "Decimal": Decimal}, namespace)  # source of digits only, made above
    return namespace["decode"]


def inflate_column(data: bytes) -> bytes:
    """A value of MariaDB's … COMPRESSED columns: a byte of method and length's width, the length, raw or zlib data."""
    if not data:
        return b""
    if data[0] == 0:
        return data[1:]
    width = data[0] & 7
    size = _from_bytes(data[1 : 1 + width], "big")
    value = zlib.decompress(data[1 + width :], -zlib.MAX_WBITS if data[0] & 8 else zlib.MAX_WBITS, size)
    if len(value) != size:
        raise ValueError(f"a compressed value has {len(value)} bytes instead of {size}")
    return value


def uuid(data: bytes) -> str:
    """MariaDB's UUID column. Trailing zeros are not sent, here and below."""
    text = data.ljust(16, b"\0").hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def inet4(data: bytes) -> str:
    """MariaDB's INET4 column."""
    return ".".join([str(byte) for byte in data.ljust(4, b"\0")])


def inet6(data: bytes) -> str:
    """MariaDB's INET6 column: unlike others, the server also writes `::` for a single group of zeros."""
    data = data.ljust(16, b"\0")
    groups = [data[index] << 8 | data[index + 1] for index in range(0, 16, 2)]
    gap = length = 0
    for start in range(8):
        stop = start
        while stop < 8 and not groups[stop]:
            stop += 1
        if stop - start > length:
            gap, length = start, stop - start
    if gap == 0 and (length == 6 or (length == 5 and groups[5] == 0xFFFF)):
        return ("::" if length == 6 else "::ffff:") + inet4(data[12:])
    words = [f"{group:x}" for group in groups]
    if not length:
        return ":".join(words)
    return ":".join(words[:gap]) + "::" + ":".join(words[gap + length :])
