"""A network in between: a proxy in front of a server, through which passes what a test lets pass."""

from __future__ import annotations

import contextlib
import socket
import threading
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
    chunk: int = 1 << 16
    """Bytes of the server that are passed on at a time."""
    record: bool = False
    seen: bytearray = field(default_factory=bytearray)
    """All that passed while `record` was set."""
    _open: set[socket.socket] = field(default_factory=set)
    _forgotten: set[socket.socket] = field(default_factory=set)
    _servers: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

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
            with self._lock:
                self._open |= {client, server}
                self._servers.add(server)
            for line, from_, to in ((up, client, server), (down, server, client)):
                threading.Thread(target=self._carry, args=(line, down, from_, to), daemon=True).start()

    def _carry(self, line: Line, down: Line, from_: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := from_.recv(self.chunk if line.down else 1 << 16):
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
        for end in {from_, to} - self._forgotten:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """End every connection that there is."""
        with self._lock:
            ends = list(self._open)
            self._open.clear()
            self._servers.clear()
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def forget(self) -> None:
        """End every connection that there is, of which the server does not hear."""
        with self._lock:
            self._forgotten |= self._servers
            clients = self._open - self._servers
        for end in clients:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(upstream: int, trouble: Trouble | None = None, *, chunk: int = 1 << 16) -> Iterator[Proxy]:
    """A proxy in front of the server at this port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Proxy(upstream, listener.getsockname()[1], trouble, chunk)
        thread = threading.Thread(target=running.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield running
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            running.cut()
