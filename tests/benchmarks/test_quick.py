"""The benchmarks run from end to end. What they measure is no test: that depends on the machine and its other work."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import demand


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_figures_are_measured() -> None:
    demand("mariadb")
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--flavour", "mariadb"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stdout, done.stdout + done.stderr
    table = done.stdout[done.stdout.index("┏") :]
    assert [letter for letter in "abcdef" if f"({letter})" not in table] == []
