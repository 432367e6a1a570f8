"""What a request of InsightService says, once it is known to be well formed. Pure; raises `Invalid` naming the field."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.kit import opaque, period
from services.kit.calendar import Span
from services.kit.errors import Invalid
from tidemark.v1 import insight_pb2 as pb

MAX_SEARCH, MAX_COMMENT = 200, 1000
SHOWN = (pb.Insight.STATE_OPEN, pb.Insight.STATE_ACKNOWLEDGED)
_CURSOR = 18


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which insights are listed."""

    types: list[int]
    """Empty for all."""
    least_severity: int
    states: list[int]
    cause: int
    """0 for all."""
    span: Span | None
    search: str
    newest: bool


def wanted(request: pb.ListInsightsRequest, zone: ZoneInfo, now: datetime) -> Wanted:
    """What a list shows."""
    for i, kind in enumerate(request.types):
        _known(kind, pb.InsightType, f"types[{i}]", "INSIGHT_TYPE_TREND")
    for i, state in enumerate(request.states):
        _known(state, pb.Insight.State, f"states[{i}]", "STATE_OPEN")
    if request.least_severity:
        _known(request.least_severity, pb.Severity, "least_severity", "SEVERITY_HIGH")
    if request.cause:
        _known(request.cause, pb.Cause, "cause", "CAUSE_DATA_INCIDENT")
    if request.order not in pb.ListInsightsRequest.Order.values():
        raise Invalid("order", f"is {request.order}; give ORDER_PRIORITY or ORDER_NEWEST")
    if len(request.search) > MAX_SEARCH or "\0" in request.search:
        raise Invalid("search", f"has {len(request.search)} characters; give at most {MAX_SEARCH} and no NUL")
    return Wanted(
        types=list(request.types),
        least_severity=request.least_severity,
        states=list(request.states) or list(SHOWN),
        cause=request.cause,
        span=period.span(request.time_range, zone, now, "time_range")
        if request.HasField("time_range")
        else None,
        search=request.search.lower(),
        newest=request.order == pb.ListInsightsRequest.ORDER_NEWEST,
    )


def feedback(request: pb.GiveFeedbackRequest) -> int:
    """What somebody says of an insight."""
    _known(request.feedback, pb.Feedback, "feedback", "FEEDBACK_CONFIRMED")
    if len(request.comment) > MAX_COMMENT or "\0" in request.comment:
        raise Invalid(
            "comment", f"has {len(request.comment)} characters; write at most {MAX_COMMENT} and no NUL"
        )
    return request.feedback


def cursor(change: int) -> str:
    """Where somebody stands who knows all changes up to this one."""
    return opaque.sealed(str(change).encode())


def change(text: str) -> int:
    """The change that a cursor stands for."""
    try:
        digits = opaque.opened(text).decode()
    except ValueError:
        digits = ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _CURSOR):
        raise Invalid("cursor", "is none that this server gave; leave it out to begin now")
    return int(digits)


def _known(value: int, kind: object, field: str, example: str) -> None:
    if not value or value not in kind.values():  # type: ignore[attr-defined]
        raise Invalid(field, f"is {value}; give one of the values, as in {example}")
