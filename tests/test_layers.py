"""Imports point downwards: a package knows those below it, and none of them knows what brings all together."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import replicator

ROOT = Path(replicator.__file__).parent
BELOW = {
    "mysql": set[str](),
    "binlog": {"mysql"},
    "transform": {"mysql"},
    "apply": {"mysql", "binlog", "transform"},
    "copy": {"mysql", "binlog", "transform"},
    "reverse": {"mysql", "transform", "apply"},
    "verify": {"mysql", "binlog", "transform", "apply", "reverse"},
    "cutover": {"mysql", "binlog", "transform"},
    "preflight": {"mysql", "binlog", "transform", "reverse", "cutover"},
    "observe": set[str](),
}
"""Package → the packages that it may import, which stand in front of it."""
ABOVE = {"cli", "commands", "daemon", "migration", "process", "views"}
"""Modules that bring all together."""


def imported(file: Path) -> Iterator[str]:
    """The first name behind `replicator` of each module that it imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "replicator":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("replicator."):
            yield str(node.module).split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("replicator."))


@pytest.mark.parametrize("package", BELOW)
def test_packages_know_only_those_below_them(package: str) -> None:
    known = {name: file.name for file in (ROOT / package).rglob("*.py") for name in imported(file)}
    assert not (known.keys() & (BELOW.keys() | ABOVE)) - BELOW[package] - {package}, known


def test_every_package_has_its_place() -> None:
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == {*BELOW, "demo"}


def test_there_are_no_circles() -> None:
    packages = list(BELOW)
    assert all(BELOW[package] <= set(packages[:place]) for place, package in enumerate(packages))
