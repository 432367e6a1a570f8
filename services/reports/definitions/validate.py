"""Whether a report is well formed: it comes in with its sections, everything that is wrong goes out, each fault at its field. Pure.

Whether its questions can be answered is asked of query, by `source.py`.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.kit import resource
from services.kit.errors import Invalid
from services.kit.period import span
from services.reports import sandbox, words
from services.reports.build import text
from services.reports.definitions.expansion import MAX_SECTIONS
from tidemark.v1 import dashboard_pb2, insight_pb2
from tidemark.v1 import report_pb2 as pb
from tidemark.v1.question_pb2 import Query

MAX_BYTES, MAX_DESCRIPTION, MAX_TITLE, MAX_TEXT, MAX_UNIT = 1_000_000, 1000, 200, 20_000, 50
MAX_VARIABLES, MAX_VALUE, MAX_FIGURES, MAX_INSIGHTS, MAX_DECIMALS = 50, 10_000, 24, 50, 10
MAX_HORIZON, LEAST_COVERAGE, MOST_COVERAGE = 1000, 0.5, 0.99
"""As `Forecast` has them."""

_SECTION_ID, _WORD = re.compile(r"[A-Za-z0-9_-]{1,40}"), re.compile(r"[A-Za-z0-9_]{1,40}")

Faults = Iterator[Invalid]


def faults(
    report: pb.Report, sections: Sequence[pb.Section], zone: str, now: datetime
) -> list[pb.ReportFault]:
    """Everything that is wrong; `zone` is the project's, and `sections` are the report's or those of its template."""
    at = "sections" if report.HasField("template") else "report.sections"
    found = [*_report(report, zone, now), *_sections(report, sections, at)]
    return [pb.ReportFault(field=each.field, message=each.description) for each in found]


def place(report: pb.Report, number: int) -> str:
    """The path of a section, as faults name it."""
    return f"sections[{number}]" if report.HasField("template") else f"report.sections[{number}]"


def _report(report: pb.Report, zone: str, now: datetime) -> Faults:
    if report.ByteSize() > MAX_BYTES:
        yield Invalid("report", f"has {report.ByteSize()} bytes; give at most {MAX_BYTES}")
    if not report.display_name.strip():
        yield Invalid("report.display_name", "is empty; give the title that people read")
    yield from _raised(resource.display_name, report.display_name, "report.display_name")
    yield from _long(report.description, MAX_DESCRIPTION, "report.description")
    if report.sections and report.HasField("template"):
        yield Invalid("report.template", "is given beside sections; give one or the other")
    if not report.sections and not report.HasField("template"):
        yield Invalid("report.sections", "is empty, and so is template; give one of the two")
    own = ZoneInfo("UTC")
    try:
        own = ZoneInfo(report.time_zone or zone)
    except (KeyError, ValueError, OSError):
        name = report.time_zone[:100]
        yield Invalid("report.time_zone", f"is {name!r}; give an IANA name, as in Europe/Berlin")
    if report.HasField("time_range"):
        yield from _raised(span, report.time_range, own, now, "report.time_range")
    yield from _raised(words.locale_of, report.locale, "report.locale")
    if len(report.variables) > MAX_VARIABLES:
        yield Invalid("report.variables", f"has {len(report.variables)}; give at most {MAX_VARIABLES}")
    for name, value in sorted(report.variables.items()):
        if not _WORD.fullmatch(name):
            yield Invalid(
                "report.variables", f"names {name[:100]!r}; names are 1 to 40 letters, digits and '_'"
            )
        yield from _long(value, MAX_VALUE, f"report.variables.{name[:100]}")


def _sections(report: pb.Report, sections: Sequence[pb.Section], at: str) -> Faults:
    if len(sections) > MAX_SECTIONS:
        yield Invalid(at, f"has {len(sections)}; give at most {MAX_SECTIONS}")
    ids: set[str] = set()
    figures = Counter(figure.id for each in sections for figure in each.figures.figures)
    for number, section in enumerate(sections):
        here = f"{at}[{number}]"
        if not _SECTION_ID.fullmatch(section.id):
            yield Invalid(
                f"{here}.id", f"is {section.id[:100]!r}; write 1 to 40 letters, digits, '-' and '_'"
            )
        elif section.id in ids:
            yield Invalid(f"{here}.id", f"is {section.id!r} as of another section; give each its own")
        ids.add(section.id)
        yield from _long(section.title, MAX_TITLE, f"{here}.title")
        match section.WhichOneof("content"):
            case "text":
                yield from _text(section.text, figures, report, f"{here}.text.text")
            case "question":
                yield from _asks(section.question.query, f"{here}.question.query")
                yield from _display(section.question.display, f"{here}.question.display")
                if section.question.view not in pb.QuestionSection.View.values():
                    yield Invalid(
                        f"{here}.question.view",
                        f"is {section.question.view}; give one of the views, as in VIEW_TABLE",
                    )
            case "figures":
                yield from _figures(section.figures, figures, f"{here}.figures.figures")
            case "insights":
                yield from _insights(section.insights, f"{here}.insights")
            case "forecast":
                yield from _forecast(section.forecast, f"{here}.forecast")
            case None:
                yield Invalid(
                    here, "shows nothing; give it a text, question, figures, insights, forecast or health"
                )


def _text(section: pb.TextSection, figures: Counter[str], report: pb.Report, at: str) -> Faults:
    if not section.text:
        yield Invalid(at, "is empty; write something")
    yield from _long(section.text, MAX_TEXT, at)
    try:
        found = sandbox.references(section.text, at, text.FILTERS)
    except Invalid as error:
        yield error
        return
    known = {"figures": sorted(figures), "variables": sorted(report.variables)}
    for each in found:
        if each.name not in text.NAMES:
            names = ", ".join(text.NAMES)
            yield Invalid(at, f"line {each.line}: there is no {each.name!r}; there are {names}")
        elif each.name in known and each.key and each.key not in known[each.name]:
            listed = ", ".join(known[each.name]) or "none"
            yield Invalid(
                at, f"line {each.line}: there is no {each.name}.{each.key}; the report has {listed}"
            )


def _figures(section: pb.FiguresSection, ids: Counter[str], at: str) -> Faults:
    if not 1 <= len(section.figures) <= MAX_FIGURES:
        yield Invalid(at, f"has {len(section.figures)}; give 1 to {MAX_FIGURES}")
    for number, figure in enumerate(section.figures):
        here = f"{at}[{number}]"
        if not _WORD.fullmatch(figure.id):
            yield Invalid(f"{here}.id", f"is {figure.id[:100]!r}; write 1 to 40 letters, digits and '_'")
        elif ids[figure.id] > 1:
            yield Invalid(
                f"{here}.id", f"is {figure.id!r} as of another figure of the report; give each its own"
            )
        yield from _raised(resource.display_name, figure.title, f"{here}.title")
        yield from _display(figure.display, f"{here}.display")
        yield from _one_line(figure.query, f"{here}.query")


def _one_line(query: Query, at: str) -> Faults:
    """A figure is the total of one line."""
    yield from _asks(query, at, "series")
    if query.WhichOneof("question") != "series":
        return
    series = query.series
    shown = sum(not each.hidden for each in series.measures) + len(series.formulas)
    if shown != 1:
        yield Invalid(
            f"{at}.series.measures",
            f"shows {shown} of measures and formulas; a figure is one number, so hide all others",
        )
    if series.group_by:
        yield Invalid(f"{at}.series.group_by", "splits the figure, which is one number; leave it out")


def _insights(section: pb.InsightsSection, at: str) -> Faults:
    if section.least_severity not in insight_pb2.Severity.values():
        yield Invalid(
            f"{at}.least_severity",
            f"is {section.least_severity}; give one of the severities, as in SEVERITY_HIGH",
        )
    if not 0 <= section.limit <= MAX_INSIGHTS:
        yield Invalid(f"{at}.limit", f"is {section.limit}; give 1 to {MAX_INSIGHTS}, or 0 for 10")


def _forecast(section: pb.ForecastSection, at: str) -> Faults:
    yield from _asks(section.query, f"{at}.query", "series", "window")
    yield from _display(section.display, f"{at}.display")
    if not 0 <= section.horizon <= MAX_HORIZON:
        yield Invalid(
            f"{at}.horizon", f"is {section.horizon}; give 1 to {MAX_HORIZON} buckets, or 0 for a season"
        )
    if section.coverage and not LEAST_COVERAGE <= section.coverage <= MOST_COVERAGE:
        yield Invalid(
            f"{at}.coverage",
            f"is {section.coverage:g}; give {LEAST_COVERAGE} to {MOST_COVERAGE}, or 0 for 0.9",
        )


def _asks(query: Query, at: str, *kinds: str) -> Faults:
    kind = query.WhichOneof("question")
    if kind is None:
        yield Invalid(
            at, f"asks nothing; give it a question, as in {' or '.join(kinds or ('series', 'table'))}"
        )
    elif kinds and kind not in kinds:
        yield Invalid(at, f"is a question of {kind}; ask for {' or '.join(kinds)}")


def _display(display: dashboard_pb2.Display, at: str) -> Faults:
    yield from _long(display.unit, MAX_UNIT, f"{at}.unit")
    if display.kind not in dashboard_pb2.Display.Kind.values():
        yield Invalid(f"{at}.kind", f"is {display.kind}; give one of the kinds, as in KIND_LINE")
    if not 0 <= display.decimals <= MAX_DECIMALS:
        yield Invalid(f"{at}.decimals", f"is {display.decimals}; give 0 to {MAX_DECIMALS}")


def _long(value: str, most: int, at: str) -> Faults:
    if len(value) > most or "\0" in value:
        yield Invalid(at, f"has {len(value)} characters; write at most {most} and no NUL")


def _raised(check: Callable[..., Any], *given: Any) -> Faults:
    """What a check raises, as a fault beside others."""
    try:
        check(*given)
    except Invalid as error:
        yield error
