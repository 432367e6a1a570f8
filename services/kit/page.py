"""Page tokens: opaque to callers and bound to the request they continue. Pure.

A servicer hands in the request and the position of the last row it gave; the next request brings the token back.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any, TypeVar

import orjson
from google.protobuf.message import Message

from services.kit import opaque
from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.kit.instant import at, us_of
from services.kit.period import LAST_END

M = TypeVar("M", bound=Message)
_FREE = ("page_token", "page_size")
"""Fields that may differ from page to page."""


def size(requested: int, default: int, most: int) -> int:
    """How many rows a page holds."""
    if requested < 0:
        raise Invalid("page_size", f"is {requested}; write 0 or more")
    return min(requested or default, most)


def token(request: Message, *position: int | str) -> str:
    """The token of the page that begins behind `position`."""
    return opaque.sealed(_digest(request) + orjson.dumps(position))


def newest(request: Message, kind: type[int] | type[str] = str) -> tuple[datetime, Any] | None:
    """The instant and the id, of this kind, behind which a page begins of a list of the newest; None for the first page.

    Raises `Invalid` as `position` and `instant` do.
    """
    found = position(request, int, kind)
    return None if found is None else (instant(found[0]), found[1])


def position(request: Message, *kinds: type[int] | type[str]) -> list[Any] | None:
    """Where the requested page begins, a value of each kind; None for the first page.

    Raises `Invalid` for a token that was not given to an otherwise equal request.
    """
    given: str = request.page_token  # type: ignore[attr-defined]
    if not given:
        return None
    try:
        data = opaque.opened(given)
        found = orjson.loads(data[8:])
    except ValueError as error:
        raise forged() from error
    if data[:8] != _digest(request):
        raise Invalid("page_token", "belongs to another request; repeat the fields of the one that gave it")
    if (
        not isinstance(found, list)
        or [type(value) for value in found] != list(kinds)
        or not all(map(_sane, found))
    ):
        raise forged()
    return found


def ends(span: Span) -> tuple[int, int]:
    """A span as it stands in a position."""
    return us_of(span.start), us_of(span.end)


def resumed(found: list[int]) -> Span:
    """The span that stands in a position, of which later pages are; raises `Invalid` for one that no request can have had."""
    start, end = map(instant, found)
    if start >= end:
        raise forged()
    return Span(start, end)


def instant(us: int) -> datetime:
    """The instant that stands in a position; raises `Invalid` for one that no range may reach."""
    if not 0 <= us <= us_of(LAST_END + timedelta(minutes=1)):
        raise forged()
    return at(us)


def forged() -> Invalid:
    """What is said of a token that we have not made: anybody can write one."""
    return Invalid("page_token", "is not a token that this server gave; begin at the first page")


def _sane(value: int | str) -> bool:
    """Whether the database takes it; tokens can be forged."""
    return "\0" not in value if isinstance(value, str) else -(2**63) <= value < 2**63


def _digest(request: M) -> bytes:
    kept = type(request)()
    kept.CopyFrom(request)
    for name in _FREE:
        kept.ClearField(name)
    text = type(request).DESCRIPTOR.full_name.encode() + b"\0" + kept.SerializeToString(deterministic=True)
    return hashlib.sha256(text).digest()[:8]
