"""`tidemark query` and `tidemark watch`: questions in, tables, charts, JSON or CSV out."""

import csv
import io
import math
from argparse import Namespace
from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime
from itertools import islice
from typing import Any

import orjson

from tidemark import questions
from tidemark.client import Client
from tidemark.records import Change, Event, Events, Line, Metadata, Series, event_rows
from tidemark.terminal.chart import chart
from tidemark.terminal.console import Console
from tidemark.terminal.table import number, table, text
from tidemark.v1 import question_pb2

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def query(client: Client, arguments: Namespace, console: Console) -> int:
    """Answers a question once."""
    asked = question(arguments)
    if arguments.about == "events":
        await _events(client, asked, arguments, console)
        return 0
    answer = await client.query(asked)
    assert isinstance(answer, Series)
    if arguments.format != "table":
        console.say(*written(answer.rows(), arguments.format))
    else:
        console.say(*chart(answer, console.width, color=console.color))
        console.say("", *trust(answer.metadata))
    return 0


async def watch(client: Client, arguments: Namespace, console: Console) -> int:
    """Shows the answer and keeps it up to date until interrupted."""
    asked = question(arguments)
    state: Events | Series | None = None
    if console.out.isatty():
        console.out.write("\x1b[2J")
    async with aclosing(
        client.watch(asked, min_interval=arguments.every, page_size=arguments.limit)
    ) as changes:
        async for change in changes:
            state = merged(state, change, arguments.limit)
            if state is not None and change.kind != "heartbeat":
                console.redraw([*drawn(state, console), "", *trust(change.metadata)])
    return 0


def question(arguments: Namespace) -> question_pb2.Query:
    """The question that the arguments of a command ask."""
    span = {"last": arguments.last, "start": arguments.start, "end": arguments.end}
    if arguments.about == "events":
        return questions.events(arguments.name, where=arguments.where, **span)
    return questions.series(
        arguments.name,
        measure=arguments.measure or "count",
        source=arguments.source,
        by=arguments.by,
        where=arguments.where,
        interval=arguments.interval,
        top=arguments.top,
        fill=arguments.fill,
        compare=arguments.compare,
        time_zone=arguments.time_zone,
        **span,
    )


def merged(state: Events | Series | None, change: Change, limit: int) -> Events | Series | None:
    """What is known after a change: a snapshot replaces all, a delta adds its events or replaces its buckets."""
    answer = change.answer
    if answer is None or change.kind == "snapshot" or state is None:
        return answer if answer is not None else state
    if isinstance(answer, Events) and isinstance(state, Events):
        return Events([*answer.events, *state.events][:limit], answer.metadata)
    assert isinstance(answer, Series)
    assert isinstance(state, Series)
    start = change.metadata.start
    kept = {
        at for at in (*state.starts, *answer.starts) if start is None or at >= start or at in answer.starts
    }
    starts = tuple(sorted(kept))
    before = {(line.measure, line.group, line.other): (state.starts, line) for line in state.lines}
    after = {(line.measure, line.group, line.other): (answer.starts, line) for line in answer.lines}
    lines = tuple(_joined(starts, before.get(key), after.get(key)) for key in {**before, **after})
    return Series(starts, lines, answer.metadata)


def trust(metadata: Metadata | None) -> list[str]:
    """One line that tells how far the answer can be trusted."""
    if metadata is None:
        return []
    error = f", error ≤ {metadata.error_bound:.1%}" if metadata.error_bound else ""
    watermark = f"complete to {text(metadata.watermark)}" if metadata.watermark else "nothing received yet"
    cost = f"{metadata.elapsed * 1000:.0f} ms, query {metadata.query_id}"
    share = "share unknown" if math.isnan(metadata.completeness) else f"{metadata.completeness:.1%}"
    return [f"{watermark} ({share}), from {metadata.source}{error}, {cost}"]


def drawn(answer: Events | Series, console: Console) -> list[str]:
    """An answer as it fits into the terminal."""
    if isinstance(answer, Series):
        return chart(answer, console.width, max(5, min(16, console.height - 14)), color=console.color)
    return _event_table(answer.events, console.width)


def written(rows: Sequence[dict[str, Any]], form: str) -> list[str]:
    """Rows as JSON lines or CSV. A cell of a CSV that a spreadsheet would take for a formula gets a quote in front."""
    if form == "json":
        return [orjson.dumps(row, option=orjson.OPT_UTC_Z).decode() for row in rows]
    if not rows:
        return []
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue().splitlines()


async def _events(client: Client, asked: question_pb2.Query, arguments: Namespace, console: Console) -> None:
    found: list[Event] = []
    token, left, metadata = "", arguments.limit, None
    while left > 0:
        page = await client.query(asked, page_size=min(left, 10_000), page_token=token)
        assert isinstance(page, Events)
        left -= len(page.events)
        metadata = page.metadata
        if arguments.format == "table":
            found.extend(page.events)
        else:
            lines = written(_event_rows(page.events, arguments.format), arguments.format)
            console.say(*islice(lines, 1 if token and arguments.format == "csv" else 0, None))
        if not (token := page.next_page_token):
            break
    if arguments.format == "table":
        console.say(*_event_table(found, console.width), "", *trust(metadata))


def _event_rows(events: Sequence[Event], form: str) -> list[dict[str, Any]]:
    """Rows of events; JSON holds properties and context as objects, a cell of a CSV as JSON."""
    rows = event_rows(events)
    if form == "json":
        for row, event in zip(rows, events, strict=True):
            row |= {"properties": event.properties, "context": event.context}
    return rows


def _event_table(events: Sequence[Event], width: int) -> list[str]:
    rows = [
        [
            event.occurred_at,
            event.name,
            event.type.name,
            event.user_id,
            orjson.dumps(event.properties).decode(),
        ]
        for event in events
    ]
    return table(["occurred_at", "name", "type", "user", "properties"], rows, width)


def _joined(
    starts: tuple[datetime, ...],
    before: tuple[tuple[datetime, ...], Line] | None,
    after: tuple[tuple[datetime, ...], Line] | None,
) -> Line:
    values: dict[datetime, float] = {}
    for part in (before, after):
        if part:
            values |= dict(zip(part[0], part[1].values, strict=True))
    newest = (after or before or ((), None))[1]
    assert newest
    joined = tuple(values.get(start, float("nan")) for start in starts)
    return Line(
        newest.measure, newest.group, newest.other, joined, newest.total, kind=newest.kind, unit=newest.unit
    )


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    if isinstance(value, datetime):
        return value.isoformat()
    return number(value) if isinstance(value, float) and value != value else value
