"""What requests of DeliveryService say, once they are known to be well formed. Pure; raises `Invalid` naming the field.

Destinations go on to `store` without their secrets, which go beside them.
"""

import re

from services.kit import resource, target
from services.kit.errors import Invalid
from tidemark.v1 import delivery_pb2 as pb
from tidemark.v1.alert_pb2 import Notification

MAX_PATH, MAX_PREFIX, MAX_SECRET, MAX_URL = 200, 200, 200, 2000
REGION = "us-east-1"
_PART = re.compile(r"[A-Za-z0-9._-]{1,100}")
_REGION, _BUCKET = re.compile(r"[a-z0-9-]{1,40}"), re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEY_ID, _SECRET = re.compile(r"[A-Za-z0-9_.+=@-]{1,128}"), re.compile(f"[!-~]{{1,{MAX_SECRET}}}")
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,300}/?")
_CHAT = re.compile(rf"https?://[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]{{1,{MAX_URL}}}")
_OF = re.compile(f"(projects/{resource.ID})/reports/({resource.ID})(?:/(editions|runs)/({resource.ID}))?")


def destination(given: pb.Destination, at: str = "destination") -> tuple[pb.Destination, str]:
    """The destination of a request with what it left out, and its secret."""
    found = pb.Destination(display_name=resource.display_name(given.display_name, f"{at}.display_name"))
    secret = ""
    match given.WhichOneof("target"):
        case "webhook":
            found.webhook.CopyFrom(target.webhook(given.webhook, f"{at}.webhook"))
        case "email":
            found.email.CopyFrom(target.email(given.email, f"{at}.email"))
        case "folder":
            found.folder.path = _path(given.folder.path, f"{at}.folder.path")
        case "s3":
            found.s3.CopyFrom(_s3(given.s3, f"{at}.s3"))
            secret = given.s3.secret_access_key
        case "chat":
            found.chat.SetInParent()
            secret = given.chat.url
            # What is wrong with it is told without it: it is a secret.
            if not _CHAT.fullmatch(secret):
                raise Invalid(
                    f"{at}.chat.url", "is no address; write it as the chat gives it, https://hooks…"
                )
        case _:
            raise Invalid(
                f"{at}.webhook", "is empty, and so are email, folder, s3 and chat; give one of them"
            )
    return found, secret


def of(name: str, project: str) -> tuple[str, str, str]:
    """What deliveries are asked for: the ids of a report, an edition and a run, empty for any."""
    if not name:
        return "", "", ""
    match = _OF.fullmatch(name)
    if match is None:
        raise Invalid(
            "of",
            f"is {name[:100]!r}; write projects/{{project}}/reports/{{report}}, or …/editions/{{edition}} or …/runs/{{run}} of it",
        )
    if match[1] != project:
        raise Invalid("of", f"is {name[:100]!r}, not of {project}")
    return (
        match[2],
        match[4] if match[3] == "editions" else "",
        match[4] if match[3] == "runs" else "",
    )


def states(given: list[int]) -> list[int]:
    """The states that are asked for."""
    for i, state in enumerate(given):
        if not state or state not in Notification.State.values():
            raise Invalid(f"states[{i}]", f"is {state}; give one, as in STATE_FAILED")
    return given


def _path(path: str, at: str) -> str:
    parts = path.split("/") if path else []
    if len(path) > MAX_PATH or not all(
        _PART.fullmatch(part) and part.strip(".") and not part.startswith(".") for part in parts
    ):
        raise Invalid(
            at,
            f"is {path[:100]!r}; write parts of letters, digits, '.', '-' and '_' with '/' between, none beginning with '.', "
            f"at most {MAX_PATH} characters",
        )
    return path


def _s3(given: pb.S3Target, at: str) -> pb.S3Target:
    found = pb.S3Target(
        endpoint=given.endpoint.rstrip("/"),
        region=given.region or REGION,
        bucket=given.bucket,
        prefix=given.prefix,
        access_key_id=given.access_key_id,
    )
    if not _ENDPOINT.fullmatch(given.endpoint):
        raise Invalid(
            f"{at}.endpoint",
            f"is {given.endpoint[:100]!r}; write the address alone, as in https://s3.eu-central-1.amazonaws.com",
        )
    for name, pattern, remedy in (
        ("region", _REGION, "write as in eu-central-1"),
        ("bucket", _BUCKET, "write 3 to 63 lower-case letters, digits, '.' and '-'"),
        ("access_key_id", _KEY_ID, "write the id as the store gives it"),
    ):
        if not pattern.fullmatch(getattr(found, name)):
            raise Invalid(f"{at}.{name}", f"is {getattr(found, name)[:100]!r}; {remedy}")
    if found.prefix:
        _path(found.prefix.removesuffix("/"), f"{at}.prefix")
    if not _SECRET.fullmatch(given.secret_access_key):
        raise Invalid(
            f"{at}.secret_access_key",
            f"has {len(given.secret_access_key)} characters; write the secret as the store gives it",
        )
    return found
