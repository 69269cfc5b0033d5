"""Migrations for the checks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from replicator.demo.servers import Server
from tests.preflight.migrations import SOURCE, TARGET, TRANSFORMS, Migration


@pytest.fixture
def build(tmp_path: Path, database: Callable[..., str]) -> Callable[..., Migration]:
    """Creates migrations: `build(server, source=…, target=…, transforms=…)`, by default one that passes every check."""

    def build(server: Server, source: str = SOURCE, target: str = TARGET, transforms: str = TRANSFORMS) -> Migration:
        migration = Migration(tmp_path, server, database(server, "shop"), database(server, "shop_new"))
        (tmp_path / "transforms").mkdir()
        migration.transforms(transforms)
        migration.in_source(source)
        migration.in_target(target)
        return migration

    return build


@pytest.fixture
def migration(build: Callable[..., Migration], server: Server) -> Migration:
    """A migration that passes every check, on each server."""
    return build(server)
