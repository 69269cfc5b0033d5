"""The one encoder of values: Python value → SQL literal, exact for the column it is meant for, or refused.

Two values that a column stores alike have the same literal, so that literals also serve to compare rows. The same text is
understood by `INSERT … VALUES` and, for everything but binary strings, by `LOAD DATA … OPTIONALLY ENCLOSED BY "'"`.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from replicator.mysql.catalog import BINARY_TYPES, GEOMETRY_TYPES, INTEGER_TYPES, Column
from replicator.mysql.documents import Document, select_document
from replicator.mysql.members import enum_encoder, set_encoder

Encoder = Callable[[Any], str]

INTEGER_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_ZERO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ZERO_DATETIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?")
LOB_OCTETS = {"tinytext": 255, "text": 65535, "mediumtext": 2**24 - 1, "longtext": 2**32 - 1, "json": 2**30}


class _Days(dict[int, str]):
    """Proleptic ordinal of a day → `2024-02-29`: five times as fast as isoformat, and few days are many rows'."""

    def __missing__(self, ordinal: int) -> str:
        if len(self) >= 100_000:
            self.clear()
        text = self[ordinal] = date.fromordinal(ordinal).isoformat()
        return text


DAYS = _Days()
TWO_DIGITS = tuple(f"{number:02d}" for number in range(60))


def encoder(column: Column) -> Encoder:
    """The function that writes values of the column; it raises ValueError with the reason, never with the value."""
    encode = _encoder(column)
    nullable = column.nullable

    def encode_or_null(value: Any) -> str:
        if value is None:
            if nullable:
                return "NULL"
            raise ValueError("NULL for a NOT NULL column")
        try:
            return encode(value)
        except ValueError:
            raise
        except Exception as error:  # of an object of any type
            raise ValueError(f"a {type(value).__name__} that raised {type(error).__name__} when it was read") from None

    return encode_or_null


def _encoder(column: Column) -> Encoder:
    kind = column.type
    if kind in INTEGER_TYPES:
        return _integer(INTEGER_BITS[kind], column.unsigned)
    if kind == "decimal":
        return _decimal(column.precision or 10, column.scale or 0, column.unsigned)
    if kind in ("float", "double"):
        return _float(kind == "float", column.unsigned)
    if kind in ("char", "varchar"):
        return _text(kind, column.characters or 0, column.charset)
    if kind in LOB_OCTETS:
        return _lob(kind, LOB_OCTETS[kind], column.charset)
    if kind == "enum":
        return enum_encoder(column.members, column.charset)
    if kind == "set":
        return set_encoder(column.members)
    if kind in BINARY_TYPES or kind in GEOMETRY_TYPES or kind == "vector":
        return _binary(column)
    if kind == "bit":
        return _bit(column.precision or 1)
    if kind == "date":
        return _date
    if kind in ("datetime", "timestamp"):
        return _datetime(column.fraction)
    if kind == "time":
        return _time(column.fraction)
    if kind == "year":
        return _year
    return _text(kind, 2**32, None)


def _wrong(value: Any, kind: str, fix: str = "") -> ValueError:
    return ValueError(f"a {type(value).__name__} for a column of type {kind}{': ' + fix if fix else ''}")


def _integer(bits: int, unsigned: bool) -> Encoder:
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

    def encode(value: Any) -> str:
        if not isinstance(value, int):
            if not isinstance(value, Decimal) or not value.is_finite() or value != value.to_integral_value():
                raise _wrong(value, "integer", "return an int")
            value = int(value)
        if not low <= value <= high:
            raise ValueError(f"a number outside {low} … {high}")
        return "%d" % value

    return encode


def _decimal(precision: int, scale: int, unsigned: bool) -> Encoder:
    limit = 10 ** (precision - scale)
    pattern = f"%d.{'0' * scale}" if scale else "%d"

    def encode(value: Any) -> str:
        if isinstance(value, int):
            if abs(value) >= limit or (unsigned and value < 0):
                raise ValueError(f"a number that decimal({precision},{scale}) cannot hold")
            return pattern % value
        if not isinstance(value, Decimal) or not value.is_finite():
            raise _wrong(value, "decimal", "return a Decimal")
        if value.copy_abs() >= limit or (unsigned and value < 0):  # abs() would round to the context's 28 digits
            raise ValueError(f"a number that decimal({precision},{scale}) cannot hold")
        exponent = value.as_tuple().exponent
        assert isinstance(exponent, int)
        if exponent == -scale:
            return format(value or value.copy_abs(), "f")
        sign, digits, _ = value.as_tuple()
        shift = exponent + scale
        if shift < 0 and any(digits[shift:]):
            raise ValueError(f"a number with more than {scale} digits after the point: round it in the transform")
        shifted = digits + (0,) * shift if shift >= 0 else digits[:shift]
        text = "".join(map(str, shifted)).lstrip("0").rjust(scale + 1, "0")
        text = f"{text[: len(text) - scale]}.{text[len(text) - scale :]}" if scale else text
        return "-" + text if sign and value else text

    return encode


def _float(single: bool, unsigned: bool) -> Encoder:
    kind = "float" if single else "double"

    def encode(value: Any) -> str:
        if isinstance(value, float):
            number = value
        elif isinstance(value, int | Decimal):
            number = float(value)
            if number != value:
                raise ValueError(f"a number that a {kind} cannot hold exactly")
        else:
            raise _wrong(value, kind, "return a float")
        if number != number or number in (float("inf"), float("-inf")):
            raise ValueError("a float that is not a finite number")
        if single and struct.unpack("f", struct.pack("f", number))[0] != number:
            raise ValueError("a number that a float cannot hold exactly: use a double")
        if unsigned and number < 0:
            raise ValueError("a negative number for an unsigned column")
        text = repr(number)
        return text if "e" in text else text + "e0"

    def guarded(value: Any) -> str:
        try:
            return encode(value)
        except OverflowError:
            raise ValueError(f"a number that a {kind} cannot hold") from None

    return guarded


UNWRITABLE: Final = {"cp932": "\u6661"}
"""The one character that both servers replace by another without a word, by their charset's tables."""


def _replaced(charset: str | None) -> ValueError:
    return ValueError(f"a character that the server replaces by another in {charset}: use a column in utf8mb4")


def _text(kind: str, characters: int, charset: str | None) -> Encoder:
    fixed = kind == "char"
    unwritable = UNWRITABLE.get(charset or "")

    def encode(value: Any) -> str:
        if not isinstance(value, str):
            raise _wrong(value, kind, "return a str")
        if len(value) > characters:
            raise ValueError(f"a text of {len(value)} characters for {kind}({characters})")
        if fixed and value.endswith(" "):
            raise ValueError("a text that ends with a space, which a char column does not keep: use a varchar")
        if unwritable is not None and unwritable in value:
            raise _replaced(charset)
        return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"

    return encode


def _lob(kind: str, octets: int, charset: str | None) -> Encoder:
    takes_json = kind in ("json", "longtext")
    bytes_known = charset in (None, "utf8mb4", "utf8mb3")
    unwritable = UNWRITABLE.get(charset or "")

    def encode(value: Any) -> str:
        if isinstance(value, str):
            text = value
            if kind == "json" and isinstance(value, Document):
                if not value.sql:
                    raise ValueError("a document that holds bytes of a column: make them a text in it, as with TO_BASE64")
                return value.sql
        elif takes_json and isinstance(value, dict | list):
            text = compact_json(value)
        elif kind == "json" and isinstance(value, int):
            text = "%d" % value
        else:
            raise _wrong(value, kind, "return a str" + (", a dict or a list" if takes_json else ""))
        if len(text) * 4 > octets and (len(text.encode()) if bytes_known else len(text)) > octets:
            raise ValueError(f"a text of more than {octets} bytes")
        if unwritable is not None and unwritable in text:
            raise _replaced(charset)
        return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"

    return encode


def compact_json(value: Any) -> str:
    """Compact JSON, keys in the given order, characters as they are."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"a value that JSON cannot hold ({error})") from None


def _binary(column: Column) -> Encoder:
    kind, octets = column.type, column.octets

    def encode(value: Any) -> str:
        if not isinstance(value, bytes | bytearray | memoryview):
            raise _wrong(value, kind, "return bytes")
        if octets is not None and len(value) > octets and kind != "vector":
            raise ValueError(f"{len(value)} bytes for {column.full_type}")
        if kind == "binary" and len(value) != octets:
            raise ValueError(f"{len(value)} bytes for {column.full_type}, which would pad them: pad them in the transform")
        return f"x'{value.hex()}'"

    return encode


def _bit(bits: int) -> Encoder:
    def encode(value: Any) -> str:
        if isinstance(value, bytes):
            value = int.from_bytes(value, "big")
        if not isinstance(value, int):
            raise _wrong(value, "bit", "return an int or bytes")
        if not 0 <= value < 1 << bits:
            raise ValueError(f"a number that bit({bits}) cannot hold")
        return "%d" % value

    return encode


def _date(value: Any) -> str:
    if isinstance(value, datetime):
        if value.time() != time():
            raise ValueError("a datetime with a time for a date column: return value.date()")
        value = value.date()
    if isinstance(value, date):
        return f"'{value.isoformat()}'"
    if isinstance(value, str) and _ZERO_DATE.fullmatch(value):
        return f"'{value}'"
    raise _wrong(value, "date", "return a date")


def _datetime(fraction: int) -> Encoder:
    step = 10 ** (6 - fraction)

    def encode(value: Any) -> str:
        if isinstance(value, datetime):
            if value.tzinfo is not None:
                raise ValueError("a datetime with a time zone: return a naive one in UTC")
            if not fraction and not value.microsecond:
                return f"'{value}'"
            if value.microsecond % step:
                raise ValueError(f"a datetime with more than {fraction} digits after the second")
            return f"'{value.replace(microsecond=0)}.{value.microsecond // step:0{fraction}d}'"
        if isinstance(value, date):
            return encode(datetime(value.year, value.month, value.day))
        if isinstance(value, str) and _ZERO_DATETIME.fullmatch(value):
            whole, _, digits = value.partition(".")
            if digits[fraction:].strip("0"):
                raise ValueError(f"a datetime with more than {fraction} digits after the second")
            return f"'{whole}.{digits[:fraction].ljust(fraction, '0')}'" if fraction else f"'{whole}'"
        raise _wrong(value, "datetime", "return a datetime")

    return encode


def _time(fraction: int) -> Encoder:
    step = 10 ** (6 - fraction)

    def encode(value: Any) -> str:
        if isinstance(value, time):
            value = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond)
        if not isinstance(value, timedelta):
            raise _wrong(value, "time", "return a timedelta")
        ticks = (value.days * 86400 + value.seconds) * 1_000_000 + value.microseconds
        sign, ticks = ("-", -ticks) if ticks < 0 else ("", ticks)
        seconds, micro = divmod(ticks, 1_000_000)
        if micro % step:
            raise ValueError(f"a time with more than {fraction} digits after the second")
        text = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        return f"'{text}.{micro // step:0{fraction}d}'" if fraction else f"'{text}'"

    return encode


def _year(value: Any) -> str:
    if not isinstance(value, int):
        raise _wrong(value, "year", "return an int")
    if value != 0 and not 1901 <= value <= 2155:
        raise ValueError("a year outside 1901 … 2155")
    return "%04d" % value


def select_expression(column: Column, quoted_name: str) -> str:
    """How a column is read so that no digit is lost.

    A FLOAT prints six digits unless it is made a DOUBLE; + 0e0 would turn -0 to 0.
    """
    return f"({quoted_name} * 1e0)" if column.type == "float" else quoted_name


def exact_expression(column: Column, quoted_name: str) -> str:
    """As `select_expression`, for readers that know what else a value is besides its text: see `reading.read_rows`."""
    if column.type == "json":
        return select_document(quoted_name)
    if column.type == "enum" and "" in column.members:
        return f"IF({quoted_name} = 0, ' ', {quoted_name})"  # no member ends in a space
    return select_expression(column, quoted_name)


def comparable(column: Column) -> Encoder:
    """The encoder used to compare: JSON, which the server stores in its own form, by its meaning; raises ValueError."""
    if column.type != "json":
        return encoder(column)

    def encode(value: Any) -> str:
        if value is None:
            return "NULL"
        text = value if isinstance(value, str) else compact_json(int(value) if isinstance(value, bool) else value)
        try:
            return json.dumps(json.loads(text, parse_int=_json_integer), ensure_ascii=False, sort_keys=True)
        except (ValueError, RecursionError):
            raise no_json(value) from None

    return encode


def no_json(value: Any) -> ValueError:
    """Says of a value that the server does not take it for JSON."""
    size = f" of {len(value)} characters" if isinstance(value, str) else ""
    return ValueError(f"a {type(value).__name__}{size} that is no JSON to the server: return a dict, a list or a JSON text")


def _json_integer(text: str) -> int | float:
    number = int(text)
    return number if -(2**63) <= number < 2**64 else float(text)
