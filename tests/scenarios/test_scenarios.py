"""Every folder here is a migration that has to end as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.case import Case, cases
from tests.scenarios.life import live

RUNS = [(case, flavour) for case in cases() for flavour in case.flavours]


@pytest.mark.parametrize(("case", "flavour"), RUNS, ids=[f"{case.name}-{flavour}" for case, flavour in RUNS])
def test_scenario(case: Case, flavour: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The migration goes through, or stops, as the folder's expect.toml says."""
    live(case, request.getfixturevalue(flavour), tmp_path)
