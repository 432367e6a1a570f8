"""Links: the token of one, what is stored of it, and how the file behind it is sent. Pure; `servicer` makes tokens.

Whoever has the token opens the file, so it is kept nowhere, written into no log, and told by its edition alone.
"""

import hashlib
from datetime import timedelta
from urllib.parse import quote

from google.protobuf.duration_pb2 import Duration

from services.kit.errors import Invalid
from tidemark.v1.report_pb2 import ReportFormat

BYTES = 32
"""Random ones, of which a token is made."""
LIFETIME, LONGEST = timedelta(days=7), timedelta(days=90)
_HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("cache-control", "private, no-store"),
    # A page that is opened may do nothing at all but look as it does.
    ("content-security-policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"),
    ("referrer-policy", "no-referrer"),
)


def stored(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def path(token: str) -> str:
    """Where the edge opens it."""
    return f"/v1/links/{token}"


def url(edge_url: str, token: str) -> str:
    """The whole address; empty where nobody has said how people reach the edge."""
    return f"{edge_url.rstrip('/')}{path(token)}" if edge_url else ""


def lifetime(given: Duration | None, field: str) -> timedelta:
    """How long a link holds."""
    if given is None:
        return LIFETIME
    seconds = given.seconds + given.nanos / 1e9
    if not 1 <= seconds <= LONGEST.total_seconds():
        raise Invalid(field, f"is {seconds:g} s; give 1 second to {LONGEST.days} days")
    return timedelta(seconds=seconds)


def headers(file_name: str, form: int, *, inline: bool) -> tuple[tuple[str, str], ...]:
    """What is told before the first piece of a file. Only a page, and only behind a link, is shown where it is opened; all else is
    saved."""
    shown = inline and form == ReportFormat.REPORT_FORMAT_HTML
    kind = "inline" if shown else "attachment"
    return (("content-disposition", f"{kind}; filename*=UTF-8''{quote(file_name, safe='')}"), *_HEADERS)
