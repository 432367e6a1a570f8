"""What is seen of the properties of events: their objects come in, a profile of every path goes out. Ingest proposes schemas by it,
query tells the quality of data. Pure.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

MAX_PATHS = 1000
"""Keys that are made up as events come would have no end."""
MAX_PATH = 500
EXAMPLES = 5
_LONGEST = 100
"""Bytes of a value that is shown as an example; longer ones are only told apart."""

_TYPES = {str: "string", int: "number", float: "number", bool: "boolean", dict: "object", list: "array"}


@dataclass
class Profile:
    """What is seen at a path, as in `address.city`."""

    path: str
    types: Counter[str] = field(default_factory=Counter)
    """How many values are of each JSON type, but `null`."""
    nulls: int = 0
    values: Counter[bytes] = field(default_factory=Counter)
    """How often each value is seen, as JSON; of long values a digest."""

    @property
    def present(self) -> int:
        """How many values there are, null or not."""
        return self.types.total() + self.nulls

    def examples(self) -> list[str]:
        """The most frequent values, as JSON."""
        shown = sorted((-count, text) for text, count in self.values.items() if not text.startswith(b"\0"))
        return [text.decode() for _, text in shown[:EXAMPLES]]


def profiles(objects: Iterable[Mapping[str, Any]]) -> dict[str, Profile]:
    """The profile of each path within `objects`, in the order in which they are first seen; arrays are not looked into."""
    found: dict[str, Profile] = {}
    for each in objects:
        _add(found, "", each)
    return found


def _add(found: dict[str, Profile], parent: str, part: Mapping[str, Any]) -> None:
    for key, value in part.items():
        path = f"{parent}.{key}" if parent else key
        profile = found.get(path)
        if profile is None:
            if len(found) >= MAX_PATHS or len(path) > MAX_PATH:
                continue
            profile = found[path] = Profile(path)
        if value is None:
            profile.nulls += 1
            continue
        profile.types[_TYPES[type(value)]] += 1
        text = orjson.dumps(value)
        profile.values[text if len(text) <= _LONGEST else _digest(text)] += 1
        if type(value) is dict:
            _add(found, path, value)


def _digest(text: bytes) -> bytes:
    return b"\0" + hashlib.blake2b(text, digest_size=8).digest()
