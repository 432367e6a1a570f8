"""Bodies are read as they were before they were compressed, and never more of them than may be."""

import gzip
import zlib

import pytest

from services.gateway.lanes.body import TooLarge, Unsupported, plain
from services.kit.errors import Invalid


@pytest.mark.parametrize("size", [0, 1, 99, 100])
def test_a_body_is_what_it_was(size: int) -> None:
    body = b"x" * size
    assert plain(body, "", 100) == body
    assert plain(body, "identity", 100) == body
    assert plain(gzip.compress(body, mtime=0), "gzip", 100) == body
    assert plain(zlib.compress(body), "deflate", 100) == body


@pytest.mark.parametrize("size", [101, 50 << 20])
def test_a_body_is_not_read_beyond_its_limit(size: int) -> None:
    with pytest.raises(TooLarge, match="more than 100 bytes"):
        plain(gzip.compress(b"\0" * size, mtime=0), "gzip", 100)


def test_a_plain_body_has_the_same_limit() -> None:
    with pytest.raises(TooLarge):
        plain(b"x" * 101, "", 100)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x1f\x8b",
        b"plain text",
        gzip.compress(b"x" * 50, mtime=0)[:-1],
        gzip.compress(b"a", mtime=0) * 2,
    ],
)
def test_what_is_no_whole_stream_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid, match="gzip"):
        plain(data, "gzip", 100)


def test_another_encoding_is_named() -> None:
    with pytest.raises(Unsupported, match="'br'; send gzip, deflate or none"):
        plain(b"", "br", 100)
