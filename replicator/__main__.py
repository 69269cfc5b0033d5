"""Where `replicator`, and `python -m replicator`, begins."""

from __future__ import annotations

import sys


def main() -> int:
    """The command line. Loading it takes long enough on a busy machine to be interrupted, which is no traceback either."""
    try:
        from replicator import cli
    except KeyboardInterrupt:
        print("replicator: interrupted", file=sys.stderr)
        return 130
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
