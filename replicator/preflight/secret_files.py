"""Files with passwords."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator

from replicator.preflight.context import Context
from replicator.preflight.result import Finding, failed


def check(context: Context) -> Iterator[Finding]:
    """Files that hold passwords can be read by their owner only."""
    for setting, path in context.config.secret_files:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            yield failed(
                f"{path}, named by {setting}, may be read by others than its owner (mode {mode:04o})",
                f"chmod 600 {shlex.quote(str(path))}",
            )
