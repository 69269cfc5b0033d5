"""A bad network between a reader and its source: slow, cut off, or damaging what passes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from replicator.demo.servers import Server


@dataclass
class Proxy:
    """Forwards connections to a server; counts and disturbs what the server sends."""

    server: Server
    chunk: int = 1 << 16
    """Bytes that are passed on at a time."""
    cut_after: int | None = None
    flip_at: int | None = None
    sent: int = 0
    port: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        """Accept until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            upstream = socket.create_connection(("127.0.0.1", self.server.port))
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open += [client, upstream]
            threading.Thread(target=self._up, args=(client, upstream), daemon=True).start()
            threading.Thread(target=self._down, args=(upstream, client), daemon=True).start()

    def _up(self, client: socket.socket, upstream: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                upstream.sendall(data)
            upstream.shutdown(socket.SHUT_RDWR)

    def _down(self, upstream: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := upstream.recv(self.chunk):
                if self.flip_at is not None and self.sent <= self.flip_at < self.sent + len(data):
                    place = self.flip_at - self.sent
                    data = data[:place] + bytes((data[place] ^ 0x20,)) + data[place + 1 :]
                if self.cut_after is not None and self.sent + len(data) >= self.cut_after:
                    client.sendall(data[: self.cut_after - self.sent])
                    break
                self.sent += len(data)
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End every connection."""
        for opened in self._open:
            opened.close()


@contextmanager
def proxy(server: Server, *, chunk: int = 1 << 16, cut_after: int | None = None, flip_at: int | None = None) -> Iterator[Proxy]:
    """A proxy on a free port of 127.0.0.1; bytes are counted from the connection's first."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Proxy(server, chunk, cut_after, flip_at)
        running.port = listener.getsockname()[1]
        thread = threading.Thread(target=running.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield running
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            running.close()
