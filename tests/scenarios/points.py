"""The points of points.toml, the scenarios and tests that cover each, and docs/failures.md, which is made of them."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios.case import FOLDER, Case, cases

ROOT = FOLDER.parents[1]
PAGE = ROOT / "docs/failures.md"
COUNT = 80

_HEAD = """\
# What goes wrong elsewhere

Each line is a way in which a tool of this kind has lost data, stood still or lied. Behind it stand the tests that fail here
without what prevents it: scenarios are folders of `tests/scenarios`, whole migrations under traffic on both flavours (see
[testing](testing.md)); the others are tests of one part. What is not covered is said in bold.

This page is written by `python -m tests.scenarios --write`; a test keeps it up to date, and every test named here there.
"""


@dataclass(frozen=True)
class Point:
    """One of them."""

    number: int
    group: str
    what: str
    tests: tuple[str, ...]
    """Outside of this folder, as pytest names them."""
    open: str
    """What nothing covers; "" where nothing is known to be left out."""


def points() -> list[Point]:
    """All, by number."""
    raw = tomllib.loads((FOLDER / "points.toml").read_text(encoding="utf-8"))
    return [
        Point(point["number"], group["title"], point["what"], tuple(point["tests"]), point.get("open", ""))
        for group in raw["group"]
        for point in group["point"]
    ]


def exists(test: str) -> bool:
    """Whether there is a test of this name."""
    file, _, name = test.partition("::")
    path = ROOT / file
    if not path.exists():
        return False
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def page() -> str:
    """docs/failures.md."""
    known = cases()
    lines = [_HEAD]
    group = ""
    for point in points():
        if point.group != group:
            group = point.group
            lines.append(f"\n## {group}\n\n| | | covered by |\n| --- | --- | --- |\n")
        lines.append(f"| {point.number} | {point.what} | {_covered(point, known)} |\n")
    lines.append("\n## Schema changes of the source\n\n| scenario | |\n| --- | --- |\n")
    lines += [f"| {_link(case)} | {case.about} |\n" for case in known if case.name.startswith("ddl-")]
    return "".join(lines)


def uncovered(known: Sequence[Case]) -> list[int]:
    """Points without any test."""
    shown = {number for case in known for number in case.covers}
    return [point.number for point in points() if point.number not in shown and not point.tests]


def _covered(point: Point, known: Sequence[Case]) -> str:
    parts = [_link(case) for case in known if point.number in case.covers]
    parts += [f"[{_short(test)}](../{test.partition('::')[0]})" for test in point.tests]
    if not parts:
        parts = ["**not covered yet**"]
    if point.open:
        parts.append(f"**not covered: {point.open[0].lower()}{point.open[1:].removesuffix('.')}**")
    return "; ".join(parts)


def _link(case: Case) -> str:
    return f"[{case.name}](../tests/scenarios/{case.name})"


def _short(test: str) -> str:
    """`tests/copy/test_keys.py::test_all` as `copy: all`."""
    file, _, name = test.partition("::")
    return f"{Path(file).parent.name}: {name.removeprefix('test_').replace('_', ' ')}"
