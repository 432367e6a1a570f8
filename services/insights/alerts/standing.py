"""Where the groups of a rule stand between two looks at it, and how buckets move them. Pure.

`evaluation` moves a `Place` bucket by bucket; `store` keeps a `Standing` as bytes.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from services.kit.instant import at, us_of

Group = tuple[str, ...]


@dataclass(slots=True)
class Place:
    """Where one group stands."""

    faulty: int = 0
    """Buckets in a row at fault, up to the last one."""
    clear: int = 0
    """While it is open: buckets in a row without fault."""
    open: bool = False
    """Whether it has opened an incident that has not ended by itself. One that somebody has ended stays open here until the series
    is without fault, or it would be opened again with the next bucket."""
    since: int = 0
    """When the first of those buckets in a row begins, at fault or without, in microseconds since 1970."""
    silent: int = 0
    """For how many buckets nothing has come of the group."""
    side: int = 0
    """For a rule of anomalies: 1 while it is at fault above what was expected, -1 below."""
    model: bytes = b""
    """What `detect` remembers of the series, for a rule of anomalies."""


@dataclass(frozen=True, slots=True)
class Turn:
    """An incident begins or ends with the bucket at `position`."""

    position: int
    opened: bool
    at: int
    """When the first bucket at fault begins, or the last one at fault ends; microseconds since 1970."""


@dataclass(slots=True)
class Standing:
    """Where all groups of a rule stand."""

    until: datetime | None = None
    """The end of the last bucket judged; None before the first."""
    places: dict[Group, Place] = field(default_factory=dict)

    def encode(self) -> bytes:
        """These as bytes. An erasure takes the groups with a person's name out of them, by `services/ingest/erasure/sql.py`."""
        places = [
            [list(group), each.faulty, each.clear, each.open, each.since, each.silent, each.side, base64.b64encode(each.model).decode()]
            for group, each in self.places.items()
        ]  # fmt: skip
        return orjson.dumps({"until": us_of(self.until) if self.until else None, "places": places})

    @classmethod
    def decode(cls, data: bytes) -> "Standing":
        """The standing of `encode`; that of no bytes is a beginning."""
        if not data:
            return cls()
        content: dict[str, Any] = orjson.loads(data)
        places = {
            tuple(group): Place(faulty, clear, is_open, since, silent, side, base64.b64decode(model))
            for group, faulty, clear, is_open, since, silent, side, model in content["places"]
        }
        return cls(None if content["until"] is None else at(content["until"]), places)


def walk(
    place: Place,
    faults: list[bool],
    starts: list[int],
    *,
    for_buckets: int,
    clear_buckets: int,
    may_open: bool = True,
) -> Iterator[Turn]:
    """Moves a place over buckets that begin at `starts`, and tells the incidents that open and end on the way."""
    for position, (fault, start) in enumerate(zip(faults, starts, strict=True)):
        if fault:
            if not place.faulty:
                place.since = start
            place.faulty, place.clear = place.faulty + 1, 0
            if may_open and not place.open and place.faulty >= for_buckets:
                place.open = True
                yield Turn(position, True, place.since)
            continue
        place.faulty = 0
        if place.open:
            # From the first bucket without fault on, the incident may turn out to be over.
            place.since = place.since if place.clear else start
            place.clear += 1
            if place.clear >= clear_buckets:
                place.open, place.clear = False, 0
                yield Turn(position, False, place.since)
