"""A bad network: a proxy in front of a server that delays, halves, cuts or damages what passes, as a test says."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Trouble = Callable[["Line", bytes], bytes | None]
"""What becomes of a piece on its way: None cuts the line; shorter than it was, the rest is lost with the line."""

_DUMPS = (0x12, 0x1E)
"""Commands that ask for the binlog."""


@dataclass
class Line:
    """One connection, in one direction."""

    down: bool
    """From the server to the client."""
    dumps: bool = False
    """Whether the binlog is sent through it; not to be told of an encrypted one."""


@dataclass
class Proxy:
    """Listens on `port` of 127.0.0.1."""

    upstream: int
    """The server's port. Connections that are opened later go to the one that stands here then."""
    port: int
    trouble: Trouble | None = None
    record: bool = False
    seen: bytearray = field(default_factory=bytearray)
    """All that passed while `record` was set."""
    _open: set[socket.socket] = field(default_factory=set)

    def serve(self, listener: socket.socket) -> None:
        """Accept until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.upstream))
            except OSError:
                client.close()
                continue
            up, down = Line(False), Line(True)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= {client, server}
            for line, from_, to in ((up, client, server), (down, server, client)):
                threading.Thread(target=self._carry, args=(line, down, from_, to), daemon=True).start()

    def _carry(self, line: Line, down: Line, from_: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := from_.recv(1 << 16):
                if not line.down and len(data) > 4 and data[3] == 0 and data[4] in _DUMPS:
                    down.dumps = True
                if self.record:
                    self.seen += data
                trouble = self.trouble
                passed = data if trouble is None else trouble(line, data)
                if passed is not None:
                    to.sendall(passed)
                if passed is None or len(passed) < len(data):
                    break
        for end in (from_, to):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """End every connection that there is."""
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()


@contextmanager
def proxy(upstream: int) -> Iterator[Proxy]:
    """A proxy in front of the server at this port, with nothing wrong yet."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Proxy(upstream, listener.getsockname()[1])
        thread = threading.Thread(target=running.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield running
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            running.cut()


class Storm:
    """Delays, halves and cuts at random, in both directions; counts what it did."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.delayed = self.halved = self.cut = 0

    def __call__(self, _line: Line, data: bytes) -> bytes | None:
        chance = self._chance.random()
        if chance < 0.03:
            self.cut += 1
            return None
        if chance < 0.06 and len(data) > 1:
            self.halved += 1
            return data[: len(data) // 2]
        if chance < 0.15:
            self.delayed += 1
            time.sleep(0.03)
        return data

    @property
    def enough(self) -> bool:
        """Whether there was some of everything."""
        return min(self.delayed, self.halved, self.cut) >= 3


class Damage:
    """Changes a byte in each event of the binlog that holds `text`, as many times as it is told to."""

    def __init__(self, text: bytes, times: int) -> None:
        self._text = text
        self.left = times

    def __call__(self, line: Line, data: bytes) -> bytes:
        place = data.find(self._text) if line.dumps and self.left else -1
        if place < 0:
            return data
        self.left -= 1
        return data[:place] + bytes((data[place] ^ 0x20,)) + data[place + 1 :]
