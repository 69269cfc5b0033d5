"""Values of a row image whose form takes more than a `struct` code: dates, times, decimals, sets.

Formats: the `_from_binary` functions of mysys/my_time.cc and strings/decimal.cc in MySQL, sql/field.cc in MariaDB.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeVar

_EPOCH: Final = datetime(1970, 1, 1)  # naive and in UTC, as a session in UTC gives it
_from_bytes: Final = int.from_bytes
_DAYS: Final = 1 << 14
_SECONDS: Final = 1 << 16
_FEW: Final = 1 << 12
"""How many values are remembered, each some 150 bytes: a column of random ones must not fill the memory."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

FRACTION_BYTES: Final = (0, 1, 1, 2, 2, 3, 3)
_FRACTION_UNIT: Final = (0, 10_000, 10_000, 100, 100, 1, 1)


class Memo(dict[_Key, _Value]):
    """Remembers the values of a function, up to a number of them, behind which it forgets all and begins again."""

    __slots__ = ("_compute", "_limit")

    def __init__(self, compute: Callable[[_Key], _Value], limit: int) -> None:
        super().__init__()
        self._compute = compute
        self._limit = limit

    def __missing__(self, key: _Key) -> _Value:
        value = self._compute(key)
        if len(self) >= self._limit:
            self.clear()
        self[key] = value
        return value


def _date(data: bytes) -> date | str:
    """DATE's three bytes; the server's text where Python has no such date."""
    packed = _from_bytes(data, "little")
    year, month, day = packed >> 9, packed >> 5 & 15, packed & 31
    try:
        return date(year, month, day)
    except ValueError:
        return f"{year:04}-{month:02}-{day:02}"


dates: Final = Memo(_date, _DAYS)
"""DATE's three bytes → date or text."""


def sets(members: tuple[str, ...]) -> Memo[bytes, str]:
    """SET's bits → its members joined by commas, in the order of the definition."""

    def join(data: bytes) -> str:
        bits = _from_bytes(data, "little")
        if bits >> len(members):
            raise ValueError(f"the set has {len(members)} members, the value {bits.bit_length()}")
        return ",".join([member for index, member in enumerate(members) if bits >> index & 1])

    return Memo(join, _FEW)


def _with_fraction(text: str, micro: int, digits: int) -> str:
    return f"{text}.{micro:06}"[: len(text) + 1 + digits] if digits else text


# Dates and times of day are shared by all columns: a datetime is put together from two that are there already.
_packed_dates: Final = Memo[int, date](lambda packed: date((packed >> 5) // 13, (packed >> 5) % 13, packed & 31), _DAYS)
_packed_times: Final = Memo[int, clock](lambda packed: clock(packed >> 12, packed >> 6 & 63, packed & 63), _SECONDS)
_epoch_dates: Final = Memo[int, date](lambda day: date.fromordinal(_EPOCH.toordinal() + day), _DAYS)
_day_times: Final = Memo[int, clock](lambda second: clock(second // 3600, second // 60 % 60, second % 60), _SECONDS)


@cache
def datetime2(digits: int) -> Callable[[bytes], datetime | str]:
    """DATETIME(digits): five bytes and a fraction, big-endian; the server's text where Python has no such datetime."""
    bits = 8 * FRACTION_BYTES[digits]
    mask, unit = (1 << bits) - 1, _FRACTION_UNIT[digits]

    def text(packed: int) -> str:
        micro = (packed & mask) * unit
        packed = (packed >> bits) - 0x8000000000
        month = packed >> 22
        day = f"{month // 13:04}-{month % 13:02}-{packed >> 17 & 31:02}"
        return _with_fraction(f"{day} {packed >> 12 & 31:02}:{packed >> 6 & 63:02}:{packed & 63:02}", micro, digits)

    def whole(
        data: bytes,
        from_bytes: Callable[..., int] = _from_bytes,
        combine: Callable[[date, clock], datetime] = datetime.combine,
        dates: Memo[int, date] = _packed_dates,
        times: Memo[int, clock] = _packed_times,
    ) -> datetime | str:
        packed = from_bytes(data, "big")
        try:
            return combine(dates[packed >> 17 & 0x3FFFFF], times[packed & 0x1FFFF])
        except ValueError:
            return text(packed)

    def fractional(data: bytes, from_bytes: Callable[..., int] = _from_bytes) -> datetime | str:
        full = from_bytes(data, "big")
        packed = (full >> bits) - 0x8000000000
        month = packed >> 22
        try:
            return datetime(
                month // 13,
                month % 13,
                packed >> 17 & 31,
                packed >> 12 & 31,
                packed >> 6 & 63,
                packed & 63,
                (full & mask) * unit,
            )
        except ValueError:
            return text(full)

    return fractional if bits else whole


@cache
def timestamp2(digits: int) -> Callable[[bytes], datetime | str]:
    """TIMESTAMP(digits): four bytes of seconds and a fraction, big-endian, in UTC; 0 is the server's zero date."""
    bits = 8 * FRACTION_BYTES[digits]
    mask, unit = (1 << bits) - 1, _FRACTION_UNIT[digits]
    zero = _with_fraction("0000-00-00 00:00:00", 0, digits)

    def whole(
        data: bytes,
        from_bytes: Callable[..., int] = _from_bytes,
        combine: Callable[[date, clock], datetime] = datetime.combine,
        dates: Memo[int, date] = _epoch_dates,
        times: Memo[int, clock] = _day_times,
    ) -> datetime | str:
        seconds = from_bytes(data, "big")
        return combine(dates[seconds // 86400], times[seconds % 86400]) if seconds else zero

    def fractional(data: bytes, from_bytes: Callable[..., int] = _from_bytes) -> datetime | str:
        packed = from_bytes(data, "big")
        return _EPOCH + timedelta(0, packed >> bits, (packed & mask) * unit) if packed else zero

    return fractional if bits else whole


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
    if number > 99_991_231_235_959:
        raise ValueError("no date has so many digits")
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


def decimals(precision: int, scale: int) -> Memo[bytes, Decimal]:
    """DECIMAL(precision, scale): prices and rates come again and again."""
    return Memo(decimal(precision, scale), _FEW)


@cache
def decimal(precision: int, scale: int) -> Callable[[bytes], Decimal]:
    """DECIMAL(precision, scale): groups of nine digits, big-endian, behind a sign bit; negatives are inverted."""
    high = 1 << 8 * decimal_size(precision, scale) - 1
    whole, fraction = _digit_groups(precision, scale)
    # Formatting with a width is slow: leading zeros come from a digit in front that is cut off again.
    if scale:
        text = f"f'{{sign}}{{{whole}}}.{{str({10**scale} + {fraction})[1:]}}'"
    else:
        text = f"f'{{sign}}{{{whole}}}'"
    source = (
        "def decode(data):\n"
        "    packed = from_bytes(data, 'big')\n"
        f"    if packed & {high}:\n"
        f"        packed ^= {high}\n"
        "        sign = ''\n"
        "    else:\n"
        f"        packed ^= {high - 1}\n"
        "        sign = '-'\n"
        f"    return Decimal({text})\n"
    )
    namespace: dict[str, Any] = {"from_bytes": int.from_bytes, "Decimal": Decimal}
    exec(source, namespace)  # source of digits only, made above
    return namespace["decode"]  # type: ignore[no-any-return]


def _digit_groups(precision: int, scale: int) -> tuple[str, str]:
    """Expressions for the number before the point and the one behind it, from the integer `packed`."""
    whole, whole_rest = divmod(precision - scale, 9)
    fraction, fraction_rest = divmod(scale, 9)
    before = [whole_rest] * (whole_rest > 0) + [9] * whole
    behind = [9] * fraction + [fraction_rest] * (fraction_rest > 0)
    shift = 8 * decimal_size(precision, scale)
    found = []
    for groups in (before, behind):
        terms = []
        left = sum(groups)
        for digits in groups:
            left -= digits
            shift -= 8 * _DIGIT_BYTES[digits]
            mask = (1 << 8 * _DIGIT_BYTES[digits]) - 1
            terms.append(f"(packed >> {shift} & {mask}) * {10**left}" if left else f"(packed >> {shift} & {mask})")
        found.append(" + ".join(terms) or "0")
    return found[0], found[1]


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
