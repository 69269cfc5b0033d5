"""The promise over many histories, and every fault that could break it found out. See docs/testing.md."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from replicator.errors import ReplicatorError
from tests.model.mutants import MUTANTS, Mutant
from tests.model.simulation import Simulation, Violation

Record = Callable[[str, object], None]

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "2000"))
"""Histories in a run. Ten thousand take about six minutes."""
LENGTH = 250
"""Bytes of decisions: about fifteen transactions, a death, and fifty commits of the target."""
TRIES = 2000
"""Histories within which every mutant is to be caught; most are by the first or the second."""


@pytest.mark.timeout(900)
def test_the_promise_holds_at_every_commit(record_property: Record) -> None:
    seen: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
    )
    @given(st.binary(min_size=LENGTH // 2, max_size=2 * LENGTH))
    def explore(data: bytes) -> None:
        simulation = Simulation(data)
        try:
            simulation.run()
        except BaseException:
            for line in simulation.told:
                note(line)
            raise
        seen["histories"] += 1
        seen["transactions"] += len(simulation.source.log)
        seen["deaths"] += simulation.deaths
        seen["commits of the target"] += simulation.commits
        seen["of which the whole target was compared"] += simulation.exact

    explore()
    assert seen["histories"] >= EXAMPLES
    assert seen["deaths"] > seen["histories"] / 10
    assert seen["of which the whole target was compared"] > seen["histories"]
    record_property("explored", ", ".join(f"{number:,} {what}" for what, number in seen.items()))


def caught(mutant: Mutant) -> int | None:
    """How many histories it took until the model saw the fault; None when it never did."""
    for number in range(TRIES):
        history = random.Random(f"{mutant.name} {number}").randbytes(LENGTH)
        if mutant.silent:
            history = b"\1" + history
        try:
            with mutant.applied():
                Simulation(history).run()
        except (Violation, ReplicatorError):
            Simulation(history).run()  # without the fault nothing is wrong
            return number + 1
    return None


@pytest.mark.timeout(900)
def test_every_mutant_is_caught(record_property: Record) -> None:
    tries = {mutant.name: caught(mutant) for mutant in MUTANTS}
    assert not [name for name, number in tries.items() if number is None]
    record_property("caught", f"{len(tries)} mutants, the last by history {max(filter(None, tries.values()))}")


def test_every_mutant_is_in_the_table() -> None:
    text = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
    section = text.partition("## The model")[2].partition("\n## ")[0]
    assert re.findall(r"^\| (.*) \|$", section, re.MULTILINE)[2:] == [mutant.name for mutant in MUTANTS]
