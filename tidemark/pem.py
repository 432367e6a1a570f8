"""Certificates as their files hold them now: PEM files come in, their contents go out to `channel.py` and to the servers of `services.kit`.

Whoever renews a certificate replaces files, and nobody has to start anew: every connection made from then on shows the new one.
"""

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

_Seen = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class Pem:
    """What files hold that belong together; None where there is no such file."""

    roots: bytes | None
    """Of the authorities to trust."""
    certificate: bytes | None
    """Our own, and those between it and its authority."""
    key: bytes | None
    """The private key of our own; None where it is in the file of the certificate."""


class Files:
    """Up to three files, each of them empty where there is none."""

    def __init__(self, roots: str, certificate: str, key: str) -> None:
        """Raises `OSError` where they cannot be read or do not belong together."""
        self._names = roots, certificate, key
        self._seen = self._refused = self._look()
        self._pem = self._read()

    def now(self) -> Pem:
        """What they hold. While they are being replaced, and do not belong together, what they held before; the same object until they change."""
        seen = self._look()
        if seen in (self._seen, self._refused):
            return self._pem
        try:
            pem = self._read()
            if seen == self._look():
                self._pem, self._seen = pem, seen
        except OSError as error:
            # Looked at again when they change once more.
            self._refused = seen
            log.warning(
                "%s cannot be used, so what was there before is: %s",
                ", ".join(filter(None, self._names)),
                error,
            )
        return self._pem

    def _look(self) -> _Seen:
        """By what a file that was replaced differs from the one before."""
        found = []
        for name in self._names:
            try:
                told = Path(name).stat() if name else None
            except OSError:
                told = None
            found.append(told and (told.st_mtime_ns, told.st_size, told.st_ino))
        return tuple(found)

    def _read(self) -> Pem:
        held = Pem(*(Path(name).read_bytes() if name else None for name in self._names))
        roots, certificate, key = self._names
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if roots:
            context.load_verify_locations(roots)
        if certificate:
            context.load_cert_chain(certificate, key or None)
        return held
