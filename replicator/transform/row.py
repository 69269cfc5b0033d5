"""The row that a transform function sees: a tuple whose values are read by column name."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NoReturn


class Row(tuple[Any, ...]):
    """An immutable row; `row.name` and `row["name"]`."""

    __slots__ = ()
    _table = ""
    _index: dict[str, int] = {}

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            try:
                return tuple.__getitem__(self, self._index[key])
            except KeyError:
                raise KeyError(f'table "{self._table}" has no column "{key}"') from None
        return tuple.__getitem__(self, key)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f'table "{self._table}" has no column "{name}"')


def row_class(table: str, columns: Sequence[str]) -> type[Row]:
    """A Row type for the columns, in the order in which the tuples carry them."""
    names: dict[str, Any] = {
        name: property(itemgetter(index)) for index, name in enumerate(columns) if not name.startswith("__")
    }
    index = {name: place for place, name in enumerate(columns)}
    return type("Row", (Row,), {**names, "__slots__": (), "_table": table, "_index": index})
