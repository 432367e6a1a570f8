"""Texts: a template of an author and the figures of the report come in, paragraphs go out.

What a text may use is a promise to authors: docs/reports.md names all of it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from services.reports.build import figures
from services.reports.build.asked import Asked
from services.reports.build.markdown import paragraphs
from services.reports.document import Figure, Paragraph
from services.reports.sandbox import render
from services.reports.words import NOTHING, Words

NAMES = ("figures", "variables", "range", "report", "project")
"""What texts may use."""
FILTERS = ("number", "percent", "change", "date", "time", "duration", "size")
"""The filters of texts beside those of the sandbox."""


def blocks(source: str, asked: Asked, words: Words, several: Iterable[Figure], field: str) -> list[Paragraph]:
    """The paragraphs of a text; raises `Invalid` for `field` where the template is wrong."""
    return paragraphs(render(source, values(asked, words, several), field, filters(words)))


def values(asked: Asked, words: Words, several: Iterable[Figure]) -> dict[str, object]:
    """What texts may use, plain."""
    span = asked.span
    zone = words.zone
    return {
        "figures": {figure.figure_id: _figure(figure, words) for figure in several},
        "variables": dict(asked.report.variables),
        "range": {
            "text": words.span(span),
            "start": span.start.astimezone(zone),
            "end": span.end.astimezone(zone),
            "days": round(span.length.total_seconds() / 86_400, 3),
        },
        "report": {
            "title": asked.report.display_name,
            "description": asked.report.description,
            "version": asked.report.version,
            "made": asked.now.astimezone(zone),
        },
        "project": {"name": asked.project, "title": asked.project_title, "time_zone": asked.time_zone},
    }


def filters(words: Words) -> Mapping[str, Callable[..., object]]:
    """The filters of texts; nothing is written as a dash."""
    return {
        "number": _given(lambda value, unit="", decimals=None: words.quantity(float(value), unit, decimals)),
        "percent": _given(lambda value, decimals=None: words.percent(float(value), decimals)),
        "change": _given(lambda value: words.signed(float(value))),
        "date": _given(lambda value: words.day(_instant(value))),
        "time": _given(lambda value: words.instant(_instant(value))),
        "duration": _given(lambda value: words.duration(float(value))),
        "size": _given(lambda value: words.size(float(value))),
    }


def _figure(figure: Figure, words: Words) -> dict[str, object]:
    return {
        "title": figure.title,
        "value": figure.value,
        "text": words.value(figure.value, figure.form),
        "unit": figure.form.unit,
        "before": figure.before,
        "change": figures.change(figure),
    }


def _given(write: Callable[..., str]) -> Callable[..., str]:
    def written(value: Any, *arguments: Any, **named: Any) -> str:
        return NOTHING if value is None else write(value, *arguments, **named)

    return written


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError("is no instant; give one, as in range.start")
    return value
