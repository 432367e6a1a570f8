"""Answers in a terminal: records come in, lines of text go out to `tidemark/commands`."""

import math
from collections.abc import Iterable, Sequence

import orjson

from tidemark.answers import (
    Funnel,
    FunnelGroup,
    Lifecycle,
    Paths,
    People,
    Retention,
    RetentionGroup,
    Sessions,
)
from tidemark.records import Answer, Event, Events, Line, Series
from tidemark.tables import Table
from tidemark.terminal.chart import chart
from tidemark.terminal.table import columns, fitted, number, printable, table

_BAR = 30
_SHADES = (236, 17, 18, 19, 20, 26, 32, 38, 44, 50)
"""Colours of the terminal from nobody to everybody."""


def drawn(answer: Answer, width: int, height: int = 10, *, color: bool = False) -> list[str]:
    """An answer as it fits into `width` columns; a chart has `height` lines."""
    match answer:
        case Series():
            return chart(answer, width, height, color=color)
        case Events():
            return event_table(answer.events, width)
        case Table():
            return _table(answer, width)
        case Funnel():
            return _apart(_funnel(group, width) for group in answer.groups)
        case Retention():
            return _apart(_retention(group, width, color=color) for group in answer.groups)
        case Lifecycle():
            header = ["start", "new", "returning", "resurrecting", "dormant"]
            states = answer.new, answer.returning, answer.resurrecting, answer.dormant
            return table(header, list(zip(answer.starts, *states, strict=True)), width)
        case Sessions():
            return _sessions(answer, width, height, color=color)
        case Paths():
            return _paths(answer, width)
        case People():
            return _people(answer, width)


def event_table(events: Sequence[Event], width: int) -> list[str]:
    """Events, a line each."""
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


def percent(share: float) -> str:
    """A share as people read it."""
    return "-" if math.isnan(share) else f"{share:.1%}" if share < 0.0995 else f"{share:.0%}"


def _table(answer: Table, width: int) -> list[str]:
    fields = list(answer.fields) or ["group"]
    compared = bool(answer.total.previous_values)
    header = fields + [
        name for column in answer.columns for name in ([column.id, "before"] if compared else [column.id])
    ]
    rows: list[list[object]] = []
    for place, row in enumerate([*answer.groups, answer.total]):
        last = place == len(answer.groups)
        named = [part or "(none)" for part in row.group] if row.group and not row.other else []
        lead = (
            named
            if len(named) == len(fields)
            else ["total" if last else row.label, *[""] * (len(fields) - 1)]
        )
        pairs = (
            zip(row.values, row.previous_values, strict=True)
            if compared
            else ((each,) for each in row.values)
        )
        rows.append([*lead, *(each for pair in pairs for each in pair)])
    if len(answer.groups) == 1 and not answer.groups[0].group:
        rows.pop()
    return table(header, rows, width)


def _funnel(group: FunnelGroup, width: int) -> list[str]:
    names = [printable(step.display_name) or "any event" for step in group.steps]
    room = min(max(map(columns, names)), max(12, width // 3))
    lines = [printable(group.label)]
    for place, (name, step) in enumerate(zip(names, group.steps, strict=True)):
        full = 0.0 if math.isnan(step.of_first) else step.of_first
        bar = f"{'█' * round(full * _BAR):░<{_BAR}}"
        text = f"{place + 1} {fitted(name, room)} {bar} {number(step.people):>9} {percent(step.of_first):>6}"
        if place:
            text += f"  {percent(step.of_previous)} of the step before"
        if step.median_time is not None:
            text += f", median {length(step.median_time)}"
        lines.append(text)
    time = group.time_to_convert
    if time.median is not None and time.p90 is not None:
        lines.append(
            f"  from the first step to the last: median {length(time.median)}, 90 % within {length(time.p90)}"
        )
    return lines


def _retention(group: RetentionGroup, width: int, *, color: bool) -> list[str]:
    """A line for each period; a share that may still grow ends with +."""
    offsets = min(max((len(cohort.back) for cohort in group.cohorts), default=0), max(1, (width - 24) // 6))
    lines = [
        printable(group.label),
        f"{'start':10} {'people':>9}" + "".join(f"{at:>6}" for at in range(offsets)),
    ]
    for cohort in group.cohorts:
        cells = [
            _cell(share, "" if at < cohort.complete else "+", color=color)
            for at, share in enumerate(cohort.shares[:offsets])
        ]
        lines.append(f"{cohort.start:%Y-%m-%d} {number(cohort.people):>9}{''.join(cells)}")
    mean = "".join(_cell(share, "", color=color) for share in group.mean[:offsets])
    return [*lines, f"{'mean':10} {'':>9}{mean}"]


def _cell(share: float, mark: str, *, color: bool) -> str:
    text = f"{'-' if math.isnan(share) else f'{share:.0%}'}{mark}"
    if not color or math.isnan(share):
        return f"{text:>6}"
    shade = _SHADES[min(len(_SHADES) - 1, int(share * len(_SHADES)))]
    return f"\x1b[48;5;{shade}m\x1b[97m{text:>6}\x1b[0m"


def _sessions(answer: Sessions, width: int, height: int, *, color: bool) -> list[str]:
    total = answer.total
    line = Line("sessions", (), False, tuple(map(float, answer.sessions)), total["sessions"])
    facts = [
        f"{number(total['sessions'])} sessions of {number(total['people'])} people",
        f"mean {length(total['mean_seconds'])}, median {length(total['median_seconds'])}",
        f"{percent(total['bounce_share'])} with one event only",
        f"{number(total['mean_events'])} events in the mean",
    ]
    lines = [*chart(Series(answer.starts, (line,)), width, height, color=color), "", "; ".join(facts)]
    for title, found in (("begin with", answer.entries), ("end with", answer.exits)):
        if found:
            lines += [
                "",
                *table(
                    [title, "sessions"], [[name or "(none)", count] for name, count in found.items()], width
                ),
            ]
    return lines


def _paths(answer: Paths, width: int) -> list[str]:
    lines = [f"{number(answer.paths)} paths"]
    for step in sorted({node.step for node in answer.nodes}):
        rows = [
            [
                node.label,
                node.paths,
                percent(node.paths / answer.paths if answer.paths else math.nan),
                node.ended,
            ]
            for node in answer.nodes
            if node.step == step
        ]
        lines += ["", *table([f"step {step}", "paths", "share", "ended here"], rows, width)]
    links = sorted(answer.links, key=lambda link: -link.paths)[:20]
    rows = [[link.begin.step, link.begin.label, "→", link.end.label, link.paths] for link in links]
    return [*lines, "", *table(["step", "from", "", "to", "paths"], rows, width)] if rows else lines


def _people(answer: People, width: int) -> list[str]:
    rows = [[each.user_id, each.first_seen, each.last_seen, each.events] for each in answer.people]
    lines = table(["user", "first seen", "last seen", "events"], rows, width)
    more = answer.total - len(answer.people)
    return [*lines, f"… and {more:,} more"] if more > 0 else lines


def _apart(blocks: Iterable[list[str]]) -> list[str]:
    """Blocks of lines with an empty one between them."""
    lines: list[str] = []
    for block in blocks:
        lines += ["", *block] if lines else block
    return lines


def length(seconds: float) -> str:
    """A length of time as people say it: 340 ms, 12 s, 4.5 min, 3.2 h, 12 d."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1000:.3g} ms"
