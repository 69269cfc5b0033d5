"""Compressed parts of the binlog: MySQL's transaction payload, MariaDB's compressed rows and queries."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Any, Final

import zstandard

from replicator.binlog.codes import HEADER_LENGTH
from replicator.binlog.table_map import length_coded
from replicator.errors import Unsupported

_FIELD_METHOD: Final = 2
_FIELD_END: Final = 0
_ZSTD: Final = 0
_PLAIN: Final = 255
_STEP: Final = 1 << 16


def payload_events(event: bytes, end: int) -> Iterator[bytes]:
    """The events inside a transaction payload, one at a time: what is unpacked at once stays small.

    Raises ValueError or zstandard.ZstdError for bytes that are no payload.
    """
    pos = HEADER_LENGTH
    method = -1
    while True:
        field, pos = length_coded(event, pos)
        if field == _FIELD_END:
            break
        length, pos = length_coded(event, pos)
        if field == _FIELD_METHOD:
            method, _ = length_coded(event, pos)
        pos += length
    body = memoryview(event)[pos:end]
    if method == _PLAIN:
        reader = io.BufferedReader(io.BytesIO(body))
    elif method == _ZSTD:
        unpacked: Any = zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True)
        reader = io.BufferedReader(unpacked, _STEP)
    else:
        raise Unsupported(f"a transaction in the binlog is compressed by method {method}, which is not known here.")
    while header := reader.read(HEADER_LENGTH):
        size = int.from_bytes(header[9:13], "little") - HEADER_LENGTH
        inner = header + reader.read(max(size, 0))
        if size < 0 or len(inner) < HEADER_LENGTH + size:
            raise ValueError("a compressed transaction ends inside an event")
        yield inner


def inflate(data: bytes) -> bytes:
    """MariaDB's compressed body: method and length's width, the length, zlib data. Raises ValueError or zlib.error."""
    width = data[0] & 7
    size = int.from_bytes(data[1 : 1 + width], "big")
    plain = zlib.decompress(data[1 + width :], bufsize=size or 1)
    if len(plain) != size:
        raise ValueError(f"a compressed event has {len(plain)} bytes instead of {size}")
    return plain
