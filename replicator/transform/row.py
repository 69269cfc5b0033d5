"""The row that a transform function sees: a tuple whose values are read by column name."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any, ClassVar


class Row(tuple[Any, ...]):
    """An immutable row; `row.name` and `row["name"]`."""

    __slots__ = ()
    __origin__: ClassVar[str] = ""
    __places__: ClassVar[dict[str, int]] = {}

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            try:
                return tuple.__getitem__(self, self.__places__[key])
            except KeyError:
                raise KeyError(f'table "{self.__origin__}" has no column "{key}"') from None
        return tuple.__getitem__(self, key)


def row_class(table: str, columns: Sequence[str]) -> type[Row]:
    """A Row type for the columns, in the order in which the tuples carry them."""
    # A named tuple reads a field in C, eight times as fast as a property does; a column may have any name, a field not.
    fields = [f"c{place}" for place in range(len(columns))]
    shape = namedtuple("shape", fields)  # type: ignore[misc]  # noqa: PYI024
    names = {name: shape.__dict__[field] for field, name in zip(fields, columns, strict=True) if not name.startswith("__")}
    index = {name: place for place, name in enumerate(columns)}
    # The type's name stands in the message of an AttributeError.
    return type(f"row of {table}", (Row,), {**names, "__slots__": (), "__origin__": table, "__places__": index})
