"""Whose events a question is about: the filters of a report and of who reads it hold beside those of each question.

What they cannot narrow is said; what it would show of others is not shown at all to who may see some events only.
"""

from collections.abc import Iterable

from services.kit.narrow import join
from tidemark.v1 import question_pb2 as q

APART = "Left out: it cannot be narrowed to the events that this edition is about."
WHOLE = "The filter of the report does not hold here: this tells of the whole project."


def narrowed(query: q.Query, filters: Iterable[q.Filter]) -> q.Query:
    """The question with these filters beside its own."""
    found = q.Query()
    found.CopyFrom(query)
    for each in filters:
        join(found, each)
    return found


def narrowable(query: q.Query) -> bool:
    """Whether a filter of events can hold for a question: not for what a window or a cohort has gathered."""
    kind = query.WhichOneof("question")
    return kind != "window" and not (kind == "people" and query.people.WhichOneof("group") == "cohort")


def note(query: q.Query) -> str:
    """What a filter leaves as it is; empty where it holds for all of a question."""
    if not narrowable(query):
        return WHOLE
    kind = query.WhichOneof("question")
    if kind in ("series", "table"):
        measures = (query.series if kind == "series" else query.table).measures
        if any(each.source == q.SOURCE_METRICS for each in measures):
            return "The filter of the report does not hold for metrics."
    return ""
