"""Bodies of requests: compressed bytes come in, plain ones go out to `otlp` and `segment`, never more than a limit. Pure."""

import zlib

from services.kit.errors import Invalid

_EITHER = zlib.MAX_WBITS | 32
"""gzip or zlib, as the first bytes say."""


class TooLarge(Invalid):
    """The body is larger than it may be."""

    http = 413

    def __init__(self, limit: int) -> None:
        super().__init__("body", f"has more than {limit} bytes; send less at once")


class Unsupported(Invalid):
    """The body is of a form that nobody here reads."""

    http = 415


def plain(data: bytes, encoding: str, limit: int) -> bytes:
    """The body as it was before it was compressed; raises `TooLarge` before it holds more than `limit` bytes."""
    if encoding not in ("", "identity", "gzip", "deflate"):
        raise Unsupported("content-encoding", f"is {encoding[:40]!r}; send gzip, deflate or none")
    if encoding in ("", "identity"):
        found = data
    else:
        inflater = zlib.decompressobj(_EITHER)
        try:
            found = inflater.decompress(data, limit + 1)
        except zlib.error as error:
            raise Invalid("body", f"is no {encoding}: {error}") from None
        if len(found) <= limit and (not inflater.eof or inflater.unused_data):
            raise Invalid("body", f"is no whole {encoding}; send one stream to its end")
    if len(found) > limit:
        raise TooLarge(limit)
    return found
