"""The promise, on other schemas than the one that ships, against plain SQL: see docs/testing.md."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ServerPair
from tests.differential.run import NAMES, Round, run_once, run_round

SEED = int(os.environ.get("DIFFERENTIAL_SEED", "1"))
"""Of the first round."""
SEEDS = int(os.environ.get("DIFFERENTIAL_SEEDS", "1"))
"""Rounds of each schema."""
KILLS = int(os.environ.get("DIFFERENTIAL_KILLS", "42"))
"""Of each round: the six schemas make more than five hundred on both flavours."""
CHECKPOINTS = int(os.environ.get("DIFFERENTIAL_CHECKPOINTS", "12"))
"""Of each round, at least."""
RATE = float(os.environ.get("DIFFERENTIAL_RATE", "40"))
"""Transactions a second."""


@pytest.mark.cross
def test_smoke(server_pair: ServerPair, tmp_path: Path) -> None:
    """A copy under traffic that proves itself, between all pairs of servers."""
    print(run_once(Round("ledger", server_pair.source, server_pair.target, SEED, 0, 1, RATE), tmp_path))


@pytest.mark.slow
@pytest.mark.timeout(120 + 10 * KILLS + 2 * CHECKPOINTS)
@pytest.mark.parametrize("seed", range(SEED, SEED + SEEDS))
@pytest.mark.parametrize("schema", NAMES)
def test_differential(
    schema: str, seed: int, server_pair: ServerPair, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Killed again and again in every phase, the target is at every look what SQL says of the source at its position."""
    outcome = run_round(Round(schema, server_pair.source, server_pair.target, seed, KILLS, CHECKPOINTS, RATE), tmp_path)
    print(outcome)
    looks = len(outcome.checkpoints)
    record_property("differential", f"{KILLS} kills survived, {looks} states of the target compared, 0 differences")
    assert outcome.kills.total() == KILLS
    assert len(outcome.checkpoints) > CHECKPOINTS
