"""Event ids, 16 bytes each: minted for new events, derived for events that may be loaded again.

Both carry milliseconds since 1970 in their first 48 bits, so that the database's index of ids grows at its right edge.
"""

from hashlib import blake2b
from os import urandom
from struct import Struct

_PAIR = Struct(">QQ")
_POOL = Struct(">512Q")
_VARIANT = 1 << 63


class Minter:
    """Makes UUIDv7 ids that grow with every call, even where the clock stands still or goes back.

    The 12 bits after the version count within a millisecond; when they run over, the id borrows from the next one.
    """

    __slots__ = ("_last", "_tails")

    def __init__(self) -> None:
        self._last = 0
        self._tails: list[int] = []

    def mint(self, now_ns: int) -> bytes:
        """An id for something that happens now."""
        stamp = now_ns // 1_000_000 << 12
        if stamp <= self._last:
            stamp = self._last + 1
        self._last = stamp
        try:
            tail = self._tails.pop()
        except IndexError:
            # One system call for 512 ids. Another thread that finds the old list empty just makes its own.
            self._tails = tails = list(_POOL.unpack(urandom(_POOL.size)))
            tail = tails.pop()
        return _PAIR.pack(stamp >> 12 << 16 | 0x7000 | stamp & 0xFFF, _VARIANT | tail >> 2)


def derived(at_ms: int, content: bytes) -> bytes:
    """A UUIDv8 that is the same for the same time and `content`: what is loaded again is recognised by it."""
    first, second = _PAIR.unpack(blake2b(content, digest_size=16).digest())
    return _PAIR.pack((at_ms & 0xFFFF_FFFF_FFFF) << 16 | 0x8000 | first & 0xFFF, _VARIANT | second >> 2)
