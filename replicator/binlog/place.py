"""Where in the source's binlog the stream stands, and whether what stands there arrived undamaged."""

from __future__ import annotations

import re
import zlib
from typing import Final

from replicator.binlog.codes import ARTIFICIAL_FLAG, HEADER_LENGTH, EventType

_CRC_RESIDUE: Final = 0x2144DF1C
"""The CRC32 of any bytes that are followed by their own CRC32."""
_FILE: Final = re.compile(rb"\.[0-9]+\Z")
_VERSION: Final = b"\4\0"
"""Of the format that all binlogs since MySQL 5.0 have."""
WRAP: Final = 1 << 32

MADE_BY_DUMP: Final = frozenset((EventType.FORMAT_DESCRIPTION, EventType.ROTATE, EventType.HEARTBEAT))
"""Events that the dump thread makes, or changes: their checksum needs a closer look."""


class Damaged(Exception):
    """An event's checksum does not fit."""


class Place:
    """File and offset behind the last event, in 64 bits."""

    __slots__ = ("_checksum", "file", "offset")

    def __init__(self, file: str, offset: int) -> None:
        self.file = file
        self.offset = offset
        self._checksum = False

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"

    def follow(self, event: bytes) -> int:
        """Check the event and move behind it; where its body ends. Raises Damaged."""
        end = len(event)
        if event[4] in MADE_BY_DUMP:
            return self._follow_dump(event)
        if self._checksum:
            if zlib.crc32(event) != _CRC_RESIDUE:
                raise Damaged
            end -= 4
        # The header's offset has 32 bits: behind 4 GiB it starts again.
        low = int.from_bytes(event[13:17], "little")
        if low and not event[17] & ARTIFICIAL_FLAG:
            self.offset += (low - self.offset) % WRAP
        return end

    def _follow_dump(self, event: bytes) -> int:
        end = len(event)
        if event[4] != EventType.FORMAT_DESCRIPTION:
            # A rotate event possibly from before the file's format is known: with a checksum, if it has one.
            whole = zlib.crc32(event) == _CRC_RESIDUE
            if self._checksum and not whole and (event[4] == EventType.HEARTBEAT or is_written(event)):
                raise Damaged  # or it is none: one bit makes a heartbeat of rows
            end -= 4 if whole else 0
            if event[4] == EventType.ROTATE and not _FILE.search(event, HEADER_LENGTH + 8, end):
                raise Damaged  # what follows the name is a checksum that does not fit
            return end
        if event[HEADER_LENGTH : HEADER_LENGTH + 2] != _VERSION or event[-5] > 1:
            raise Damaged
        self._checksum = event[-5] == 1
        checked = event[:17] + bytes((event[17] & 0xFE,)) + event[18:]  # "in use" is set after the checksum was taken
        if self._checksum and zlib.crc32(checked) != _CRC_RESIDUE:
            raise Damaged
        if is_written(event):
            self.offset += (int.from_bytes(event[13:17], "little") - self.offset) % WRAP
        return end - 4 if self._checksum else end

    def rotate(self, event: bytes, end: int) -> bool:
        """Go where a rotate event says; whether that is another file."""
        before = self.file
        self.offset = int.from_bytes(event[HEADER_LENGTH : HEADER_LENGTH + 8], "little")
        self.file = event[HEADER_LENGTH + 8 : end].decode()
        return self.file != before

    def advance(self, event: bytes, end: int) -> bool:
        """Go where a heartbeat says that the dump has come; whether that is further on."""
        if event[HEADER_LENGTH:end] != self.file.encode() or not is_written(event):
            return False
        before = self.offset
        self.offset += (int.from_bytes(event[13:17], "little") - before) % WRAP
        return self.offset > before


def is_written(event: bytes) -> bool:
    """Whether the event stands in the binlog: the dump thread makes some up, or sends them again from elsewhere."""
    return event[13:17] != b"\0\0\0\0" and not event[17] & ARTIFICIAL_FLAG
