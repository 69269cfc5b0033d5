"""Commands to the daemon: one JSON object a line over a Unix socket that only its user can open.

A connection carries one command. Once begun it runs to its end, also when whoever asked goes away: a cutover must not
stop half way because a terminal was closed.
"""

from __future__ import annotations

import json
import os
import socket
import socketserver
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import structlog

from replicator.errors import ConfigError, ReplicatorError, WrongState

Message = dict[str, Any]
Handler = Callable[[str, Message], Iterator[Message]]
"""Takes a command and its arguments, yields how it goes, and last `{"done": True, "exit_code": N, …}`."""

_LONGEST_REQUEST = 1 << 16
_PATIENCE = 10.0
"""Seconds in which a request has to be there, or a daemon has to take the connection."""
_DYING = 1.0
"""Seconds in which the socket of a killed daemon may still be held."""

_log = structlog.get_logger("control")


class DaemonGone(ReplicatorError):
    """The daemon ended before the command did."""


class NoDaemon(WrongState):
    """No daemon listens."""


class ControlServer:
    """Answers commands in threads of its own, from `start` until `close`.

    `config` is the file that the daemon runs: a request that comes from another one's folder is refused.
    Raises WrongState where another daemon listens already, ConfigError where the path cannot be used.
    """

    def __init__(self, path: Path, handler: Handler, config: Path | None = None) -> None:
        self.path = path
        self._handler = handler
        self._config = config
        _remove_stale(path)
        try:
            self._server = _Server(str(path), self._answer)
        except OSError as error:
            raise ConfigError(f"control.socket: {path}: {error.strerror}: name a path that can be written") from None
        found = path.lstat()
        self._identity = (found.st_dev, found.st_ino)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="control", daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def close(self) -> None:
        """Take no more commands and remove the socket, unless somebody else's lies there by now."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        with suppress(FileNotFoundError):
            found = self.path.lstat()
            if (found.st_dev, found.st_ino) == self._identity:
                self.path.unlink()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self, line: bytes) -> Iterator[Message]:
        command = ""
        try:
            request = json.loads(line)
            command, arguments, asked = request["command"], request.get("arguments", {}), request.get("config")
            if not isinstance(command, str) or not isinstance(arguments, dict):
                raise TypeError
        except (ValueError, KeyError, TypeError, AttributeError):
            yield {"error": "BadRequest", "message": "not a command", "exit_code": 1}
            return
        if asked is not None and self._config is not None and asked != str(self._config):
            yield _failure(
                WrongState(f"the daemon at {self.path} runs {self._config}, not {asked}: give the two migrations "
                           "different names, or each its own [control] socket")
            )  # fmt: skip
            return
        try:
            yield from self._handler(command, arguments)
        except ReplicatorError as error:
            yield _failure(error)
        except Exception as error:
            _log.exception("command.failed", command=command)
            yield {"error": type(error).__name__, "message": f"internal error: {type(error).__name__}: {error}",
                   "exit_code": 1}  # fmt: skip


def request(
    path: Path, command: str, arguments: Mapping[str, Any] | None = None, config: Path | None = None
) -> Iterator[Message]:
    """Send one command and yield the answers; the last has `done`, or `error` and `message`, and always `exit_code`.

    Raises NoDaemon where none listens, WrongState where it cannot be asked, DaemonGone where it ends before the command.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            raise NoDaemon(f"no daemon is running at {path}: start it with `replicator run`") from None
        except TimeoutError:
            raise WrongState(f"the daemon at {path} does not answer: look at its log, or restart it") from None
        except PermissionError:
            raise WrongState(f"{path} belongs to another user: run this as the user of the daemon") from None
        message = {"command": command, "arguments": dict(arguments or {}), "config": str(config) if config else None}
        try:
            connection.sendall(json.dumps(message).encode() + b"\n")
            connection.settimeout(None)
            with connection.makefile("rb") as answers:
                for line in answers:
                    answer: Message = json.loads(line)
                    yield answer
                    if "done" in answer or "error" in answer:
                        return
        except (OSError, ValueError):
            pass
    raise DaemonGone(f"the daemon ended before it had finished `{command}`: look at its log, start it again, "
                     "then look at `replicator status`")  # fmt: skip


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, path: str, answer: Callable[[bytes], Iterator[Message]]) -> None:
        self.answer = answer
        super().__init__(path, _Connection)

    def server_bind(self) -> None:
        # Set before bind, Linux gives it to the file at its birth: there is no moment at which others may connect.
        os.fchmod(self.socket.fileno(), 0o600)
        super().server_bind()

    def handle_error(self, *_: object) -> None:
        _log.exception("connection.failed")


class _Connection(socketserver.StreamRequestHandler):
    timeout = _PATIENCE
    server: _Server

    def handle(self) -> None:
        try:
            line = self.rfile.readline(_LONGEST_REQUEST)
        except OSError:
            return
        if not line.endswith(b"\n"):
            return
        listening = True
        for message in self.server.answer(line):
            if listening:
                try:
                    self.wfile.write(json.dumps(message, default=str).encode() + b"\n")
                except OSError:
                    listening = False


def _failure(error: ReplicatorError) -> Message:
    return {"error": error.label, "message": str(error), "exit_code": error.exit_code}


def _remove_stale(path: Path) -> None:
    """Make room for the socket: one that nobody listens on is what a killed daemon left behind.

    A process that the daemon was just starting when it was killed may have the socket until it has started.
    """
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ConfigError(f"control.socket: {path} is something else than a socket: name another path")
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"control.socket: {path}: {error.strerror}: name a path that can be written") from None
    deadline = time.monotonic() + _DYING
    while _listened_on(path):
        if time.monotonic() > deadline:
            raise WrongState(f"a daemon is already running at {path}: `replicator status` shows it")
        time.sleep(_DYING / 10)
    with suppress(FileNotFoundError):
        path.unlink()


def _listened_on(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PATIENCE)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError as error:
            raise WrongState(f"{path} belongs to a daemon that cannot be asked: {error.strerror or error}") from None
    return True
