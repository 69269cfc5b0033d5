"""What an installed replicator has to bring along."""

from __future__ import annotations

import tomllib
from pathlib import Path

from replicator.demo import askproai_folder

PROJECT = Path(__file__).parents[2]


def test_the_shipped_migration_is_found_in_a_checkout() -> None:
    for part in ("transforms", "schema/source", "schema/target"):
        assert any((askproai_folder() / part).iterdir())


def test_the_shipped_migration_is_packed_where_it_is_looked_for() -> None:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    packed = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["sources"]
    assert packed == {part: f"replicator/demo/askproai/{part}" for part in ("transforms", "schema")}
