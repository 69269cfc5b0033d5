"""What a mutant is, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from unittest.mock import patch

Patch = tuple[object, str, object]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault. `silent`: it only shows where foreign keys act without a word in the binlog."""

    name: str
    silent: bool
    patches: Callable[[], Sequence[Patch]]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The engine has the fault inside."""
        with ExitStack() as stack:
            for place, name, value in self.patches():
                stack.enter_context(patch.object(place, name, value))
            yield


MUTANTS: list[Mutant] = []


def mutant(name: str, *, silent: bool = False) -> Callable[[Callable[[], Sequence[Patch]]], None]:
    """Enter a fault into the table."""

    def enter(patches: Callable[[], Sequence[Patch]]) -> None:
        MUTANTS.append(Mutant(name, silent, patches))

    return enter
