"""What a request of AdminService says, once it is known to be well formed. Pure; raises `Invalid` naming the field.

Messages come in from `servicer.py`, plain values go back to it and on to `store.py`.
"""

import re
import zoneinfo
from datetime import UTC, datetime
from typing import Any

from services.kit import resource
from services.kit.errors import Invalid
from tidemark.v1.admin_pb2 import ROLE_UNSPECIFIED, Key, Project, Reader, Role, UpdateProjectRequest

USUAL_CONNECTIONS, MOST_CONNECTIONS = 5, 50

_KEY_NAME = re.compile(rf"(projects/(?:-|{resource.ID}))/keys/([a-z0-9]{{1,32}})")
_UPDATABLE = ("display_name", "time_zone")


def project_id(text: str) -> str:
    """The last part of a new project's name."""
    return resource.new_id(text, "project_id")


def reader_id(text: str) -> str:
    """The last part of a new reader's name."""
    return resource.new_id(text, "reader_id")


def reader_name(name: str) -> tuple[str, str]:
    """The parent and the id of `projects/{project}/readers/{reader}`."""
    return resource.parted(name, "readers", "name")


def connections(reader: Reader) -> int:
    """How many connections a new reader may have at once."""
    if not 0 <= reader.connections <= MOST_CONNECTIONS:
        raise Invalid(
            "reader.connections",
            f"is {reader.connections}; write 1 to {MOST_CONNECTIONS}, or 0 for {USUAL_CONNECTIONS}",
        )
    return reader.connections or USUAL_CONNECTIONS


def key_name(name: str) -> tuple[str, str]:
    """The parent and the id of `projects/{project}/keys/{key}`."""
    match = _KEY_NAME.fullmatch(name)
    if match is None:
        raise Invalid("name", f"is {name[:100]!r}; write projects/{{project}}/keys/{{key}}")
    return match[1], match[2]


def new_project(project: Project) -> dict[str, str]:
    """The columns of a new project."""
    return {
        "display_name": resource.display_name(project.display_name, "project.display_name"),
        "time_zone": _time_zone(project.time_zone or "UTC"),
    }


def changes(request: UpdateProjectRequest) -> dict[str, str]:
    """The columns that an update sets: those of its mask, or every field set where it has none."""
    paths = resource.masked(request, request.project, _UPDATABLE)
    values = new_project(request.project)
    return {name: values[name] for name in _UPDATABLE if name in paths}


def new_key(key: Key, now: datetime) -> dict[str, Any]:
    """The columns of a new key."""
    if key.role == ROLE_UNSPECIFIED or key.role not in Role.values():
        names = ", ".join(name for name in Role.keys() if name != "ROLE_UNSPECIFIED")  # noqa: SIM118
        raise Invalid("key.role", f"is {key.role}; write one of {names}")
    for name in ("events_per_minute", "requests_per_minute"):
        if getattr(key, name) < 0:
            raise Invalid(f"key.{name}", f"is {getattr(key, name)}; write 0 for no limit, or more")
    return {
        "display_name": resource.display_name(key.display_name, "key.display_name"),
        "role": key.role,
        "events_per_minute": key.events_per_minute,
        "requests_per_minute": key.requests_per_minute,
        "expires_at": _expire_time(key, now),
    }


def sought(text: str, field: str) -> str:
    """A text that entries are looked for by."""
    if "\0" in text:
        raise Invalid(field, "holds a NUL character; leave it out")
    return text


def _expire_time(key: Key, now: datetime) -> datetime | None:
    if not key.HasField("expire_time"):
        return None
    try:
        expires_at = key.expire_time.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid("key.expire_time", "is no time between the years 1 and 9999") from error
    if expires_at <= now:
        raise Invalid(
            "key.expire_time", f"is {expires_at:%Y-%m-%dT%H:%M:%SZ}, which has passed; write a later one"
        )
    return expires_at


def _time_zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(
            "project.time_zone", f"is {name[:100]!r}; write an IANA name such as Europe/Berlin"
        ) from error
    return name
