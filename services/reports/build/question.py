"""The answer to a question of any kind but events and people: it comes in, and the module for its kind makes the blocks."""

from collections.abc import Iterable, Iterator
from typing import Any

from services.reports.build import funnel, lifecycle, paths, retention, series, sessions, table
from services.reports.build.shown import Shown
from services.reports.document import Block
from tidemark.v1.query_pb2 import RunQueryResponse

_KINDS: dict[str, Any] = {
    "series": series,
    "table": table,
    "funnel": funnel,
    "retention": retention,
    "lifecycle": lifecycle,
    "sessions": sessions,
    "paths": paths,
}


def blocks(shown: Shown, answer: RunQueryResponse) -> list[Block]:
    """What is shown of an answer."""
    kind = answer.WhichOneof("result") or ""
    made: Iterable[Block] = _KINDS[kind].blocks(shown, getattr(answer, kind))
    return list(made)


def notes(answer: RunQueryResponse) -> Iterator[str]:
    """What readers should know of an answer beside what query says."""
    kind = answer.WhichOneof("result") or ""
    told = getattr(_KINDS[kind], "notes", None)
    if told is not None:
        yield from told(getattr(answer, kind))
