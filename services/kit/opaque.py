"""Bytes as text that callers hand back and do not look into: page tokens, cursors, data versions. Pure."""

import base64


def sealed(data: bytes) -> str:
    """The text, safe in a URL."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def opened(text: str) -> bytes:
    """The bytes in a text; raises `ValueError` for one that `sealed` does not make."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
