"""Secrets of other systems, as the database holds them: sealed by AES-256-GCM under a key that only the settings hold.

Whoever reads the database alone reads no secret. A seal is bound to what it is `about`, so that it cannot be put in another's place.
"""

import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


def closed(key: str, text: str, about: bytes) -> bytes:
    """The secret, sealed."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, text.encode(), about)


def opened(keys: tuple[str, ...], data: bytes, about: bytes) -> str:
    """What `closed` was given; raises `ValueError` where none of the keys is its own, or seal or what it is about are others."""
    for key in keys:
        try:
            return _cipher(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], about).decode()
        except InvalidTag:
            continue
    raise ValueError("the seal does not open with this key")


def _cipher(key: str) -> AESGCM:
    return AESGCM(hashlib.sha256(b"tidemark seal\0" + key.encode()).digest())
