"""Filters that hold beside those of a question: of a dashboard and its reader for its tiles, of a report and its recipient for its sections.

A question and a filter come in; the question is changed, for everything in it that is about events. Pure.
"""

from collections.abc import Iterator
from typing import Any

from tidemark.v1 import question_pb2 as q


def join(query: q.Query, other: q.Filter) -> None:
    """Makes a filter hold beside those of a question, for everything in it that is about events."""
    if other.WhichOneof("node") is None:
        return
    for holder in holders(query):
        if holder.filter.WhichOneof("node") is None:
            holder.filter.CopyFrom(other)
        else:
            both = q.Filter(all=q.FilterGroup(filters=[holder.filter, other]))
            holder.filter.CopyFrom(both)


def holders(query: q.Query) -> Iterator[Any]:
    """The messages in a question whose field `filter` says which events count."""
    kind = query.WhichOneof("question")
    match kind:
        case "series" | "table":
            asked = query.series if kind == "series" else query.table
            of_events = [each for each in asked.measures if each.source != q.SOURCE_METRICS]
            yield from [asked] if len(of_events) == len(asked.measures) else of_events
        case "lifecycle":
            yield query.lifecycle.activity
        case "people":
            people = query.people
            match people.WhichOneof("group"):
                case "did":
                    yield people.did
                case "funnel":
                    yield people.funnel.funnel
                case "retention":
                    yield people.retention.retention
                case "lifecycle":
                    yield people.lifecycle.lifecycle.activity
        case "events" | "funnel" | "retention" | "sessions" | "paths":
            yield getattr(query, kind)
