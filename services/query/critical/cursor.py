"""Where somebody stands who follows critical events: an entry of each partition's stream. Pure."""

import re
from collections.abc import Sequence

from services.kit import opaque
from services.kit.errors import Invalid

_ENTRY = re.compile(r"[0-9]{1,15}-[0-9]{1,15}\Z")


def encode(entries: Sequence[str]) -> str:
    """The cursor behind the entry of each partition, in order."""
    return opaque.sealed(",".join(entries).encode())


def decode(text: str, partitions: int) -> list[str]:
    """The entry of each partition; raises `Invalid` for what `encode` has not made."""
    try:
        entries = opaque.opened(text).decode().split(",")
    except ValueError:
        entries = []
    if len(entries) != partitions or not all(map(_ENTRY.match, entries)):
        raise Invalid("cursor", "is none that this server gave; leave it out to begin now")
    return entries


def order(entry: str) -> tuple[int, int]:
    """What entries sort by."""
    milliseconds, _, number = entry.partition("-")
    return int(milliseconds), int(number)
