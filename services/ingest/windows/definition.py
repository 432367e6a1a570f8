"""What a window is, validated: a `Window` of a request comes in, one with its defaults goes out to `store`; and compiled, to `fold`.

Pure; raises `Invalid` naming the field.
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime

from google.protobuf.duration_pb2 import Duration

from services.ingest.rules.expression import Expression
from services.ingest.rules.path import OBJECTS, Path, readable
from services.kit import resource
from services.kit.errors import Invalid
from services.kit.instant import EPOCH
from services.kit.window import COUNT, QUANTILE, UNIQUES, us_of
from tidemark.v1.question_pb2 import Aggregation
from tidemark.v1.window_pb2 import Window, WindowAggregate

MAX_NAMES, MAX_NAME, MAX_KEYS, MAX_AGGREGATES, MAX_WHEN = 100, 200, 3, 10, 1000
MAX_OVERLAP = 100
SECOND_US, DAY_US = 1_000_000, 86_400_000_000
MAX_SIZE_US, MAX_GAP_US, MAX_LATENESS_US = 31 * DAY_US, DAY_US, 30 * DAY_US
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_NO_AGGREGATE = (0, Aggregation.Value("AGGREGATION_RATE"))


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A window, compiled."""

    number: int
    project_id: int
    created_at: datetime
    window: Window
    when: Expression | None
    key: tuple[Path, ...]
    fields: tuple[Path | None, ...]
    """Of each aggregate; None for COUNT."""
    lateness_us: int


def read(given: Window, at: str = "window") -> Window:
    """The window of a request with what it left out; raises `Invalid`."""
    found = Window(
        display_name=resource.display_name(given.display_name, f"{at}.display_name"),
        event_names=given.event_names,
        when=given.when,
        key=given.key,
        aggregates=given.aggregates,
    )
    _names(found, at)
    _shape(given, found, at)
    if not 1 <= len(found.aggregates) <= MAX_AGGREGATES:
        raise Invalid(f"{at}.aggregates", f"has {len(found.aggregates)}; give 1 to {MAX_AGGREGATES}")
    ids: set[str] = set()
    for i, aggregate in enumerate(found.aggregates):
        _aggregate(aggregate, f"{at}.aggregates[{i}]")
        if aggregate.id in ids:
            raise Invalid(
                f"{at}.aggregates[{i}].id", f"is {aggregate.id!r} as of another aggregate; give each its own"
            )
        ids.add(aggregate.id)
    lateness_us = DAY_US
    if given.HasField("allowed_lateness"):
        lateness_us = _length(given.allowed_lateness, 0, MAX_LATENESS_US, f"{at}.allowed_lateness")
    found.allowed_lateness.FromMicroseconds(lateness_us)
    compiled(found, at=at)
    return found


def compiled(
    window: Window,
    number: int = 0,
    project_id: int = 0,
    created_at: datetime = EPOCH,
    at: str = "window",
) -> Definition:
    """A window that was read, as it is applied; raises `Invalid` for an expression or a path."""
    key = tuple(_key(path, f"{at}.key[{i}]") for i, path in enumerate(window.key))
    fields = tuple(
        readable(each.field, f"{at}.aggregates[{i}].field") if each.field else None
        for i, each in enumerate(window.aggregates)
    )
    when = Expression(window.when, f"{at}.when", "when") if window.when else None
    return Definition(
        number, project_id, created_at, window, when, key, fields, us_of(window.allowed_lateness)
    )


def _names(window: Window, at: str) -> None:
    if len(window.event_names) > MAX_NAMES:
        raise Invalid(f"{at}.event_names", f"has {len(window.event_names)}; give at most {MAX_NAMES}")
    for i, name in enumerate(window.event_names):
        if not 1 <= len(name) <= MAX_NAME or "\0" in name:
            raise Invalid(
                f"{at}.event_names[{i}]",
                f"has {len(name)} characters; give 1 to {MAX_NAME} and no NUL, as events have them",
            )
    if len(window.when) > MAX_WHEN:
        raise Invalid(f"{at}.when", f"has {len(window.when)} characters; write at most {MAX_WHEN}")
    if len(window.key) > MAX_KEYS:
        raise Invalid(f"{at}.key", f"has {len(window.key)} fields; give at most {MAX_KEYS}")


def _shape(given: Window, found: Window, at: str) -> None:
    match given.WhichOneof("shape"):
        case "tumbling":
            size_us = _length(given.tumbling.size, SECOND_US, MAX_SIZE_US, f"{at}.tumbling.size")
            found.tumbling.size.FromMicroseconds(size_us)
        case "hopping":
            size_us = _length(given.hopping.size, SECOND_US, MAX_SIZE_US, f"{at}.hopping.size")
            every_us = _length(given.hopping.every, SECOND_US, MAX_SIZE_US, f"{at}.hopping.every")
            if size_us % every_us or size_us > MAX_OVERLAP * every_us:
                raise Invalid(
                    f"{at}.hopping.size",
                    f"is {size_us / SECOND_US:g} s, begun every {every_us / SECOND_US:g} s; give a multiple of that,"
                    f" at most {MAX_OVERLAP} times",
                )
            found.hopping.size.FromMicroseconds(size_us)
            found.hopping.every.FromMicroseconds(every_us)
        case "session":
            gap_us = _length(given.session.gap, SECOND_US, MAX_GAP_US, f"{at}.session.gap")
            found.session.gap.FromMicroseconds(gap_us)
            if not found.key:
                raise Invalid(
                    f"{at}.key", "is empty; a session is of somebody or something, as in ['user_id']"
                )
        case _:
            raise Invalid(f"{at}.tumbling", "is empty, and so are hopping and session; give one of them")


def _aggregate(aggregate: WindowAggregate, at: str) -> None:
    if not _ID.fullmatch(aggregate.id):
        raise Invalid(
            f"{at}.id",
            f"is {aggregate.id[:100]!r}; write 1 to 40 letters, digits and '_', beginning with a letter",
        )
    kind = aggregate.aggregation
    if kind not in Aggregation.values() or kind in _NO_AGGREGATE:
        raise Invalid(f"{at}.aggregation", f"is {kind}; give one but RATE, as in AGGREGATION_COUNT")
    if kind == QUANTILE and not (math.isfinite(aggregate.quantile) and 0 <= aggregate.quantile <= 1):
        raise Invalid(f"{at}.quantile", f"is {aggregate.quantile}; give a number from 0 to 1")
    if kind == COUNT:
        if aggregate.field:
            raise Invalid(f"{at}.field", f"is {aggregate.field[:100]!r}; COUNT counts events, leave it out")
        return
    if kind == UNIQUES:
        aggregate.field = aggregate.field or "user_id"
        _key(aggregate.field, f"{at}.field")
        return
    if readable(aggregate.field, f"{at}.field").column not in OBJECTS:
        raise Invalid(
            f"{at}.field",
            f"is {aggregate.field[:100]!r}, which is no number; write a value of properties or context",
        )


def _key(path: str, at: str) -> Path:
    found = readable(path, at)
    if found.column == "occurred_at":
        raise Invalid(at, "is 'occurred_at', which hardly two events share; write another field")
    return found


def _length(duration: Duration, least_us: int, most_us: int, at: str) -> int:
    length_us = us_of(duration)
    if not least_us <= length_us <= most_us:
        raise Invalid(
            at,
            f"is {length_us / SECOND_US:g} s; give {least_us / SECOND_US:g} s to {most_us // SECOND_US} s",
        )
    return length_us
