"""A DNS server in small: names come in by UDP, addresses go out, as late as a cluster's own tells what has changed."""

import socket
import struct
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

_A, _IN = 1, 1
_HEADER, _QUESTION, _RECORD = struct.Struct("!6H"), struct.Struct("!2H"), struct.Struct("!3HIH")
_ANSWER = 0x8580
"""A response of the one who knows, to a question that wants recursion."""
_HERE = 0xC00C
"""The name of the question, by its place in the message."""


class Names:
    """The names of a cluster. What was answered is answered again for `kept` seconds, whatever has changed, as caches do."""

    def __init__(self, kept: float) -> None:
        self._kept = kept
        self._now: dict[str, tuple[str, ...]] = {}
        self._told: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def point(self, name: str, addresses: Sequence[str]) -> None:
        """From here on a name means these; those who ask learn of it once what they were told is over."""
        self._now[name] = tuple(addresses)

    def _serve(self) -> None:
        while True:
            asked, sender = self._socket.recvfrom(512)
            if not asked:
                return
            self._socket.sendto(self._answer(asked), sender)

    def _answer(self, asked: bytes) -> bytes:
        labels, place = [], _HEADER.size
        while size := asked[place]:
            labels.append(asked[place + 1 : place + 1 + size].decode())
            place += size + 1
        end = place + 1 + _QUESTION.size
        kind, _ = _QUESTION.unpack(asked[place + 1 : end])
        left, found = self._known(".".join(labels).lower()) if kind == _A else (0, ())
        (number,) = struct.unpack("!H", asked[:2])
        records = b"".join(
            _RECORD.pack(_HERE, _A, _IN, left, 4) + socket.inet_aton(address) for address in found
        )
        return _HEADER.pack(number, _ANSWER, 1, len(found), 0, 0) + asked[_HEADER.size : end] + records

    def _known(self, name: str) -> tuple[int, tuple[str, ...]]:
        """For how many seconds this is still told, and the addresses."""
        now = time.monotonic()
        until, told = self._told.get(name, (0.0, ()))
        if now >= until:
            # That there is nobody is told anew each time.
            told = self._now.get(name, ())
            until = now + self._kept if told else now
            self._told[name] = until, told
        return int(until - now), told
