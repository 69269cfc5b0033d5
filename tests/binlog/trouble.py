"""A network that fails at a certain byte."""

from __future__ import annotations

from dataclasses import dataclass

from tests.proxy import Line


@dataclass
class AtByte:
    """Counts what the server sends through a proxy, and ends the line behind a byte or damages one."""

    cut_after: int | None = None
    flip_at: int | None = None
    sent: int = 0

    def __call__(self, line: Line, data: bytes) -> bytes:
        if not line.down:
            return data
        begin, self.sent = self.sent, self.sent + len(data)
        if self.flip_at is not None and begin <= self.flip_at < self.sent:
            place = self.flip_at - begin
            data = data[:place] + bytes((data[place] ^ 0x20,)) + data[place + 1 :]
        return data if self.cut_after is None else data[: max(0, self.cut_after - begin)]
