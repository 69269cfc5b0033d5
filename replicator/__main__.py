"""`python -m replicator` is `replicator`."""

from __future__ import annotations

import sys

from replicator.cli import main

if __name__ == "__main__":
    sys.exit(main())
