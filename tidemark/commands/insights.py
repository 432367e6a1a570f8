"""`tidemark insights`: what has changed, how sure that is, why, and what to do."""

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import aclosing

from tidemark import questions
from tidemark.client import Client
from tidemark.commands import question
from tidemark.commands.question import add_span
from tidemark.commands.shown import Columns, add_format, joined, last_part, show, told, when
from tidemark.insights import CAUSES, DIRECTIONS, FEEDBACKS, KINDS, METHODS, ORDERS, SEVERITIES, STATES, TYPES
from tidemark.plain import instant, utc
from tidemark.records import Line, Series
from tidemark.spelling import time_range
from tidemark.terminal.answer import percent
from tidemark.terminal.chart import chart
from tidemark.terminal.console import Console
from tidemark.terminal.table import number, printable, table, text
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1.question_pb2 import Interval

_INSIGHTS = {
    "id": lambda each: last_part(each.name),
    "severity": lambda each: told(pb.Severity, each.severity),
    "sure": lambda each: percent(each.confidence),
    "type": lambda each: told(pb.InsightType, each.type),
    "since": lambda each: when(each.start_time),
    "state": lambda each: told(pb.Insight.State, each.state),
    "cause": lambda each: told(pb.Cause, each.cause),
    "title": lambda each: each.title,
}
_FOUND = {name: cell for name, cell in _INSIGHTS.items() if name not in ("id", "state", "cause")}
_CONTRIBUTIONS: Columns = {
    "fields": lambda each: joined(each.fields),
    "values": lambda each: joined(value or "(missing)" for value in each.values),
    "before": lambda each: number(each.before),
    "after": lambda each: number(each.after),
    "share": lambda each: percent(each.share),
    "times its part": lambda each: f"{each.lift:.1f}",
}
_DETECTORS = {
    "detector": lambda each: each.detector,
    "does": lambda each: each.description,
    "ran": lambda each: when(each.run_time),
    "found": lambda each: each.insight_count,
    "true": lambda each: each.true_count,
    "false": lambda each: each.false_count,
    "precision": lambda each: _precision(each),
}
_BASELINES = {
    "series": lambda each: each.subject,
    "bucket": lambda each: when(each.bucket_start),
    "value": lambda each: number(each.value),
    "expected": lambda each: number(each.expected),
    "usual": lambda each: f"{number(each.lower)} to {number(each.upper)}",
    "chance": lambda each: f"{each.p_value:.2g}",
    "learnt from": lambda each: each.bucket_count,
}
_INDICATORS = {
    "id": lambda each: last_part(each.name),
    "title": lambda each: each.display_name,
    "kind": lambda each: told(pb.Indicator.Kind, each.kind),
    "of": lambda each: each.subject,
    "every": lambda each: told(Interval.Unit, each.interval),
    "good": lambda each: told(pb.Direction, each.good_direction),
    "threshold": lambda each: number(each.threshold) if each.HasField("threshold") else "",
    "a unit is worth": lambda each: (
        f"{number(each.value_per_unit)} {each.value_unit}" if each.value_per_unit else ""
    ),
}


def add_insights(command: ArgumentParser) -> None:
    """The arguments of `tidemark insights`."""
    actions = command.add_subparsers(dest="insights", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="what matters most first")
    for name, choices, about in (
        ("type", TYPES, "only of this kind; repeat for more"),
        ("state", STATES, "only such; open and acknowledged ones if not given"),
    ):
        listing.add_argument(f"--{name}", action="append", default=[], choices=[*choices], help=about)
    listing.add_argument(
        "--severity", default="", choices=[*filter(None, SEVERITIES)], help="at least so bad"
    )
    listing.add_argument("--cause", default="", choices=[*filter(None, CAUSES)], help="only of this cause")
    listing.add_argument("--search", default="", metavar="TEXT", help="only whose title or series has this")
    listing.add_argument("--order", default="priority", choices=[*ORDERS])
    listing.add_argument("--limit", type=int, default=50, help="how many")
    add_span(listing, "all")
    add_format(listing)
    _one(actions.add_parser("show", help="one with its chart, why it may be, and what to do"))
    actions.add_parser("watch", help="show them as they are made and changed, until interrupted")
    _one(actions.add_parser("ack", help="say that it was seen"))
    feedback = actions.add_parser("feedback", help="say what it was worth")
    feedback.add_argument("insight", metavar="INSIGHT", help="its id or name")
    feedback.add_argument("feedback", choices=[*FEEDBACKS])
    feedback.add_argument("--comment", default="", help="why, in words")
    _add_explain(
        actions.add_parser("explain", help="where a change comes from, and whether the pipeline did it")
    )
    detect = actions.add_parser("detect", help="search the series of a question; nothing is kept")
    question.add(detect, "series")
    detect.add_argument("--method", default="anomaly", choices=[*METHODS])
    detect.add_argument("--largest-lag", type=int, default=0, help="of correlation: buckets; 24 if not given")
    detect.add_argument("--at", metavar="INSTANT", help="of impact: when it happened")
    detect.add_argument("--false-rate", type=float, default=0.0, help="of findings; 0.1 if not given")
    detect.set_defaults(about="series")
    add_format(detect)
    add_format(actions.add_parser("detectors", help="what looks by itself, and how often it was right"))
    baselines = actions.add_parser("baselines", help="the series watched, the least expected first")
    baselines.add_argument("--limit", type=int, default=50, help="how many")
    add_format(baselines)
    _add_indicators(actions.add_parser("indicators", help="list, create or delete series that matter"))
    for chosen in actions.choices.values():
        chosen.set_defaults(run=insights)


async def insights(client: Client, arguments: Namespace, console: Console) -> int:
    """Lists, shows, follows, judges, explains and searches."""
    ours = client.insights
    match arguments.insights:
        case "list":
            found = []
            every = ours.all(
                types=arguments.type,
                least_severity=arguments.severity,
                states=arguments.state,
                cause=arguments.cause,
                search=arguments.search,
                order=arguments.order,
                **{name: getattr(arguments, name) for name in ("last", "start", "end", "during")},
            )
            async for insight in every:
                found.append(insight)
                if len(found) == arguments.limit:
                    break
            show(found, _INSIGHTS, arguments, console)
        case "show":
            insight = await ours.get(arguments.insight)
            if arguments.format == "json":
                show([insight], _INSIGHTS, arguments, console)
            else:
                console.say(*_whole(insight, console))
        case "watch":
            async with aclosing(ours.watch()) as changes:
                async for insight in changes:
                    console.say(printable(_line(insight)))
        case "ack":
            show([await ours.acknowledge(arguments.insight)], _INSIGHTS, arguments, console)
        case "feedback":
            judged = await ours.feedback(arguments.insight, arguments.feedback, arguments.comment)
            console.say(
                f"{judged.name}: {told(pb.Feedback, judged.feedback)}, {told(pb.Insight.State, judged.state)}"
            )
        case "explain":
            return await _explain(client, arguments, console)
        case "detect":
            return await _detect(client, arguments, console)
        case "detectors":
            answer = await ours.detectors()
            if arguments.format == "table":
                rate = percent(answer.false_discovery_rate)
                console.say(
                    f"{answer.series_count:,} series are watched; at most {rate} of findings are false"
                )
            show(list(answer.detectors), _DETECTORS, arguments, console)
        case "baselines":
            show((await ours.baselines())[: arguments.limit], _BASELINES, arguments, console)
        case "indicators":
            await _indicators(client, arguments, console)
    return 0


def _one(command: ArgumentParser) -> None:
    command.add_argument("insight", metavar="INSIGHT", help="its id or name")
    add_format(command)


def _add_explain(command: ArgumentParser) -> None:
    command.add_argument(
        "measure",
        nargs="?",
        default="count",
        help="what has changed, as in 'sum properties.amount of order_placed'",
    )
    command.add_argument("--name", default="", help="name of the event")
    command.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="CONDITION",
        help="'properties.size >= 10'; repeat for more",
    )
    add_span(command)
    command.add_argument(
        "--before", nargs=2, metavar="INSTANT", help="from and to; a week earlier if not given"
    )
    command.add_argument(
        "--by", action="append", default=[], metavar="FIELD", help="a field to look at; chosen if not given"
    )
    command.add_argument("--top", type=int, default=0, help="how many contributions; 10 if not given")
    add_format(command)


def _add_indicators(command: ArgumentParser) -> None:
    actions = command.add_subparsers(dest="indicators", metavar="ACTION")
    add_format(command)
    create = actions.add_parser("create", help="a new one")
    create.add_argument("title", help="the name people read")
    create.add_argument("--kind", default="named", choices=[*KINDS])
    create.add_argument(
        "--id", default="", help="the last part of its name; made from the title if not given"
    )
    create.add_argument(
        "--of", default="", metavar="NAME", help="the event it counts, or the metric of a response time"
    )
    create.add_argument("--measure", metavar="MEASURE", help="of a named one: as in 'sum properties.amount'")
    create.add_argument("--good", default="", choices=[*filter(None, DIRECTIONS)], help="which way is good")
    create.add_argument("--threshold", type=float, help="beyond this it is bad")
    create.add_argument("--worth", type=float, default=0.0, help="what one unit more is worth, each bucket")
    create.add_argument("--unit", default="", help="of that, as in EUR")
    create.add_argument("--every", default="", help="minute, hour, day or week; an hour if not given")
    actions.add_parser("delete", help="delete one").add_argument("indicator", metavar="INDICATOR")


async def _explain(client: Client, arguments: Namespace, console: Console) -> int:
    before = time_range(start=arguments.before[0], end=arguments.before[1]) if arguments.before else None
    found = await client.insights.explain(
        arguments.measure,
        name=arguments.name,
        where=arguments.where,
        before=before,
        fields=arguments.by,
        top=arguments.top,
        **{name: getattr(arguments, name) for name in ("last", "start", "end", "during")},
    )
    if arguments.format == "json":
        show([found], {}, arguments, console)
        return 0
    cause = told(pb.Cause, found.cause) or "no change"
    console.say(f"{number(found.before)} before, {number(found.after)} after, for each bucket: {cause}")
    console.say(*_facts(list(found.facts)))
    show(list(found.contributions), _CONTRIBUTIONS, arguments, console)
    return 0


async def _detect(client: Client, arguments: Namespace, console: Console) -> int:
    found = await client.insights.detect(
        question.question(arguments),
        arguments.method,
        largest_lag=arguments.largest_lag,
        at=arguments.at,
        false_discovery_rate=arguments.false_rate,
    )
    show(list(found.insights), _FOUND, arguments, console)
    if arguments.format == "table":
        for insight in found.insights[:3]:
            console.say("", *_chart(insight, console))
        console.say("", f"{found.series_count:,} series searched", *map(printable, found.notes))
    return 0


async def _indicators(client: Client, arguments: Namespace, console: Console) -> None:
    match arguments.indicators:
        case "create":
            series = questions.series(arguments.of, measure=arguments.measure) if arguments.measure else None
            made = await client.insights.create_indicator(
                arguments.title,
                arguments.kind,
                series=series,
                subject="" if series else arguments.of,
                good=arguments.good,
                threshold=arguments.threshold,
                value_per_unit=arguments.worth,
                value_unit=arguments.unit,
                every_bucket=arguments.every,
                indicator_id=arguments.id,
            )
            console.say(made.name)
        case "delete":
            await client.insights.delete_indicator(arguments.indicator)
        case _:
            show(await client.insights.indicators(), _INDICATORS, arguments, console)


def _whole(insight: pb.Insight, console: Console) -> Iterator[str]:
    """An insight as people read it."""
    yield printable(insight.title)
    yield ", ".join(
        part
        for part in (
            told(pb.Severity, insight.severity),
            f"{percent(insight.confidence)} sure",
            told(pb.Cause, insight.cause),
            told(pb.Insight.State, insight.state),
            f"found {insight.occurrence_count} times" if insight.occurrence_count > 1 else "",
        )
        if part
    )
    if insight.HasField("worth"):
        worth = insight.worth
        yield f"worth {number(worth.value)} {worth.unit} ({number(worth.lower)} to {number(worth.upper)})"
    yield ""
    yield from map(printable, insight.description.splitlines())
    yield ""
    yield from _chart(insight, console)
    yield from _facts(list(insight.facts))
    if insight.contributions:
        rows = [[cell(each) for cell in _CONTRIBUTIONS.values()] for each in insight.contributions]
        yield from ("", *table(list(_CONTRIBUTIONS), rows, console.width))
    for each in insight.recommendations:
        yield ""
        yield printable(f"→ {each.action} ({percent(each.confidence)} sure)")
        yield printable(f"  {each.expected_effect}")
        yield printable(f"  because of: {each.source}{f', see {each.link}' if each.link else ''}")


def _chart(insight: pb.Insight, console: Console) -> list[str]:
    """The series that an insight rests on, with what was expected of it."""
    evidence = insight.evidence
    starts = tuple(utc(each) for each in evidence.bucket_starts)
    lines = []
    for series in evidence.series:
        curves = {
            "": series.values,
            "expected": series.expected,
            "lower": series.lower,
            "upper": series.upper,
        }
        for name, values in curves.items():
            if values:
                label = name or series.label
                total = math.fsum(value for value in values if math.isfinite(value))
                lines.append(Line(label, (label,), False, tuple(values), total, unit=series.unit))
    if not lines:
        return []
    return chart(Series(starts, tuple(lines)), console.width, color=console.color)


def _facts(facts: list[pb.PipelineFact]) -> list[str]:
    return [printable(f"{percent(each.share)} explained: {each.text} ({each.link})") for each in facts]


def _line(insight: pb.Insight) -> str:
    at = instant(insight.update_time)
    return (
        f"{text(at)}  {told(pb.Severity, insight.severity):8}  {percent(insight.confidence):>4}  "
        f"{last_part(insight.name)}  {insight.title}"
    )


def _precision(record: pb.DetectorRecord) -> str:
    if math.isnan(record.precision_lower):
        return "-"
    return f"{percent(record.precision_lower)} to {percent(record.precision_upper)}"
