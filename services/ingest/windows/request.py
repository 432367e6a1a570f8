"""What a request for results says, once it is known to be well formed. Pure; raises `Invalid` naming the field."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import orjson

from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.kit.instant import EPOCH, at, us_of
from services.kit.period import span
from services.kit.window import MAX_KEY
from tidemark.v1 import window_pb2 as pb

LAST_US = us_of(EPOCH.replace(year=9999))
DEFAULT = timedelta(days=1)

Place = tuple[datetime, list[str]]
"""When a window begins, and its key."""


def asked_span(request: pb.ListWindowResultsRequest, zone: str, now: datetime) -> Span:
    """When the windows begin that are asked for."""
    if request.HasField("time_range"):
        return span(request.time_range, ZoneInfo(zone), now, "time_range")
    return Span(now - DEFAULT, now)


def asked_key(request: pb.ListWindowResultsRequest, window: pb.Window) -> list[str] | None:
    """The only key that is asked for, as it is kept; None for all."""
    return key(request.key, window, "key") if request.key else None


def key(values: Sequence[str], window: pb.Window, field: str) -> list[str]:
    """The values of a key, as they are kept."""
    if len(values) != len(window.key):
        fields = ", ".join(window.key) or "none"
        raise Invalid(field, f"has {len(values)} values; give one for each field of the window: {fields}")
    for i, value in enumerate(values):
        if "\0" in value:
            raise Invalid(f"{field}[{i}]", "holds a NUL; leave it out")
    return [value[:MAX_KEY] for value in values]


def position(found: Sequence[int | str] | None, window: pb.Window) -> Place | None:
    """The place behind which a page begins, of what its token holds; raises `Invalid` for one that was forged."""
    if found is None:
        return None
    start_us, text = found
    try:
        values = orjson.loads(str(text))
    except orjson.JSONDecodeError as error:
        raise _forged() from error
    known = isinstance(values, list) and len(values) == len(window.key)
    if not known or not all(isinstance(each, str) and "\0" not in each for each in values):
        raise _forged()
    if not isinstance(start_us, int) or not -LAST_US < start_us < LAST_US:
        raise _forged()
    try:
        return at(start_us), values
    except OverflowError as error:
        raise _forged() from error


def token(start: datetime, values: Sequence[str]) -> tuple[int, str]:
    """What the token of the page behind a place holds."""
    return us_of(start), orjson.dumps(list(values)).decode()


def _forged() -> Invalid:
    return Invalid("page_token", "is not a token that this server gave; begin at the first page")
