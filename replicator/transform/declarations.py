"""The words that a migration is written in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from replicator.errors import TransformDeclarationError

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Const:
    """A key column that has the same value in every target row of a transform."""

    value: str | int


@dataclass(frozen=True, slots=True)
class Related:
    """Rows of another source table that belong to a row, as `one` and `many` declare them."""

    kind: Literal["one", "many"]
    table: str
    where: tuple[tuple[str, str], ...]
    """(column of `table`, column of the row — or `name.column` of another related row)."""
    order_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transform:
    """One function (or a copy by names) from a source table to a target table."""

    target: str
    source: str
    place: str
    function: Callable[..., Any] | None = None
    """None: columns are copied by name."""
    related: Mapping[str, Related] = field(default_factory=dict)
    group_by: tuple[str, ...] = ()
    key: tuple[tuple[str, str | Const], ...] | None = None
    """(target column, source column or Const); None: the target's primary key, columns of the same names."""
    rename: Mapping[str, str] = field(default_factory=dict)
    omit: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.target if self.source == self.target else f"{self.target} (from {self.source})"


@dataclass(frozen=True, slots=True)
class Inverse:
    """The way back: a target row to the source columns that it owns."""

    target: str
    place: str
    function: Callable[..., Any]
    related: Mapping[str, Related]
    part_of: tuple[str, ...] = ()
    """Source tables whose rows belong to another target table: this one only fills columns of them."""


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A source table that is dropped (moved to the archive) or kept (left where it is), and why."""

    table: str
    reason: str
    place: str


@dataclass(frozen=True, slots=True)
class LegacyView:
    """A name of the old schema that old code goes on reading after the cutover, as a query on the new tables."""

    name: str
    query: str
    place: str


@dataclass(slots=True)
class Declarations:
    """All that the files of a migration declare, in order."""

    transforms: list[Transform] = field(default_factory=list)
    inverses: list[Inverse] = field(default_factory=list)
    dropped: list[Unmapped] = field(default_factory=list)
    kept: list[Unmapped] = field(default_factory=list)
    views: list[LegacyView] = field(default_factory=list)


_collecting: ContextVar[Declarations | None] = ContextVar("declarations", default=None)


def collecting() -> Declarations:
    """Where declarations go now: what `load` reads, or nowhere when a file is imported by hand."""
    return _collecting.get() or Declarations()


def _place() -> str:
    frame = sys._getframe(2)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def const(value: str | int) -> Const:
    """A constant part of a `key`."""
    return Const(value)


def one(table: str, *, where: Mapping[str, str]) -> Related:
    """The row of `table` whose columns equal those of the row, or None. `where`: column of `table` → column of the row."""
    return Related("one", table, _where(table, where))


def many(table: str, *, where: Mapping[str, str], order_by: Sequence[str] = ()) -> Related:
    """All rows of `table` whose columns equal those of the row, ordered by `order_by`, ties by their primary key."""
    return Related("many", table, _where(table, where), tuple(order_by))


def _where(table: str, where: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if not where:
        raise TransformDeclarationError(f'{_place()}: a related row of "{table}" needs where={{column: column}}')
    return tuple(where.items())


def transform(
    target: str,
    *,
    source: str | None = None,
    related: Mapping[str, Related] | None = None,
    group_by: Sequence[str] = (),
    key: Mapping[str, str | Const] | None = None,
) -> Callable[[Function], Function]:
    """Declare the function that makes target rows of source rows.

    It gets the source row (with `group_by`: the list of the group's rows in primary key order) and each related row or
    list by name, and returns a dict (one target row), a list of dicts, or None. It must be pure.
    """
    if isinstance(group_by, str):
        raise TransformDeclarationError(f'{_place()}: group_by takes a list: group_by=["{group_by}"]')

    def declare(function: Function) -> Function:
        code = getattr(function, "__code__", None)
        place = f"{code.co_filename}:{code.co_firstlineno}" if code else "?"
        collecting().transforms.append(
            Transform(
                target=target,
                source=source or target,
                place=place,
                function=function,
                related=dict(related or {}),
                group_by=tuple(group_by),
                key=tuple(key.items()) if key is not None else None,
            )
        )
        return function

    return declare


def inverse(
    target: str, *, related: Mapping[str, Related] | None = None, part_of: Sequence[str] = ()
) -> Callable[[Function], Function]:
    """Declare the way back of a target table; `copy_table` has one by itself.

    The function gets a target row (and related target rows, declared as for a transform) and says what the source would
    hold of it: a dict of columns of the transform's source table, a list of `(table, dict)` pairs, or None. It must be pure.

    What it says of a row before and after a change is compared, and only the difference is written: columns that it does not
    name, and those of which it says the same as before, keep their value. A pair that names the whole primary key of its
    table is a row, inserted and deleted with the target row. Any other pair is an element of a set: it stands there, once or
    more often, as long as the target row says so.

    `part_of`: source tables whose rows are those of another target table. When a row of this one goes, the columns that it
    named become NULL, or their default, and the source row stays.
    """
    if isinstance(part_of, str):
        raise TransformDeclarationError(f'{_place()}: part_of takes a list: part_of=["{part_of}"]')

    def declare(function: Function) -> Function:
        code = getattr(function, "__code__", None)
        place = f"{code.co_filename}:{code.co_firstlineno}" if code else "?"
        collecting().inverses.append(Inverse(target, place, function, dict(related or {}), tuple(part_of)))
        return function

    return declare


def copy_table(
    source: str, *, target: str | None = None, rename: Mapping[str, str] | None = None, omit: Sequence[str] = ()
) -> None:
    """Copy a table by column names. `rename`: source column → target column; `omit`: source columns left out."""
    collecting().transforms.append(
        Transform(
            target=target or source,
            source=source,
            place=_place(),
            rename=dict(rename or {}),
            omit=tuple(omit),
        )
    )


def drop_table(table: str, *, reason: str) -> None:
    """The table is not part of the new schema: it moves to the archive at the cutover."""
    collecting().dropped.append(Unmapped(table, reason, _place()))


def keep_table(table: str, *, reason: str) -> None:
    """The table stays where it is, untouched, also at the cutover."""
    collecting().kept.append(Unmapped(table, reason, _place()))


def legacy_view(name: str, query: str) -> None:
    """After the cutover old code reads `name` as this SELECT on the new tables, which stand beside it: name them without
    their database. The view has the rights of whoever reads it, and cannot be written to. A rollback takes it away again."""
    collecting().views.append(LegacyView(name, query.strip().rstrip(";"), _place()))
