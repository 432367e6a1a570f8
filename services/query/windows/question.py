"""What is asked of a window, validated as far as that can be told without it: a `WindowQuestion` comes in, a `Window` goes out."""

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.kit.resource import ID
from services.kit.window import MAX_KEY
from tidemark.v1 import question_pb2 as pb

MAX_TOP, DEFAULT_TOP = 100, 10
MAX_AGGREGATES, MAX_FIELDS = 10, 3


@dataclass(frozen=True, slots=True)
class Window:
    """A question for what a window keeps."""

    span: Span
    """When the windows begin."""
    zone: ZoneInfo
    project: str
    window_id: str
    aggregates: tuple[str, ...]
    """Ids of those shown; all where there are none."""
    key: tuple[str, ...]
    """The only key shown; all where it is empty."""
    top: int

    @property
    def name(self) -> str:
        """The resource name of the window."""
        return f"{self.project}/windows/{self.window_id}"


def read(asked: pb.WindowQuestion, span: Span, zone: ZoneInfo, at: str) -> Window:
    """The question; raises `Invalid` naming the field below `at`."""
    match = re.fullmatch(f"(projects/{ID})/windows/({ID})", asked.window)
    if match is None:
        raise Invalid(
            f"{at}.window", f"is {asked.window[:100]!r}; write projects/{{project}}/windows/{{window}}"
        )
    if len(asked.aggregates) > MAX_AGGREGATES:
        raise Invalid(f"{at}.aggregates", f"has {len(asked.aggregates)}; give at most {MAX_AGGREGATES}")
    for i, each in enumerate(asked.aggregates):
        if each in asked.aggregates[:i]:
            raise Invalid(f"{at}.aggregates[{i}]", f"is {each[:100]!r} once more; give each once")
    if len(asked.key) > MAX_FIELDS:
        raise Invalid(f"{at}.key", f"has {len(asked.key)} values; give at most {MAX_FIELDS}")
    for i, value in enumerate(asked.key):
        if "\0" in value:
            raise Invalid(f"{at}.key[{i}]", "holds a NUL; leave it out")
    if not 0 <= asked.top <= MAX_TOP:
        raise Invalid(f"{at}.top", f"is {asked.top}; give 1 to {MAX_TOP}, or 0 for {DEFAULT_TOP}")
    key = tuple(value[:MAX_KEY] for value in asked.key)
    return Window(span, zone, match[1], match[2], tuple(asked.aggregates), key, asked.top or DEFAULT_TOP)
