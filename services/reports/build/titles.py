"""What measures, groups and questions are called, as the pages call them: messages come in, words go out."""

from collections.abc import Sequence
from dataclasses import dataclass

from tidemark.v1 import question_pb2 as q

ANY = "any event"
OTHER, NONE = "other", "(none)"
_WORDS = {
    q.AGGREGATION_SUM: "sum",
    q.AGGREGATION_AVG: "average",
    q.AGGREGATION_MIN: "least",
    q.AGGREGATION_MAX: "greatest",
}
_PREFIXES = ("properties.", "context.", "tags.")


@dataclass(frozen=True, slots=True)
class Title:
    """What a measure or formula is called, and what is known of its numbers."""

    measure_id: str
    text: str
    unit: str = ""
    counts: bool = False
    """Whether its values are whole numbers."""


def measures(question: q.SeriesQuestion | q.TableQuestion) -> list[Title]:
    """What a series or table shows, in order: measures that are not hidden, then formulas."""
    # What all of them are about need not be said by each.
    alike = len(question.measures) > 1 and len({(each.name, each.source) for each in question.measures}) == 1
    found = [
        Title(
            each.id or chr(ord("A") + place),
            _own(each.id) or measure(each, alone=alike),
            counts=_counts(each),
        )
        for place, each in enumerate(question.measures)
        if not each.hidden
    ]
    formulas = enumerate(question.formulas, 1)
    return found + [
        Title(each.id or f"F{place}", _own(each.id) or each.expression, each.unit) for place, each in formulas
    ]


def measure(measure: q.Measure, *, alone: bool = False) -> str:
    """A measure in words; `alone` leaves out what it is of."""
    of_events = measure.source != q.SOURCE_METRICS
    counted = ("events" if of_events else "points") if alone else measure.name or "all events"
    field = leaf(measure.field) if of_events else ""
    about = " of ".join(part for part in (field, "" if alone else counted) if part)
    match measure.aggregation:
        case q.AGGREGATION_COUNT | q.AGGREGATION_UNSPECIFIED:
            return counted
        case q.AGGREGATION_RATE:
            return f"{counted} per second"
        case q.AGGREGATION_UNIQUES if field and field != "user_id":
            return f"different {about}"
        case q.AGGREGATION_UNIQUES:
            return "people" if alone else f"people of {counted}"
        case q.AGGREGATION_QUANTILE:
            return f"p{measure.quantile * 100:.4g} {about}".strip()
        case aggregation:
            return f"{_WORDS.get(aggregation, '')} {about}".strip()


def leaf(path: str) -> str:
    """The last part of a path, as a heading."""
    return next((path.removeprefix(each) for each in _PREFIXES if path.startswith(each)), path)


def group(values: Sequence[str], *, other: bool = False) -> str:
    """The values of a group in words."""
    return OTHER if other else " · ".join(value or NONE for value in values)


def step(stated: q.Step) -> str:
    """What a step is called."""
    return stated.display_name or stated.name or ANY


def question(query: q.Query) -> str:
    """A heading for a question that nobody has named: `order_placed by country`."""
    match query.WhichOneof("question"):
        case "series" | "table" as kind:
            asked: q.SeriesQuestion | q.TableQuestion = getattr(query, kind)
            split = f" by {', '.join(map(leaf, asked.group_by))}" if asked.group_by else ""
            return ", ".join(each.text for each in measures(asked)) + split
        case "funnel":
            return " › ".join(map(step, query.funnel.steps))
        case "retention":
            return f"Retention of {query.retention.start.name or 'everybody'}"
        case "lifecycle":
            return f"Lifecycle of {query.lifecycle.activity.name or 'everybody'}"
        case "paths":
            return f"Paths {'to' if query.paths.backwards else 'from'} {step(query.paths.start)}"
        case "window":
            return query.window.window.rpartition("/")[2]
        case kind:
            return (kind or "").capitalize()


def _own(given: str) -> str:
    """What the author calls it: an id that is a word, not a letter by which formulas tell it from others."""
    return given.replace("_", " ") if len(given) > 1 and not given[1:].isdigit() else ""


def _counts(measure: q.Measure) -> bool:
    return measure.aggregation in (q.AGGREGATION_COUNT, q.AGGREGATION_UNSPECIFIED, q.AGGREGATION_UNIQUES)
