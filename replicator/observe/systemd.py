"""What the service manager is told: ready, how it goes, alive, stopping. Without one, nothing is said.

The protocol is that of sd_notify(3): datagrams to the socket that $NOTIFY_SOCKET names.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping

from replicator.progress import Progress

_STATUS_EVERY = 5.0


def notify(message: str, environ: Mapping[str, str]) -> bool:
    """Send one message such as `READY=1`; False where no service manager listens. Never raises: it is a courtesy."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
            connection.connect(address)
            connection.sendall(message.encode())
    except OSError:
        return False
    return True


def watchdog_seconds(environ: Mapping[str, str]) -> float | None:
    """After how much silence the service manager kills this process; None where it does not."""
    text, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not text.isdigit() or int(text) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(text) / 1_000_000


def status_line(status: Mapping[str, object]) -> str:
    """One line for `systemctl status`."""
    parts = [str(status["phase"])]
    copy, lag = status["copy"], status["lag_seconds"]
    if status["stage"] == "copying" and isinstance(copy, Mapping):
        parts.append(f"{copy['ratio']:.1%} of {copy['rows_estimated']} rows")
    if isinstance(lag, float | int):
        parts.append(f"lag {lag:.2f} s")
    if isinstance(status["throttle"], Mapping):
        parts.append(f"throttled: {status['throttle']['detail']}")
    if isinstance(status["last_error"], Mapping):
        parts.append(str(status["last_error"]["message"]).splitlines()[0])
    return ", ".join(parts)


class Service:
    """Tells the service manager from `start` until `close`.

    The watchdog is fed only while the main loop moves (`Progress.beat`): a daemon whose threads live on while its loop
    hangs is restarted.
    """

    def __init__(self, progress: Progress, environ: Mapping[str, str]) -> None:
        self._progress = progress
        self._environ = environ
        self._watchdog = watchdog_seconds(environ)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="service", daemon=True)

    def start(self) -> None:
        """The daemon is up."""
        if notify(f"READY=1\n{self._status()}", self._environ):
            self._thread.start()

    def close(self) -> None:
        """The daemon is going down."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        notify("STOPPING=1", self._environ)

    def _status(self) -> str:
        return "STATUS=" + status_line(self._progress.snapshot())

    def _run(self) -> None:
        every = min(_STATUS_EVERY, self._watchdog / 4) if self._watchdog else _STATUS_EVERY
        while not self._ended.wait(every):
            moves = self._watchdog is not None and self._progress.stalled_seconds < self._watchdog / 2
            notify(("WATCHDOG=1\n" if moves else "") + self._status(), self._environ)
