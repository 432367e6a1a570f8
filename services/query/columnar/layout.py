"""What a segment's file looks like, and what is known of the JSON keys in it: written by `shred`, kept beside the segment, read by
`where`.

The most frequent keys of `properties` and `context` are columns, numbered, so that no caller's text names one. A key has a column
for each form that its values take:

    s   JSON strings
    n   JSON numbers whose text a double gives back
    d   the text of other JSON numbers, such as 20.0, 1e-9 and those with more digits than a double holds
    r   the text of what is left: true, false, null, objects and lists

The documents are there as well, for all other keys. Where a value cannot be read from a segment as exactly as from the database,
a mark says so, and a question that depends on it is answered from the database.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

JSON_COLUMNS = ("properties", "context")
FORMS = "sndr"
MOST_KEYS = 60
_MARKS = ("hard", "odd", "deep", "nested")
SCHEMA = pa.schema(
    [
        ("user_id", pa.string()),
        ("occurred_at", pa.timestamp("us", "UTC")),
        ("event_id", pa.uuid()),
        ("batch_id", pa.int64()),
        ("type", pa.int16()),
        ("late", pa.bool_()),
        ("name", pa.string()),
        ("session_id", pa.string()),
        ("properties", pa.string()),
        ("context", pa.string()),
    ]
)
"""An event as it was stored; behind these columns stand those of the keys."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What is not exact of some values."""

    hard: bool = False
    """Numbers that no double holds: comparing doubles would find other rows."""
    odd: bool = False
    """Numbers within objects and lists, whose text a reader of JSON would write differently."""
    deep: bool = False
    """Objects and lists in need of being printed as the database prints them."""
    nested: bool = False
    """Objects and lists, which are the same though their texts differ: 1 and 1.0 are."""

    def __or__(self, other: "Marks") -> "Marks":
        return Marks(*(getattr(self, mark) or getattr(other, mark) for mark in _MARKS))

    def __str__(self) -> str:
        return "".join(mark[0] for mark in _MARKS if getattr(self, mark))

    @classmethod
    def read(cls, text: str) -> "Marks":
        """The inverse of `str`."""
        return cls(*(mark[0] in text for mark in _MARKS))


@dataclass(frozen=True, slots=True)
class Key:
    """A key that has columns."""

    name: str
    count: int
    forms: str
    marks: Marks = Marks()


@dataclass(frozen=True, slots=True)
class Shredded:
    """The keys of one JSON column."""

    keys: tuple[Key, ...] = ()
    rest: Marks | None = None
    """Of all other keys, whose values stand in the documents alone; None where there are none."""

    def find(self, name: str) -> tuple[int, Key] | None:
        """A key and its number."""
        return next(((i, each) for i, each in enumerate(self.keys) if each.name == name), None)


Layout = Mapping[str, Shredded]
"""By JSON column."""
EMPTY: Layout = {column: Shredded() for column in JSON_COLUMNS}


def column(of: str, number: int, form: str) -> str:
    """The name of the column in the file for a key of `properties` or `context`."""
    return f"{of[0]}{number}{form}"


def written(layout: Layout) -> dict[str, Any]:
    """The layout as JSON."""
    return {
        of: {
            "keys": [[each.name, each.count, each.forms, str(each.marks)] for each in shredded.keys],
            "rest": None if shredded.rest is None else str(shredded.rest),
        }
        for of, shredded in layout.items()
    }


def read(document: Mapping[str, Any]) -> Layout:
    """The inverse of `written`."""
    return {
        of: Shredded(
            tuple(Key(name, count, forms, Marks.read(marks)) for name, count, forms, marks in found["keys"]),
            None if found["rest"] is None else Marks.read(found["rest"]),
        )
        for of, found in document.items()
    }


def uncounted(layout: Layout) -> Hashable:
    """What layouts have in common whose files have the same columns, with the same in them."""
    return tuple(
        (of, tuple((each.name, each.forms, each.marks) for each in shredded.keys), shredded.rest)
        for of, shredded in sorted(layout.items())
    )


def wanted(layouts: Sequence[Layout]) -> dict[str, tuple[str, ...]]:
    """The keys that get columns where segments become one: the most frequent."""
    found = {}
    for of in JSON_COLUMNS:
        counts: dict[str, int] = {}
        for layout in layouts:
            for key in layout[of].keys:
                counts[key.name] = counts.get(key.name, 0) + key.count
        found[of] = tuple(sorted(counts, key=lambda name: (-counts[name], name))[:MOST_KEYS])
    return found
