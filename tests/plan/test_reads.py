"""The columns that a function is found to read are never too few."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from replicator.transform.reads import columns_read


def the_one_before(rows: Any) -> Any:
    before, first = None, None
    for row in rows:
        if first is not None:
            yield first.d
        if before is not None:
            yield before.b, getattr(row, "c")  # noqa: B009
            first = before
        before = row.a and row


def a_name_bound_further_down(rows: Any) -> Any:
    last = two = None
    found = []
    for row in rows:
        if two is not None:
            found.append(two.far)
        two = last
        if last is not None:
            found.append(last.near)
        last = row
    return found


def a_loop_in_a_loop(rows: Any) -> Any:
    last = None
    while last is None or last.more:
        for row in rows:
            last = row
    return last.id


def decorating(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def decorated(row: Any) -> Any:
        return function(row) if row.deleted_at is None else None

    return decorated


@decorating
def decorated(row: Any) -> Any:
    return row.id


def test_names_that_a_loop_binds_later() -> None:
    assert columns_read(a_name_bound_further_down, {"rows": True}) == {"rows": frozenset({"far", "near"})}
    assert columns_read(a_loop_in_a_loop, {"rows": True}) == {"rows": frozenset({"more", "id"})}
    assert columns_read(the_one_before, {"rows": True}) == {"rows": None}  # the row is handed on


def test_what_a_decorator_reads() -> None:
    assert columns_read(decorated, {"row": False}) == {"row": None}
