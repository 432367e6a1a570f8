"""How good events are: counts of `store` and the profiles of two samples come in, messages of the contract go out to `servicer`. Pure."""

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

import orjson

from services.kit.profile import MAX_PATH, MAX_PATHS, Profile, profiles
from tidemark.v1 import pipeline_pb2 as pb

_JOINING = ("allOf", "anyOf", "oneOf")
_CONDITIONAL = ("then", "else")
_MOST_VISITED = 10_000

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventRecord:
    """What is counted of an event."""

    name: str
    count: int
    previous: int
    checked: int
    violations: int
    rule_failures: int
    dead_lettered: int
    rejected: int
    schema_id: str | None
    schema_version: int | None
    enforcement: int | None
    document: str | None
    """The schema, of an event that is asked about by its name."""
    newest: datetime | None

    def message(self, project: str, now: datetime) -> pb.EventQuality:
        """As callers see it."""
        made = pb.EventQuality(
            event_name=self.name,
            count=self.count,
            previous_count=self.previous,
            schema=f"{project}/schemas/{self.schema_id}" if self.schema_id else "",
            schema_version=self.schema_version or 0,
            enforcement=self.enforcement or 0,  # type: ignore[arg-type]
            checked_count=self.checked,
            violation_count=self.violations,
            violation_share=self.violations / self.checked if self.checked else math.nan,
            rule_failure_count=self.rule_failures,
            dead_lettered_count=self.dead_lettered,
            rejected_count=self.rejected,
        )
        if self.newest is not None:
            made.last_occurred_at.FromDatetime(self.newest)
            made.freshness.FromTimedelta(max(now - self.newest, timedelta()))
        return made


def of_properties(
    now: Sequence[Object], before: Sequence[Object], document: str | None
) -> list[pb.PropertyQuality]:
    """How good each property is, by path: of the events now, compared with those before, as the schema plans them."""
    ours, theirs = profiles(now), profiles(before)
    known = dict.fromkeys(planned(orjson.loads(document))) if document else {}
    paths = sorted(list(ours | theirs | known)[:MAX_PATHS])
    return [
        _quality(
            ours.get(path, Profile(path)),
            theirs.get(path, Profile(path)),
            len(now),
            len(before),
            path in known,
        )
        for path in paths
    ]


def planned(document: Object) -> Iterator[str]:
    """The paths of the properties that a JSON Schema names, in whatever part of it, the shortest first."""
    seen: set[tuple[int, str]] = set()
    waiting: deque[tuple[Any, str]] = deque([(document, "")])
    while waiting and len(seen) < _MOST_VISITED:
        schema, path = waiting.popleft()
        if not isinstance(schema, dict) or (id(schema), path) in seen:
            continue
        seen.add((id(schema), path))
        waiting += [(each, path) for keyword in _JOINING for each in schema.get(keyword, ())]
        waiting += [(schema[keyword], path) for keyword in _CONDITIONAL if keyword in schema]
        if "$ref" in schema:
            waiting.append((_target(document, schema["$ref"]), path))
        for key, each in schema.get("properties", {}).items():
            name = f"{path}.{key}" if path else key
            if len(name) <= MAX_PATH:
                yield name
                waiting.append((each, name))


def _target(document: Object, reference: str) -> object:
    """What a reference within the document names."""
    found: Any = document
    for key in unquote(reference.removeprefix("#")).split("/")[1:]:
        key = key.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = found[int(key)] if key.isdecimal() and int(key) < len(found) else None
        else:
            found = found.get(key) if isinstance(found, dict) else None
    return found


def _quality(now: Profile, before: Profile, count: int, count_before: int, known: bool) -> pb.PropertyQuality:
    shares, earlier = _shares(now), _shares(before)
    drift = sum(abs(shares.get(kind, 0.0) - earlier.get(kind, 0.0)) for kind in {*shares, *earlier}) / 2
    return pb.PropertyQuality(
        path=now.path,
        null_share=_null_share(now, count),
        previous_null_share=_null_share(before, count_before),
        types=shares,
        type_drift=drift if shares and earlier else math.nan,
        distinct_count=len(now.values),
        examples=now.examples(),
        planned=known,
    )


def _null_share(profile: Profile, count: int) -> float:
    return 1 - profile.types.total() / count if count else math.nan


def _shares(profile: Profile) -> dict[str, float]:
    total = profile.types.total()
    return {kind: count / total for kind, count in profile.types.items()}
