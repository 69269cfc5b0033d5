"""Executed transactions: MySQL's set `uuid:1-65:tag:1-3,…`, and MariaDB's `domain-server-sequence` per domain."""

from __future__ import annotations

import struct
from bisect import bisect_right
from typing import Final
from uuid import UUID

_TAGGED: Final = 1


class MysqlGtidSet:
    """A mutable set of MySQL transactions. Adding the next one of a source and rendering the set cost little."""

    __slots__ = ("_hot", "_intervals", "_prefix", "_suffix")

    def __init__(self, text: str = "") -> None:
        """Raises ValueError for text that is not a set of GTIDs."""
        self._intervals: dict[tuple[str, str], list[list[int]]] = {}
        self._hot: list[int] | None = None
        """The interval that grew last: all else of the text is kept in `_prefix` and `_suffix`."""
        self._prefix = self._suffix = ""
        for part in text.split(","):
            uuid, *tokens = (token.strip().lower() for token in part.split(":"))
            if not uuid and not tokens:
                continue
            if not tokens:
                raise ValueError(f"{part.strip()!r} names no transaction")
            tag = ""
            for token in tokens:
                if token[:1].isdigit():
                    first, _, last = token.partition("-")
                    self._add_interval(str(UUID(uuid)), tag, int(first), int(last or first))
                else:
                    tag = token

    def add(self, uuid: str, number: int, tag: str = "") -> None:
        """Add one transaction. `uuid` is written in lower case with hyphens."""
        intervals = self._intervals.get((uuid, tag))
        if intervals and intervals[-1][1] + 1 == number:
            interval = intervals[-1]
            interval[1] = number
            if interval is not self._hot or interval[0] + 1 == number:  # `5` becomes `5-6`: another form
                self._heat(interval)
        else:
            self._add_interval(uuid, tag, number, number)
            self._hot = None

    def update(self, other: MysqlGtidSet) -> None:
        """Add every transaction of `other`."""
        for (uuid, tag), intervals in other._intervals.items():
            for first, last in intervals:
                self._add_interval(uuid, tag, first, last)
        self._hot = None

    def contains(self, uuid: str, number: int, tag: str = "") -> bool:
        """Whether the set holds this transaction."""
        intervals = self._intervals.get((uuid, tag), [])
        index = bisect_right(intervals, number, key=lambda interval: interval[0]) - 1
        return index >= 0 and number <= intervals[index][1]

    def issubset(self, other: MysqlGtidSet) -> bool:
        """Whether `other` holds every transaction of this set."""
        for key, intervals in self._intervals.items():
            held = other._intervals.get(key, [])
            for first, last in intervals:
                index = bisect_right(held, first, key=lambda interval: interval[0]) - 1
                if index < 0 or last > held[index][1]:
                    return False
        return True

    def encode(self) -> bytes:
        """As COM_BINLOG_DUMP_GTID takes it: with tags only where there are any, so that older servers read it."""
        tagged = any(tag for _, tag in self._intervals)
        count = len(self._intervals)
        parts = [struct.pack("<Q", _TAGGED << 56 | count << 8 | _TAGGED if tagged else count)]
        for (uuid, tag), intervals in sorted(self._intervals.items()):
            parts.append(UUID(uuid).bytes)
            if tagged:
                # A length of the serialization library's variable kind: 7 bits and a zero bit below.
                parts.append(bytes([len(tag) << 1]) + tag.encode())
            parts.append(struct.pack("<Q", len(intervals)))
            parts.extend(struct.pack("<QQ", first, last + 1) for first, last in intervals)
        return b"".join(parts)

    @classmethod
    def decode(cls, data: bytes) -> MysqlGtidSet:
        """The set of what `encode` makes, which is also the body of the binlog's previous-GTIDs event."""
        found = cls()
        count = int.from_bytes(data[:8], "little")
        tagged = count >> 56 == _TAGGED
        if tagged:
            count = count >> 8 & (1 << 48) - 1
        pos = 8
        for _ in range(count):
            uuid, tag = str(UUID(bytes=data[pos : pos + 16])), ""
            pos += 16
            if tagged:
                length = data[pos] >> 1
                tag = data[pos + 1 : pos + 1 + length].decode()
                pos += 1 + length
            (intervals,) = struct.unpack_from("<Q", data, pos)
            pos += 8
            for first, stop in struct.iter_unpack("<QQ", data[pos : pos + 16 * intervals]):
                found._add_interval(uuid, tag, first, stop - 1)
            pos += 16 * intervals
        return found

    def __str__(self) -> str:
        if self._hot is not None:
            return f"{self._prefix}{self._hot[1]}{self._suffix}"
        return self._render(None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MysqlGtidSet) and self._intervals == other._intervals

    __hash__ = None  # type: ignore[assignment]

    def _heat(self, interval: list[int]) -> None:
        self._prefix, self._suffix = self._render(interval).split("*")
        self._hot = interval

    def _render(self, open_interval: list[int] | None) -> str:
        """The set as the server writes it, with `*` for the end of `open_interval`."""
        by_uuid: dict[str, list[str]] = {}
        for (uuid, tag), intervals in sorted(self._intervals.items()):
            tokens = by_uuid.setdefault(uuid, [uuid])
            if tag:
                tokens.append(tag)
            for interval in intervals:
                first, last = interval
                if interval is open_interval:
                    tokens.append(f"{first}-*")
                else:
                    tokens.append(str(first) if first == last else f"{first}-{last}")
        return ",".join(":".join(tokens) for tokens in by_uuid.values())

    def _add_interval(self, uuid: str, tag: str, first: int, last: int) -> None:
        if first < 1 or last < first:
            raise ValueError(f"{uuid}:{first}-{last} is no interval of transactions")
        merged: list[list[int]] = []
        for low, high in sorted([*self._intervals.get((uuid, tag), []), [first, last]]):
            if merged and low <= merged[-1][1] + 1:
                merged[-1][1] = max(merged[-1][1], high)
            else:
                merged.append([low, high])
        self._intervals[uuid, tag] = merged


class MariadbGtidPosition:
    """The last transaction of each of MariaDB's replication domains."""

    __slots__ = ("_last",)

    def __init__(self, text: str = "") -> None:
        """Raises ValueError for text that is not a list of GTIDs."""
        self._last: dict[int, tuple[int, int]] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            domain, server, sequence = (int(number) for number in part.split("-"))
            self._last[domain] = (server, sequence)

    def add(self, domain: int, server: int, sequence: int) -> None:
        """Move the domain on to this transaction."""
        self._last[domain] = (server, sequence)

    def contains(self, domain: int, sequence: int) -> bool:
        """Whether the domain has reached this transaction."""
        return domain in self._last and self._last[domain][1] >= sequence

    def issubset(self, other: MariadbGtidPosition) -> bool:
        """Whether `other` has reached every domain's transaction of this position."""
        return all(other.contains(domain, sequence) for domain, (_, sequence) in self._last.items())

    @classmethod
    def decode(cls, data: bytes) -> MariadbGtidPosition:
        """The position in a GTID-list event's body. Of one domain's servers, the last one listed is the latest."""
        found = cls()
        count = int.from_bytes(data[:4], "little") & (1 << 28) - 1  # flags above
        for domain, server, sequence in struct.iter_unpack("<IIQ", data[4 : 4 + 16 * count]):
            found.add(domain, server, sequence)
        return found

    def __str__(self) -> str:
        return ",".join([f"{domain}-{server}-{sequence}" for domain, (server, sequence) in sorted(self._last.items())])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MariadbGtidPosition) and self._last == other._last

    __hash__ = None  # type: ignore[assignment]
