"""Page tokens: opaque to callers and bound to the request they continue. Pure.

A servicer hands in the request and the position of the last row it gave; the next request brings the token back.
"""

import hashlib
from datetime import datetime
from typing import Any, TypeVar

import orjson
from google.protobuf.message import Message

from services.kit import opaque
from services.kit.errors import Invalid
from services.kit.instant import at

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

    Raises `Invalid` as `position` does, and for an instant beyond any calendar: tokens can be forged.
    """
    found = position(request, int, kind)
    if found is None:
        return None
    try:
        return at(found[0]), found[1]
    except OverflowError as error:
        raise _forged() from error


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
        raise _forged() from error
    if data[:8] != _digest(request):
        raise Invalid("page_token", "belongs to another request; repeat the fields of the one that gave it")
    if (
        not isinstance(found, list)
        or [type(value) for value in found] != list(kinds)
        or not all(map(_sane, found))
    ):
        raise _forged()
    return found


def _forged() -> Invalid:
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
