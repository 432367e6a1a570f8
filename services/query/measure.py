"""What is measured, validated: the measures of a series or a table come in, `Measure`s go out to `question`."""

from dataclasses import dataclass

from services.kit.errors import Invalid
from services.query.fields import Field, Form, field
from services.query.filter import EVERYTHING, Condition, People, both, condition
from tidemark.v1 import question_pb2 as pb

MAX_MEASURES = 10
MAX_ID, MAX_NAME = 100, 200

_NUMERIC = {
    pb.AGGREGATION_SUM,
    pb.AGGREGATION_AVG,
    pb.AGGREGATION_MIN,
    pb.AGGREGATION_MAX,
    pb.AGGREGATION_QUANTILE,
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing measured, with what limits and splits it as fields of its source."""

    id: str
    source: pb.Source
    name: str
    aggregation: pb.Aggregation
    field: Field | None
    """The value aggregated; None where rows are counted."""
    quantile: float
    filter: Condition
    """What the question and the measure ask of a row."""
    groups: tuple[Field, ...]
    hidden: bool = False
    """Whether it is there for formulas alone."""


def read(
    question: pb.SeriesQuestion | pb.TableQuestion, most_groups: int, people: People, at: str
) -> tuple[Measure, ...]:
    """The measures of a question, split by at most so many fields; raises `Invalid` for a field below `at`."""
    if not 1 <= len(question.measures) <= MAX_MEASURES:
        raise Invalid(f"{at}.measures", f"has {len(question.measures)}; give 1 to {MAX_MEASURES}")
    if len(question.group_by) > most_groups:
        raise Invalid(f"{at}.group_by", f"has {len(question.group_by)} fields; give at most {most_groups}")
    measures = tuple(_measure(each, i, question, people, at) for i, each in enumerate(question.measures))
    ids = [measure.id for measure in measures]
    for i, each in enumerate(ids):
        if each in ids[:i]:
            raise Invalid(f"{at}.measures[{i}].id", f"is {each!r} as of another measure; give each its own")
    if not question.formulas and all(measure.hidden for measure in measures):
        raise Invalid(f"{at}.measures", "are all hidden; show one, or give a formula")
    return measures


def stated(
    question: pb.EventsQuestion | pb.SeriesQuestion | pb.TableQuestion | pb.Measure,
    source: pb.Source,
    people: People,
    at: str,
) -> Condition:
    """The condition that a message has in its field `filter`."""
    if not question.HasField("filter"):
        return EVERYTHING
    return condition(question.filter, source, f"{at}.filter", people)


def _measure(
    measure: pb.Measure,
    index: int,
    question: pb.SeriesQuestion | pb.TableQuestion,
    people: People,
    question_at: str,
) -> Measure:
    at = f"{question_at}.measures[{index}]"
    if measure.source not in pb.Source.values():
        raise Invalid(f"{at}.source", f"is {measure.source}; give SOURCE_EVENTS or SOURCE_METRICS")
    source = measure.source or pb.SOURCE_EVENTS
    if not measure.aggregation or measure.aggregation not in pb.Aggregation.values():
        raise Invalid(
            f"{at}.aggregation", f"is {measure.aggregation}; give an aggregation, as in AGGREGATION_COUNT"
        )
    if len(measure.id) > MAX_ID:
        raise Invalid(f"{at}.id", f"has {len(measure.id)} characters; give at most {MAX_ID}")
    if "\0" in measure.name or len(measure.name) > MAX_NAME:
        raise Invalid(f"{at}.name", f"has {len(measure.name)} characters; give at most {MAX_NAME} and no NUL")
    if source == pb.SOURCE_METRICS and not measure.name:
        raise Invalid(f"{at}.name", "is empty; a measure of metrics names its metric")
    if measure.aggregation == pb.AGGREGATION_QUANTILE and not 0 <= measure.quantile <= 1:
        raise Invalid(f"{at}.quantile", f"is {measure.quantile}; give a number from 0 to 1")
    return Measure(
        id=measure.id or chr(ord("A") + index),
        source=source,
        name=measure.name,
        aggregation=measure.aggregation,
        field=_aggregated(measure, source, at),
        quantile=measure.quantile,
        filter=both(stated(question, source, people, question_at), stated(measure, source, people, at)),
        groups=tuple(
            _group(path, source, f"{question_at}.group_by[{i}]") for i, path in enumerate(question.group_by)
        ),
        hidden=measure.hidden,
    )


def _aggregated(measure: pb.Measure, source: pb.Source, at: str) -> Field | None:
    if source == pb.SOURCE_METRICS:
        if measure.field not in ("", "value"):
            raise Invalid(
                f"{at}.field", f"is {measure.field[:100]!r}; metrics aggregate their value, leave it out"
            )
        return None if measure.aggregation == pb.AGGREGATION_COUNT else field("value", source, f"{at}.field")
    name = pb.Aggregation.Name(measure.aggregation).removeprefix("AGGREGATION_")
    if measure.aggregation in (pb.AGGREGATION_COUNT, pb.AGGREGATION_RATE):
        if measure.field:
            raise Invalid(
                f"{at}.field",
                f"is {measure.field[:100]!r}; {name} counts events, leave it out or filter by EXISTS",
            )
        return None
    if measure.aggregation == pb.AGGREGATION_UNIQUES:
        return field(measure.field or "user_id", source, f"{at}.field")
    if not measure.field:
        raise Invalid(f"{at}.field", f"is empty; {name} of events needs a property, as in properties.amount")
    found = field(measure.field, source, f"{at}.field")
    if measure.aggregation in _NUMERIC and found.form != Form.JSON:
        raise Invalid(
            f"{at}.field", f"is {found.path}, which is no number; {name} needs a property or context value"
        )
    return found


def _group(path: str, source: pb.Source, at: str) -> Field:
    found = field(path, source, at)
    if found.form in (Form.TIME, Form.NUMBER):
        raise Invalid(at, f"is {path}; groups are told apart by texts, not by a {found.form.value}")
    return found
