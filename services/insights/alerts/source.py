"""The series of a rule: a span comes in, lines over it and over the past that the rule needs go out to `evaluation`."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from services.insights.alerts.evaluation import Starts
from services.insights.alerts.rule import Rule, back
from services.insights.alerts.standing import Group
from services.insights.series import Series, series_of
from services.insights.source import Query
from services.kit.calendar import Span, edges
from tidemark.v1.query_pb2 import RunQueryResponse
from tidemark.v1.question_pb2 import QueryMetadata

CHUNK = 5000
"""Buckets that query is asked for at once; one answer holds no more than 10 000, and less of many groups."""


async def asked(
    query: Query, project: str, rule: Rule, span: Span, past: int, zone: ZoneInfo
) -> tuple[QueryMetadata, list[Series], Starts]:
    """The lines of a rule over a span and so many buckets before it, how good the last of them are, and where buckets begin."""
    whole = Span(back(span.start, past, rule.step, zone), span.end)
    marks = edges(whole, rule.step, zone, 10 * CHUNK)[:-1][::CHUNK]
    parts = []
    for start, end in zip(marks, [*marks[1:], whole.end], strict=True):
        question = rule.query(Span(start, end))
        answer = await query.run(project, question)
        parts.append((_starts(answer), series_of(answer, question)))
    starts = np.concatenate([each for each, _ in parts])
    return answer.metadata, _joined(rule, parts, starts), starts


def _starts(answer: RunQueryResponse) -> Starts:
    return np.array([each.ToMicroseconds() for each in answer.series.bucket_starts], "datetime64[us]")


def _joined(rule: Rule, parts: list[tuple[Starts, list[Series]]], starts: Starts) -> list[Series]:
    """The lines of all parts, one for each group; nothing where a part does not have it."""
    if len(parts) == 1:
        return parts[0][1]
    found: dict[tuple[Group, bool], Series] = {}
    begin = 0
    for within, lines in parts:
        for line in lines:
            key = line.group, line.other
            if key not in found:
                found[key] = replace(line, starts=starts, values=np.full(len(starts), rule.nothing))
            found[key].values[begin : begin + len(within)] = line.values
        begin += len(within)
    return list(found.values())
