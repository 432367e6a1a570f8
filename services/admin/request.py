"""What a request of AdminService says, once it is known to be well formed. Pure; raises `Invalid` naming the field.

Messages come in from `servicer.py`, plain values go back to it and on to `store.py`.
"""

import re
import uuid
import zoneinfo
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from services.kit.errors import Invalid
from tidemark.v1.admin_pb2 import ROLE_UNSPECIFIED, Key, Project, Role, UpdateProjectRequest

_PROJECT_ID = re.compile(r"[a-z][a-z0-9-]{2,39}")
_KEY_NAME = re.compile(r"(projects/(?:-|[a-z][a-z0-9-]{2,39}))/keys/([a-z0-9]{1,32})")
_UPDATABLE = ("display_name", "time_zone")


def project_id(text: str) -> str:
    """The last part of a new project's name."""
    if not _PROJECT_ID.fullmatch(text):
        raise Invalid(
            "project_id",
            f"is {text[:100]!r}; write 3 to 40 lower-case letters, digits and '-', beginning with a letter",
        )
    return text


def key_name(name: str) -> tuple[str, str]:
    """The parent and the id of `projects/{project}/keys/{key}`."""
    match = _KEY_NAME.fullmatch(name)
    if match is None:
        raise Invalid("name", f"is {name[:100]!r}; write projects/{{project}}/keys/{{key}}")
    return match[1], match[2]


def request_id(text: str) -> uuid.UUID | None:
    """The UUID that makes a repetition safe, where there is one."""
    if not text:
        return None
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Invalid("request_id", f"is {text[:100]!r}; write a UUID") from error


def new_project(project: Project) -> dict[str, str]:
    """The columns of a new project."""
    return {
        "display_name": _display_name("project", project.display_name),
        "time_zone": _time_zone(project.time_zone or "UTC"),
    }


def changes(request: UpdateProjectRequest) -> dict[str, str]:
    """The columns that an update sets: those of its mask, or every field set where it has none."""
    paths: Sequence[str] = list(request.update_mask.paths)
    for path in paths:
        if path not in (*_UPDATABLE, "*"):
            raise Invalid("update_mask", f"names {path[:100]!r}; write {', '.join(_UPDATABLE)} or *")
    if "*" in paths:
        paths = _UPDATABLE
    elif not paths:
        paths = [name for name in _UPDATABLE if getattr(request.project, name)]
    if not paths:
        raise Invalid("update_mask", f"is empty and no field is set; name {', '.join(_UPDATABLE)} or *")
    values = new_project(request.project)
    return {name: values[name] for name in _UPDATABLE if name in paths}


def revision(etag: str) -> int | None:
    """The revision that an etag stands for; None where any will do."""
    if not etag:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", etag):
        raise Invalid("project.etag", f"is {etag[:100]!r}; send back the one that was read")
    return int(etag)


def new_key(key: Key, now: datetime) -> dict[str, Any]:
    """The columns of a new key."""
    if key.role == ROLE_UNSPECIFIED or key.role not in Role.values():
        names = ", ".join(name for name in Role.keys() if name != "ROLE_UNSPECIFIED")  # noqa: SIM118
        raise Invalid("key.role", f"is {key.role}; write one of {names}")
    for name in ("events_per_minute", "requests_per_minute"):
        if getattr(key, name) < 0:
            raise Invalid(f"key.{name}", f"is {getattr(key, name)}; write 0 for no limit, or more")
    return {
        "display_name": _display_name("key", key.display_name),
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


def _display_name(resource: str, text: str) -> str:
    if len(text) > 100:
        raise Invalid(f"{resource}.display_name", f"has {len(text)} characters; write at most 100")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise Invalid(f"{resource}.display_name", "holds a control character; leave it out")
    return text


def _time_zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(
            "project.time_zone", f"is {name[:100]!r}; write an IANA name such as Europe/Berlin"
        ) from error
    return name
