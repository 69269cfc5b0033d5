"""Where the control socket lies when nobody names it: the daemon and every command must come to the same answer."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from replicator.settings import SettingError

SOCKET_BYTES = 107
"""What Linux allows for the path of a Unix socket."""


def default_socket(name: str, config: Path, environ: Mapping[str, str]) -> Path:
    """The control socket of the migration `name` of this user.

    The first candidate at which a socket lies, so that a shell finds a daemon that the service manager gave another
    environment; else the first that can be written. Raises SettingError where no folder can be had.
    """
    candidates = tuple(_candidates(name, config, environ))
    for candidate in candidates:
        if candidate.is_socket() and os.access(candidate, os.W_OK):
            return candidate
    return candidates[0]


def _candidates(name: str, config: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    # systemd names several folders separated by colons when a unit asks for several.
    for folder in (environ.get("RUNTIME_DIRECTORY", "").partition(":")[0], "/run/replicator"):
        if folder and os.access(folder, os.W_OK | os.X_OK):
            yield Path(folder) / f"{name}.sock"
    # The same name may stand in two people's checkouts; below a folder that they share the path tells them apart.
    own = f"replicator-{name}-{hashlib.sha256(bytes(config.resolve())).hexdigest()[:8]}.sock"
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime and os.access(runtime, os.W_OK | os.X_OK):
        yield Path(runtime) / own
    yield _private_folder() / own


def _private_folder() -> Path:
    """A folder below the temporary one that nobody else can have prepared."""
    folder = Path(tempfile.gettempdir()) / f"replicator-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise SettingError(f"has no place to lie: {folder}: {error.strerror}: name one") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
        raise SettingError(f"has no safe place: {folder} has to be yours and of mode 0700: name another place")
    return folder
