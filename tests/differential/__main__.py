"""By hand: `python -m tests.differential SCHEMA FLAVOUR [SEED] [KILLS] [CHECKPOINTS] [RATE]`, on a server of its own."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

from replicator.demo.servers import Flavour, launch
from tests.differential.run import NAMES, Round, run_round


def main() -> None:
    """Run one round, or one of each schema for `all`, and print what it showed."""
    schema, flavour, *numbers = sys.argv[1:]
    seed, kills, checkpoints, rate = [int(text) for text in numbers] + [1, 10, 20, 60][len(numbers) :]
    with launch(cast(Flavour, flavour)) as server:
        for name in NAMES if schema == "all" else (schema,):
            folder = Path(tempfile.mkdtemp(prefix=f"differential-{name}-"))
            started = time.monotonic()
            try:
                outcome = run_round(Round(name, server, server, seed, kills, checkpoints, rate), folder)
            except BaseException:
                for binlog in server.datadir.glob("binlog.*"):
                    shutil.copy(binlog, folder)
                print(f"{name}: see {folder}", flush=True)
                raise
            print(f"{name}: {outcome}; {time.monotonic() - started:.1f} s", flush=True)


if __name__ == "__main__":
    main()
