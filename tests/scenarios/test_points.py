"""docs/failures.md claims what is there, and nothing else."""

from __future__ import annotations

from tests.scenarios.case import cases
from tests.scenarios.points import COUNT, PAGE, exists, page, points, uncovered

NOT_COVERED: list[int] = []
"""Points that no test covers, which the page says in bold."""


def test_every_point_is_there_once() -> None:
    assert [point.number for point in points()] == list(range(1, COUNT + 1))


def test_scenarios_name_points_that_there_are() -> None:
    assert not [case.name for case in cases() if not set(case.covers) <= set(range(1, COUNT + 1))]


def test_every_test_that_is_named_exists() -> None:
    assert not [test for point in points() for test in point.tests if not exists(test)]


def test_what_is_not_covered_is_known() -> None:
    assert uncovered(cases()) == NOT_COVERED


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.scenarios --write`"
