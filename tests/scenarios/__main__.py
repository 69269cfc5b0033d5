"""`python -m tests.scenarios --write` writes docs/failures.md."""

from __future__ import annotations

import sys

from tests.scenarios.points import PAGE, page

if sys.argv[1:] != ["--write"]:
    sys.exit("usage: python -m tests.scenarios --write")
PAGE.write_text(page(), encoding="utf-8")
