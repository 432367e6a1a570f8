"""What resources of every kind have in common: ids, names, etags, masks of updates, ids of requests. Pure.

Texts of a request come in from the modules that read it, checked values go back; `Invalid` names the field at fault.
"""

import re
import unicodedata
import uuid
from collections.abc import Collection, Sequence
from typing import Any

from services.kit.errors import Invalid

ID = "[a-z][a-z0-9-]{2,39}"
"""What the last part of a name looks like, as a regular expression."""
MAX_NAME = 100


def new_id(text: str, field: str) -> str:
    """The last part of a new resource's name."""
    if not re.fullmatch(ID, text):
        raise Invalid(
            field,
            f"is {text[:100]!r}; write 3 to 40 lower-case letters, digits and '-', beginning with a letter",
        )
    return text


def made_id(display_name: str, noun: str, taken: Collection[str]) -> str:
    """An id that reads like the display name and is not taken; of names without latin letters, like the noun."""
    plain = unicodedata.normalize("NFKD", display_name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    base = (words if re.fullmatch(f"{ID}.*", words) else f"{noun}-{words}")[:40].strip("-")
    found, number = base, 1
    while found in taken:
        number += 1
        found = f"{base[: 39 - len(str(number))].rstrip('-')}-{number}"
    return found


def parted(name: str, collection: str, field: str) -> tuple[str, str]:
    """The parent and the id of `projects/{project}/<collection>/{id}`."""
    match = re.fullmatch(f"(projects/{ID})/{collection}/({ID})", name)
    if match is None:
        noun = collection.removesuffix("s")
        raise Invalid(field, f"is {name[:100]!r}; write projects/{{project}}/{collection}/{{{noun}}}")
    return match[1], match[2]


def request_id(text: str) -> uuid.UUID | None:
    """The UUID that makes a repetition safe, where there is one."""
    if not text:
        return None
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Invalid("request_id", f"is {text[:100]!r}; write a UUID") from error


def revision(etag: str, field: str) -> int | None:
    """The revision that an etag stands for; None where any will do."""
    if not etag:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", etag):
        raise Invalid(field, f"is {etag[:100]!r}; send back the one that was read")
    return int(etag)


def display_name(text: str, field: str) -> str:
    """The name people read."""
    if len(text) > MAX_NAME:
        raise Invalid(field, f"has {len(text)} characters; write at most {MAX_NAME}")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise Invalid(field, "holds a control character; leave it out")
    return text


def masked(request: Any, resource: Any, updatable: Sequence[str]) -> list[str]:
    """The fields that an update sets: those of its mask, or every field set where it has none."""
    paths = list(request.update_mask.paths)
    for path in paths:
        if path not in (*updatable, "*"):
            raise Invalid("update_mask", f"names {path[:100]!r}; write {', '.join(updatable)} or *")
    if "*" in paths:
        return list(updatable)
    if not paths:
        paths = [field.name for field, _ in resource.ListFields() if field.name in updatable]
    if not paths:
        raise Invalid("update_mask", f"is empty and no field is set; name {', '.join(updatable)} or *")
    return paths
