"""Private MariaDB and MySQL servers on 127.0.0.1, in temporary folders, for the demo and the tests.

    with launch("mariadb") as server:
        pymysql.connect(**server.connect_args("mysql"))

A server lives as long as the process that launched it and no longer (see guard.py). Nothing of the system is used but
the installed programs: no configuration file is read and no service is touched.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import pymysql

from replicator.demo import guard
from replicator.demo.installation import (
    FLAVOURS,
    Flavour,
    Installation,
    ServerFailed,
    as_root,
    find_flavours,
    template,
)
from replicator.mysql.connection import Endpoint

__all__ = ["FLAVOURS", "Flavour", "Installation", "Server", "ServerFailed", "find_flavours", "launch"]

_ROOMY = 8 << 30
"""Bytes that a file system in memory has to have."""
_PORTS = range(20000, 32000)  # below the ephemeral ones: a client's own end must not take the port during a restart

_COMMON = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--log-bin=binlog",
    "--binlog-row-image=FULL",
    "--binlog-row-metadata=FULL",
    "--character-set-server=utf8mb4",
    "--local-infile=1",
    "--max-allowed-packet=64M",
)
_MARIADB = (
    "--binlog-format=ROW",
    "--plugin-load-add=metadata_lock_info",
)
_MYSQL = (
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--mysqlx=OFF",
    "--secure-file-priv=NULL",
    "--tls-version=",  # as on MariaDB, which has no certificates here: both are measured in plain text
    # Who holds which metadata lock is all that is wanted of performance_schema: 90 MB instead of 250.
    "--performance-schema-instrument=%=OFF",
    "--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON",
    "--performance-schema-digests-size=0",
    "--performance-schema-error-size=0",
    "--performance-schema-events-statements-history-long-size=0",
    "--performance-schema-max-memory-classes=0",
)


@dataclass(frozen=True, slots=True)
class _Run:
    """One life of a server."""

    guard: subprocess.Popen[str]
    pid: int


@dataclass(frozen=True, slots=True)
class Server:
    """A private server: started, stopped and killed any number of times on the same port, socket and data."""

    installation: Installation
    folder: Path
    port: int
    password: str = field(repr=False)
    """Of `root`, through the socket and through 127.0.0.1."""
    options: tuple[str, ...] = ()
    _runs: list[_Run] = field(default_factory=list, repr=False)

    @property
    def flavour(self) -> Flavour:
        """`mariadb` or `mysql`."""
        return self.installation.flavour

    @property
    def version(self) -> str:
        """As 10.11.19."""
        return self.installation.version

    @property
    def datadir(self) -> Path:
        """Tables and binlogs."""
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        """The unix socket."""
        return self.folder / "socket"

    @property
    def error_log(self) -> Path:
        """The server's own log, of all its lives."""
        return self.folder / "error.log"

    @property
    def password_file(self) -> Path:
        """Holds root's password, readable by the owner only."""
        return self.folder / "password"

    @property
    def pid(self) -> int | None:
        """Of the server process, None while it does not run."""
        return self._runs[-1].pid if self._runs and self._runs[-1].guard.poll() is None else None

    def connect_args(self, database: str | None = None, *, tcp: bool = False) -> dict[str, Any]:
        """Keyword arguments of `pymysql.connect` for root: through the socket, or through 127.0.0.1."""
        place = {"host": "127.0.0.1", "port": self.port} if tcp else {"unix_socket": str(self.socket)}
        return {
            **place,
            "user": "root",
            "password": self.password,
            "database": database,
            "charset": "utf8mb4",
            "ssl_disabled": True,  # else PyMySQL reads all of the system's certificates for each connection, some 20 ms
        }

    def endpoint(self, role: Literal["source", "target"], database: str = "", *, tcp: bool = False) -> Endpoint:
        """Root's way to one database, as the engine takes it."""
        return Endpoint(
            role=role,
            user="root",
            password=self.password,
            port=self.port,
            unix_socket=None if tcp else str(self.socket),
            database=database,
        )

    def url(self, database: str = "", user: str = "root", *, tcp: bool = False) -> str:
        """The URL that a replicator.toml holds; the password stands in `password_file`, never in here."""
        if tcp:
            return f"mysql://{quote(user, safe='')}@127.0.0.1:{self.port}/{quote(database, safe='')}"
        return (
            f"mysql://{quote(user, safe='')}@localhost/{quote(database, safe='')}"
            f"?unix_socket={quote(str(self.socket), safe='/')}"
        )

    def start(self, seconds: float = 60.0) -> None:
        """Start where it does not run, and return when it accepts connections. At most `seconds`."""
        if self.pid is not None:
            return
        for leftover in (self.socket, Path(f"{self.socket}.lock")):  # MySQL refuses to start over those of a kill -9
            leftover.unlink(missing_ok=True)
        with (self.folder / "guard.log").open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), str(self.folder), *self._command()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C is for the owner, who then stops its servers
            )
        assert started.stdout is not None
        with started.stdout as answer:
            pid = answer.readline()
        if not pid:
            started.wait()
            raise self._failed("cannot be started", _tail(self.folder / "guard.log"))
        self._runs.append(_Run(started, int(pid)))
        self._await_ready(seconds)

    def stop(self, seconds: float = 60.0) -> None:
        """Shut down in order; everything committed is on disk afterwards."""
        if (pid := self.pid) is None:
            return
        _signal(pid, signal.SIGTERM)
        try:
            self._runs[-1].guard.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self._failed(f"did not stop within {seconds:g} s and was killed", _tail(self.error_log)) from None

    def kill(self) -> None:
        """End it by SIGKILL, as a crash would; the files stay."""
        if (pid := self.pid) is not None:
            _signal(pid, signal.SIGKILL)
            self._runs[-1].guard.wait()

    def restart(self) -> None:
        """Stop in order and start again."""
        self.stop()
        self.start()

    def discard(self) -> None:
        """End it and remove all its files."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _accounts(self) -> Path:
        """The statements that give root its password; there until the first start."""
        return self.folder / "init.sql"

    def _command(self) -> list[str]:
        return [
            str(self.installation.daemon),
            "--no-defaults",  # has to stand first
            f"--datadir={self.datadir}",
            f"--tmpdir={self.folder / 'tmp'}",
            f"--socket={self.socket}",
            f"--port={self.port}",
            f"--server-id={self.port}",
            f"--pid-file={self.folder / 'pid'}",
            f"--log-error={self.error_log}",
            *([f"--init-file={self._accounts}"] if self._accounts.exists() else []),
            *as_root(),
            *self.installation.locations,
            *_COMMON,
            *(_MARIADB if self.flavour == "mariadb" else _MYSQL),
            *self.options,
        ]

    def _await_ready(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                # Knocking first: PyMySQL leaves its own socket open where nobody listens yet.
                with socket.socket(socket.AF_UNIX) as knock:
                    knock.connect(str(self.socket))
                pymysql.connect(**self.connect_args()).close()
                break
            except (OSError, pymysql.MySQLError) as error:
                died = self.pid is None
                if died or time.monotonic() > deadline:
                    self.kill()
                    what = "ended while starting" if died else f"did not accept connections within {seconds:g} s"
                    raise self._failed(f"{what} ({error})", _tail(self.error_log)) from None
            time.sleep(0.02)
        self._accounts.unlink(missing_ok=True)

    def _failed(self, what: str, log: str) -> ServerFailed:
        return ServerFailed(f"private {self.flavour} {self.version} in {self.folder} {what}; its log ends with:\n{log}")


@contextmanager
def launch(
    flavour: Flavour,
    *,
    buffer_pool: str = "128M",
    durable: bool = False,
    in_memory: bool = False,
    options: tuple[str, ...] = (),
) -> Iterator[Server]:
    """A new, empty, running server, discarded at the end.

    Args:
        flavour: `mariadb` or `mysql`.
        buffer_pool: InnoDB's, as `256M`.
        durable: flush both logs at each commit, as a server in production does; without, a commit survives the end of
            the server process, but not of the machine.
        in_memory: keep its files there, where there is plenty of it: no statement waits for a disk.
        options: more of the server's own, as `--max-connections=500`; they override those above.
    """
    installation = find_flavours().get(flavour)
    if installation is None:
        raise ServerFailed(f"no {flavour} server is installed: run ops/install/install.sh")
    server = Server(
        installation,
        folder=Path(tempfile.mkdtemp(prefix="replicator-server-", dir=_memory() if in_memory else None)),
        port=_free_port(),
        password=secrets.token_urlsafe(18),
        options=(
            f"--innodb-buffer-pool-size={buffer_pool}",
            f"--innodb-flush-log-at-trx-commit={1 if durable else 2}",
            f"--sync-binlog={1 if durable else 0}",
            *options,
        ),
    )
    try:
        _furnish(server)
        server.start()
        yield server
    finally:
        server.discard()


def _memory() -> Path | None:
    """A file system in memory with plenty of room, if there is one."""
    place = Path("/dev/shm")
    return place if os.access(place, os.W_OK) and shutil.disk_usage(place).free > _ROOMY else None


def _furnish(server: Server) -> None:
    """Data directory and passwords of a server that has not run yet."""
    if len(str(server.socket)) > 107:  # sockaddr_un
        raise ServerFailed(f"{server.socket}: too long a path for a unix socket; set TMPDIR to a shorter folder")
    (server.folder / "tmp").mkdir()
    # The files of a new data directory are mostly zeros: 26 MB in 0.1 s instead of 95 MB.
    copy = ["cp", "-a", "--sparse=always", "--reflink=auto", str(template(server.installation)), str(server.datadir)]
    subprocess.run(copy, check=True)
    accounts = "\n".join(
        f"CREATE USER IF NOT EXISTS 'root'@'{host}'; "
        f"ALTER USER 'root'@'{host}' IDENTIFIED BY '{server.password}'; "
        f"GRANT ALL PRIVILEGES ON *.* TO 'root'@'{host}' WITH GRANT OPTION;"
        for host in ("localhost", "127.0.0.1")
    ).replace("; ", ";\n")  # one statement a line is what the server reads here
    for path, text in (
        (server.password_file, server.password),
        (server._accounts, f"SET sql_log_bin = 0;\n{accounts}\n"),
    ):
        path.touch(mode=0o600)
        path.write_text(text)


def _free_port() -> int:
    for port in random.sample(_PORTS, 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServerFailed(f"no free port on 127.0.0.1 between {_PORTS.start} and {_PORTS.stop}")


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it may end by itself in this moment
        os.kill(pid, number)


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"
