"""The MariaDB and MySQL servers that this machine can start."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from replicator.errors import ReplicatorError

Flavour = Literal["mariadb", "mysql"]
FLAVOURS: tuple[Flavour, ...] = ("mariadb", "mysql")

_DAEMON_FOLDERS = ("/usr/sbin", "/usr/local/sbin")
"""Where servers stand that are not on every user's PATH."""


class ServerFailed(ReplicatorError):
    """A private server is not installed, does not start or does not stop; the message ends with its log."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The programs of one flavour on this machine."""

    flavour: Flavour
    version: str
    """Of the server, as 10.11.19."""
    daemon: Path
    basedir: Path | None = None
    """Where the server finds its messages, charsets and plugins, if not at the places built into it."""

    def program(self, name: str) -> Path:
        """A program beside the server, such as `mysqldump` or `mariadb-binlog`."""
        found = shutil.which(name, path=_search_path(self.daemon.parent))
        if found is None:
            raise ServerFailed(f"{name} of {self.flavour} {self.version} is not installed: run ops/install/install.sh")
        return Path(found)

    @property
    def locations(self) -> tuple[str, ...]:
        """Options that lead the server to its own files in a private prefix."""
        if self.basedir is None:
            return ()
        messages = self.basedir / "share/mysql"
        return (
            f"--basedir={self.basedir}",
            f"--plugin-dir={self.basedir / 'lib/mysql/plugin'}",
            f"--lc-messages-dir={messages}",
            f"--character-sets-dir={messages / 'charsets'}",
        )


@lru_cache
def find_flavours() -> dict[Flavour, Installation]:
    """The servers that this machine can start: Debian's MariaDB, MySQL from the private prefix or the system."""
    prefix = _cache() / "mysql"
    candidates: tuple[tuple[Flavour, str | None, Path | None], ...] = (
        ("mariadb", shutil.which("mariadbd", path=_search_path()), None),
        ("mysql", shutil.which("mysqld", path=str(prefix / "bin")), prefix / "root/usr"),
        ("mysql", shutil.which("mysqld", path=_search_path()), None),
    )
    found: dict[Flavour, Installation] = {}
    for flavour, daemon, basedir in candidates:
        if daemon is None or flavour in found:
            continue
        answer = subprocess.run([daemon, "--no-defaults", "--version"], capture_output=True, text=True, check=False)
        version = re.search(r"Ver (\d+\.\d+\.\d+)", answer.stdout)
        # Debian's MariaDB also answers to the name mysqld.
        if version and ("MariaDB" in answer.stdout) == (flavour == "mariadb"):
            found[flavour] = Installation(flavour, version[1], Path(daemon), basedir)
    return found


def template(installation: Installation) -> Path:
    """An initialised data directory of this version, made once: initialising takes seconds, copying does not."""
    made = _cache() / "templates" / f"{installation.flavour}-{installation.version}"
    if made.is_dir():
        return made
    made.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=made.parent) as scratch:
        datadir = Path(scratch) / "data"
        if installation.flavour == "mariadb":
            program = [str(installation.program("mariadb-install-db")), "--no-defaults"]
            program += ["--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=8M"]
        else:
            program = [str(installation.daemon), "--no-defaults", "--initialize-insecure"]
        command = [*program, f"--datadir={datadir}", *installation.locations, *as_root()]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise ServerFailed(f"{installation.daemon} cannot create a data directory:\n{done.stdout[-3000:]}")
        (datadir / "auto.cnf").unlink(missing_ok=True)  # the server's identity: each copy makes its own
        try:
            datadir.rename(made)
        except OSError:
            if not made.is_dir():  # otherwise another process was faster, with the same
                raise
    return made


def as_root() -> tuple[str, ...]:
    """Neither server runs as root unless told so in words."""
    return ("--user=root",) if os.geteuid() == 0 else ()


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "replicator"


def _search_path(*first: Path) -> str:
    return os.pathsep.join([*map(str, first), os.environ.get("PATH", os.defpath), *_DAEMON_FOLDERS])
