"""The random tests again and again with new seeds, for as long as one likes: `make soak MINUTES=600` writes docs/soak.md."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "soak.md"
TESTS = (
    "tests/differential/test_differential.py",
    "tests/values/test_property.py",
    "tests/model",
    "tests/cutover/test_every_statement.py",
)
_TOLD = re.compile(r"^\S+::\S+: (?P<name>[a-z ]+): (?P<amount>.*)$", re.MULTILINE)
_NUMBER = re.compile(r"(?P<number>\d[\d,]*) (?P<what>[a-z ]+)")


def main() -> int:
    """1 when a round failed, which ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1_000_000, help="of the first round; default: the time")
    arguments = parser.parse_args()
    began, rounds, code = time.monotonic(), 0, 0
    seen: Counter[str] = Counter()
    while not code and (not rounds or time.monotonic() - began < arguments.minutes * 60):
        seed = str(arguments.seed + rounds)
        print(f"round {rounds + 1}, seed {seed}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-n", "2", *TESTS],
            cwd=ROOT,
            env={**os.environ, "DIFFERENTIAL_SEED": seed, "VALUES_SEED": seed, "CUTOVER_SEED": seed},
            capture_output=True,
            text=True,
            check=False,
        )
        code, rounds = done.returncode, rounds + 1
        for told in _TOLD.finditer(done.stdout):
            for found in _NUMBER.finditer(told["amount"]):
                seen[found["what"].strip()] += int(found["number"].replace(",", ""))
        if code:
            print(done.stdout[-20_000:])
    minutes = (time.monotonic() - began) / 60
    figures = "\n".join(f"- {number:,} {what}" for what, number in sorted(seen.items()))
    last = arguments.seed + rounds - 1
    outcome = f"Round {rounds}, seed {last}, failed" if code else "No test failed: no difference, nothing lost, nothing twice"
    PAGE.write_text(
        f"# Soak\n\nWritten by `make soak` on {datetime.now(UTC):%-d %B %Y}: the random tests of [testing](testing.md) in "
        f"{rounds} rounds from seed {arguments.seed}, {minutes:.0f} minutes, MariaDB and MySQL.\n\n{outcome}.\n\n{figures}\n",
        encoding="utf-8",
    )
    print(PAGE.read_text(encoding="utf-8"))
    return code


if __name__ == "__main__":
    sys.exit(main())
