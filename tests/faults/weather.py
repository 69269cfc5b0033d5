"""A bad network: what a proxy delays, halves, cuts or damages."""

from __future__ import annotations

import random
import time

from tests.proxy import Line


class Storm:
    """Delays, halves and cuts at random, in both directions; counts what it did."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.delayed = self.halved = self.cut = 0

    def __call__(self, _line: Line, data: bytes) -> bytes | None:
        chance = self._chance.random()
        if chance < 0.03:
            self.cut += 1
            return None
        if chance < 0.06 and len(data) > 1:
            self.halved += 1
            return data[: len(data) // 2]
        if chance < 0.15:
            self.delayed += 1
            time.sleep(0.03)
        return data

    @property
    def enough(self) -> bool:
        """Whether there was some of everything."""
        return min(self.delayed, self.halved, self.cut) >= 3


class Damage:
    """Changes a byte in each event of the binlog that holds `text`, as many times as it is told to."""

    def __init__(self, text: bytes, times: int) -> None:
        self._text = text
        self.left = times

    def __call__(self, line: Line, data: bytes) -> bytes:
        place = data.find(self._text) if line.dumps and self.left else -1
        if place < 0:
            return data
        self.left -= 1
        return data[:place] + bytes((data[place] ^ 0x20,)) + data[place + 1 :]


class Lengths:
    """Changes the length of each packet of the binlog that holds `text`, as many times as it is told to."""

    def __init__(self, text: bytes, times: int) -> None:
        self._text = text
        self._ahead: dict[int, int] = {}
        """Line → bytes until its next packet begins."""
        self.left = times

    def __call__(self, line: Line, data: bytes) -> bytes:
        if not line.dumps:
            return data
        passed, place = bytearray(data), self._ahead.get(id(line), 0)
        while 0 <= place <= len(data) - 4:
            end = place + 4 + int.from_bytes(data[place : place + 3], "little")
            if self.left and self._text in data[place:end]:
                self.left -= 1
                passed[place + 2] ^= 0x40  # 4 MB
            place = end
        self._ahead[id(line)] = place - len(data)
        return bytes(passed)
