"""Which file of the built page a path asks for, and how long it may be kept. Pure: files come in from `source.py`."""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass

INDEX = "/index.html"
HASHED = "/assets/"
"""Files below carry a hash of their content in their names: what is kept of them is never wrong."""

_NOT_BUILT = b"""<!doctype html>
<html lang="en">
<title>Tidemark</title>
<h1>The page is not built yet</h1>
<p>Run <code>make web</code> in the checkout, which also says what stands in the way, then load this page again.
Everything else of Tidemark is running.</p>
</html>
"""
_TEXTS = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/manifest+json")


@dataclass(frozen=True, slots=True)
class File:
    """A file of the page as it is sent; `zipped` is empty where that saves nothing."""

    body: bytes
    zipped: bytes
    media_type: str
    caching: str
    etag: str


Page = Mapping[str, File]
"""Files by their paths, as in `/assets/index-1a2b.js`. Whatever is not in it does not exist, wherever a path may point."""


def file(path: str, body: bytes) -> File:
    """A file ready to be sent."""
    media_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
    if media_type.startswith(_TEXTS):
        zipped = gzip.compress(body, mtime=0)
        media_type += "; charset=utf-8"
    else:
        zipped = b""
    caching = "public, max-age=31536000, immutable" if path.startswith(HASHED) else "no-cache"
    return File(
        body,
        zipped if len(zipped) < len(body) else b"",
        media_type,
        # The page itself names the files of one build: an old one kept would name files that are gone.
        "no-store" if path == INDEX else caching,
        f'"{hashlib.sha256(body).hexdigest()[:32]}"',
    )


def found(page: Page, path: str, for_people: bool) -> File | None:
    """The file for a path; people who open a place within the page get the page, whose script knows the places."""
    if path in page and path != INDEX:
        return page[path]
    if path != "/" and (path.startswith(HASHED) or not for_people):
        return None
    return page.get(INDEX) or NOT_BUILT


NOT_BUILT = file(INDEX, _NOT_BUILT)
"""Stands for a page that is not there."""
