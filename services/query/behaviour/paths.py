"""The ways that people take: `Paths` and their timeline come in, a `PathsResult` goes out.

Rows of a person with no gap between them are a go. Each go that holds a start has one path: from its first start on, or back
from its last. What stands at a step of all paths is one column: the rows so many below the starts, or above them.
"""

import numpy as np

from services.kit.instant import MICROSECOND
from services.query.behaviour.question import Paths
from services.query.behaviour.timeline import (
    Codes,
    Flags,
    Rows,
    Texts,
    Timeline,
    begins,
    ends,
    largest,
    places,
)
from tidemark.v1 import question_pb2 as pb


def result(question: Paths, timeline: Timeline) -> pb.PathsResult:
    """What stands at each step, and how many went from one to the next."""
    texts = timeline.texts("step", question.field)
    rows, lasts = _starts(question, timeline)
    made = pb.PathsResult(paths=len(rows))
    before, from_node = np.zeros(0, np.int32), 0
    for step in range(question.depth + 1):
        codes, ended, to_node = texts.codes[rows], rows == lasts, len(made.nodes)
        shown = largest(np.bincount(codes, minlength=len(texts.labels)), texts, question.top)
        place = places(codes, shown, len(texts.labels))
        _nodes(made, step, place, ended, shown, texts)
        if step:
            _links(made, before, place, from_node, to_node, question.top + 1)
        rows, lasts = rows[~ended] + (-1 if question.backwards else 1), lasts[~ended]
        before, from_node = place[~ended], to_node
    return made


def _starts(question: Paths, timeline: Timeline) -> tuple[Rows, Rows]:
    """The row where each path begins, and the last that it can come to."""
    at, user = timeline.at, timeline.user
    breaks = np.ones(len(at), np.bool_)
    breaks[1:] = (user[1:] != user[:-1]) | (at[1:] - at[:-1] >= question.gap // MICROSECOND)
    heads = np.flatnonzero(breaks)
    starts = np.flatnonzero(timeline.flag("start"))
    goes = (np.cumsum(breaks, dtype=np.int32) - 1)[starts]
    first = begins(goes)
    if not question.backwards:
        return starts[first], ends(heads, len(at))[goes[first]]
    last = ends(first, len(starts))
    return starts[last], heads[goes[last]]


def _nodes(
    made: pb.PathsResult,
    step: int,
    place: Codes,
    ended: Flags,
    shown: Rows,
    texts: Texts,
) -> None:
    """Adds the nodes of a step: those shown, then the rest where there is one."""
    paths = np.bincount(place, minlength=len(shown) + 1)
    over = np.bincount(place[ended], minlength=len(shown) + 1)
    for i, code in enumerate(shown):
        made.nodes.add(step=step, value=texts.label(int(code)), paths=int(paths[i]), ended=int(over[i]))
    if paths[-1]:
        made.nodes.add(step=step, other=True, paths=int(paths[-1]), ended=int(over[-1]))


def _links(
    made: pb.PathsResult, before: Codes, place: Codes, from_node: int, to_node: int, kinds: int
) -> None:
    """Adds how many went from each node of a step to each of the next."""
    counts = np.bincount(before * kinds + place)
    for cell in np.flatnonzero(counts):
        source, target = divmod(int(cell), kinds)
        link = made.links.add(to=to_node + target, paths=int(counts[cell]))
        setattr(link, "from", from_node + source)
