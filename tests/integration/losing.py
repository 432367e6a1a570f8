"""A connection that loses answers: what a client sends arrives, and the connection is cut when the answer to it comes back."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_FRAME = 9
"""Bytes of the head of an HTTP/2 frame: length in 3, type in 1, flags in 1, stream in 4."""
_HEADERS = 1


def http(received: bytes) -> bool:
    """Whether a server of HTTP/1.1 has begun to answer."""
    return bool(received)


def http2(received: bytes) -> bool:
    """Whether a server of HTTP/2, as those of gRPC are, has begun to answer, and not only to agree on settings."""
    while len(received) >= _FRAME:
        if received[3] == _HEADERS:
            return True
        received = received[_FRAME + int.from_bytes(received[:3]) :]
    return False


@dataclass
class Losing:
    """A way to a server on which the next answers are lost."""

    server: int
    is_answer: Callable[[bytes], bool]
    left: int
    lost: int = 0
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where a client finds it."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        """Takes connections until it is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                try:
                    server = socket.create_connection(("127.0.0.1", self.server))
                except OSError:
                    _end(client)
                    continue
                self._open.append(server)
                for pump in (self._up, self._down):
                    threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def close(self) -> None:
        """Ends everything."""
        _end(self._listener, *self._open)

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65_536):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        received = b""
        with suppress(OSError):
            while data := server.recv(65_536):
                received += data
                if self.left and self.is_answer(received):
                    self.left, self.lost = self.left - 1, self.lost + 1
                    break
                client.sendall(data)
        _end(client, server)


def _end(*sockets: socket.socket) -> None:
    """Closes them; whoever waits for one in another thread learns of it by the shutdown only."""
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@contextmanager
def losing(server: int, is_answer: Callable[[bytes], bool], answers: int = 1) -> Iterator[Losing]:
    """A way to the server on this port, on which so many answers are lost."""
    way = Losing(server, is_answer, answers)
    thread = threading.Thread(target=way.serve, daemon=True)
    thread.start()
    try:
        yield way
    finally:
        way.close()
        thread.join()
