"""MySQL's GTID event with a tag, the only one that is written by the server's serialization library.

Format: libs/mysql/serialization and Gtid_event::define_fields in MySQL 8.3 and later. A message is its format version,
its size, the last field that may not be ignored, and fields, each behind its number. An unsigned integer is one to nine
bytes, lowest first: as many ones as bytes follow, a zero, then the value.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

_FLAGS: Final = 0
_UUID: Final = 1
_NUMBER: Final = 2
_TAG: Final = 3
_LAST_COMMITTED: Final = 4
_SEQUENCE: Final = 5
_IMMEDIATE_COMMIT: Final = 6


def _unsigned(data: bytes, pos: int) -> tuple[int, int]:
    first = data[pos]
    extra = 0
    while extra < 8 and first >> extra & 1:
        extra += 1
    value = int.from_bytes(data[pos : pos + 1 + extra], "little") >> min(extra + 1, 8)
    return value, pos + 1 + extra


def _signed(data: bytes, pos: int) -> tuple[int, int]:
    value, pos = _unsigned(data, pos)
    return (~(value >> 1) if value & 1 else value >> 1), pos


def parse_tagged_gtid(body: bytes) -> tuple[str, str, int, float]:
    """UUID, tag, number and seconds since the epoch of the commit. Raises ValueError or IndexError for other bytes."""
    _version, pos = _unsigned(body, 0)
    _size, pos = _unsigned(body, pos)
    _last, pos = _unsigned(body, pos)
    uuid, tag, number, microseconds = "", "", 0, 0
    while pos < len(body):
        field, pos = _unsigned(body, pos)
        if field == _UUID:
            raw = bytearray()
            for _ in range(16):
                byte, pos = _unsigned(body, pos)
                raw.append(byte)
            uuid = str(UUID(bytes=bytes(raw)))
        elif field == _TAG:
            length, pos = _unsigned(body, pos)
            tag = body[pos : pos + length].decode()
            pos += length
        elif field in (_NUMBER, _LAST_COMMITTED, _SEQUENCE):
            value, pos = _signed(body, pos)
            if field == _NUMBER:
                number = value
        elif field == _FLAGS:
            _, pos = _unsigned(body, pos)
        elif field == _IMMEDIATE_COMMIT:
            microseconds, pos = _unsigned(body, pos)
        else:
            break
    if not uuid or number < 1:
        raise ValueError("a GTID event names no transaction")
    return uuid, tag, number, microseconds / 1e6
