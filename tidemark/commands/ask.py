"""`tidemark query`, `watch`, `explain` and `suggest`: questions in, tables, charts, JSON or CSV out."""

import csv
import io
import math
from argparse import Namespace
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from typing import Any

import orjson

from tidemark.client import Client
from tidemark.commands.question import question
from tidemark.records import Answer, Change, Event, Events, Line, Metadata, People, Series, event_rows
from tidemark.terminal.answer import drawn
from tidemark.terminal.console import Console
from tidemark.terminal.table import number, printable, table, text
from tidemark.v1 import question_pb2

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def query(client: Client, arguments: Namespace, console: Console) -> int:
    """Answers a question once."""
    asked = question(arguments)
    if arguments.about in ("events", "people"):
        await _paged(client, asked, arguments, console)
        return 0
    answer = await client.query(asked, as_of=arguments.as_of)
    if arguments.format != "table":
        console.say(*written(answer.rows(), arguments.format))
    else:
        console.say(*drawn(answer, console.width, color=console.color), "", *trust(answer.metadata))
    return 0


async def watch(client: Client, arguments: Namespace, console: Console) -> int:
    """Shows the answer and keeps it up to date until interrupted."""
    asked = question(arguments)
    state: Answer | None = None
    if console.out.isatty():
        console.out.write("\x1b[2J")
    height = max(5, min(16, console.height - 14))
    async with aclosing(
        client.watch(asked, min_interval=arguments.every, page_size=arguments.limit)
    ) as changes:
        async for change in changes:
            state = merged(state, change, arguments.limit)
            if state is not None and change.kind != "heartbeat":
                lines = drawn(state, console.width, height, color=console.color)
                console.redraw([*lines, "", *trust(change.metadata)])
    return 0


async def explain(client: Client, arguments: Namespace, console: Console) -> int:
    """Shows how a question is answered; with --analyze, what that took."""
    plan = await client.explain(question(arguments), analyze=arguments.analyze, as_of=arguments.as_of)
    rows = [
        [scan.source, scan.rows_expected, len(scan.spans), scan.reason or "knows everything asked"]
        for scan in plan.scans
    ]
    console.say(f"from {text(plan.start)} to {text(plan.end)}", "")
    console.say(*table(["reads", "rows expected", "spans", "because"], rows, console.width))
    if arguments.statements:
        for scan in plan.scans:
            console.say("", *(printable(line) for line in scan.statement.splitlines()))
    if plan.metadata is not None:
        console.say(
            "", f"{plan.rows_read:,} rows read", *trust(plan.metadata), f"as of {plan.metadata.as_of}"
        )
    return 0


async def suggest(client: Client, arguments: Namespace, console: Console) -> int:
    """Shows what may complete a text."""
    found = await client.suggest(
        arguments.kind,
        arguments.text,
        name=arguments.name,
        field=arguments.field,
        source=arguments.source,
        limit=arguments.limit,
    )
    if arguments.format != "table":
        console.say(*written([asdict(each) for each in found], arguments.format))
    else:
        console.say(
            *table([arguments.kind, "count"], [[each.value, each.count] for each in found], console.width)
        )
    return 0 if found else 1


def merged(state: Answer | None, change: Change, limit: int) -> Answer | None:
    """What is known after a change: a snapshot replaces all, a delta adds its events or replaces its buckets."""
    answer = change.answer
    if answer is None or change.kind == "snapshot" or state is None:
        return answer if answer is not None else state
    if isinstance(answer, Events) and isinstance(state, Events):
        return Events([*answer.events, *state.events][:limit], answer.metadata)
    if not (isinstance(answer, Series) and isinstance(state, Series)):
        return answer  # Of every other kind a change is whole.
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
    """How far the answer can be trusted, and what people should know before they use it."""
    if metadata is None:
        return []
    error = f", error ≤ {metadata.error_bound:.1%}" if metadata.error_bound else ""
    watermark = f"complete to {text(metadata.watermark)}" if metadata.watermark else "nothing received yet"
    cost = f"{metadata.elapsed * 1000:.0f} ms, query {metadata.query_id}"
    share = "share unknown" if math.isnan(metadata.completeness) else f"{metadata.completeness:.1%}"
    behind = metadata.replica_behind
    replica = "" if behind is None else f" of a replica up to {behind:.1f} s behind"
    return [
        f"{watermark} ({share}), from {metadata.source}{replica}{error}, {cost}",
        *map(printable, metadata.notes),
    ]


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


async def _paged(client: Client, asked: question_pb2.Query, arguments: Namespace, console: Console) -> None:
    """Shows events or people, page by page up to the limit; a table when all are there."""
    shown: Events | People | None = None
    token, left = "", arguments.limit
    while left > 0:
        page = await client.query(asked, page_size=min(left, 10_000), page_token=token, as_of=arguments.as_of)
        assert isinstance(page, Events | People)
        left -= len(page.events if isinstance(page, Events) else page.people)
        if arguments.format == "table":
            shown = _together(shown, page)
        else:
            rows = _event_rows(page.events, arguments.format) if isinstance(page, Events) else page.rows()
            lines = written(rows, arguments.format)
            console.say(*islice(lines, 1 if token and arguments.format == "csv" else 0, None))
        if not (token := page.next_page_token):
            break
    if shown is not None:
        console.say(*drawn(shown, console.width), "", *trust(shown.metadata))


def _together(before: Events | People | None, page: Events | People) -> Events | People:
    if isinstance(page, Events) and isinstance(before, Events):
        return Events([*before.events, *page.events], page.metadata)
    if isinstance(page, People) and isinstance(before, People):
        return People((*before.people, *page.people), page.total, page.metadata)
    return page


def _event_rows(events: Sequence[Event], form: str) -> list[dict[str, Any]]:
    """Rows of events; JSON holds properties and context as objects, a cell of a CSV as JSON."""
    rows = event_rows(events)
    if form == "json":
        for row, event in zip(rows, events, strict=True):
            row |= {"properties": event.properties, "context": event.context}
    return rows


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
