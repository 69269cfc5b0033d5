"""Decisions out of bytes: any bytes are a history, and fewer or smaller ones are a simpler history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Choice = TypeVar("Choice")


class Draw:
    """Reads one byte a decision; behind the last one every decision is the first."""

    def __init__(self, data: bytes) -> None:
        self._data = data.rstrip(b"\0")
        self._place = 0

    @property
    def over(self) -> bool:
        """Whether nothing is left to decide."""
        return self._place >= len(self._data)

    def below(self, limit: int) -> int:
        """A number."""
        if self.over:
            return 0
        self._place += 1
        return self._data[self._place - 1] % limit

    def of(self, choices: Sequence[Choice]) -> Choice:
        """One of them."""
        return choices[self.below(len(choices))]
