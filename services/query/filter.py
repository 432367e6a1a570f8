"""Conditions, validated: a `Filter` of a request comes in, a `Condition` goes out to `plan` and `sql`.

The people of the cohorts that a filter names come in as `Members`, by name.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, datetime
from itertools import islice
from types import MappingProxyType

from google.protobuf.struct_pb2 import Value

from services.kit.errors import Invalid
from services.query import pattern
from services.query.fields import Field, Form, field, number_of
from tidemark.v1 import question_pb2 as pb

MAX_DEPTH = 10
MAX_COMPARISONS = 200
MAX_VALUES = 1000
MAX_FILTERS = 50
MAX_TEXT = 10_000

_MANY = {pb.OPERATOR_IN, pb.OPERATOR_NOT_IN}
_NONE = {pb.OPERATOR_EXISTS, pb.OPERATOR_NOT_EXISTS}
ORDERED = {
    pb.OPERATOR_LESS: "<",
    pb.OPERATOR_LESS_OR_EQUAL: "<=",
    pb.OPERATOR_GREATER: ">",
    pb.OPERATOR_GREATER_OR_EQUAL: ">=",
}
"""What compares by size, and its sign."""
NEGATIVE = {
    pb.OPERATOR_NOT_EQUAL: pb.OPERATOR_EQUAL,
    pb.OPERATOR_NOT_IN: pb.OPERATOR_IN,
    pb.OPERATOR_NOT_CONTAINS: pb.OPERATOR_CONTAINS,
    pb.OPERATOR_NOT_EXISTS: pb.OPERATOR_EXISTS,
    pb.OPERATOR_NOT_MATCHES: pb.OPERATOR_MATCHES,
}
"""What is true where another is not."""
_PATTERN = {pb.OPERATOR_MATCHES, pb.OPERATOR_NOT_MATCHES}
_TEXT = _PATTERN | {
    pb.OPERATOR_CONTAINS,
    pb.OPERATOR_NOT_CONTAINS,
    pb.OPERATOR_STARTS_WITH,
    pb.OPERATOR_ENDS_WITH,
}

Scalar = str | float | int | bool | datetime


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field compared. Values that the field can never equal are left out, so that `values` may be empty.

    A regular expression is in the form that `pattern` gives it, which every engine reads alike.
    """

    field: Field
    operator: pb.Operator
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class All:
    """Every one of these."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one of these."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Members:
    """By one of these people. Told apart by the cohort's name and revision, for there may be a million of them."""

    cohort: str
    users: tuple[str, ...] = dataclass_field(compare=False, repr=False)
    revision: str = ""
    """Changes whenever the people do."""


Condition = Comparison | All | Any | Not | Members
EVERYTHING = All(())
People = Mapping[str, Members]
"""The people of cohorts, by the full name of the cohort."""
NOBODY: People = MappingProxyType({})


def condition(stated: pb.Filter, source: pb.Source, at: str, people: People = NOBODY) -> Condition:
    """The condition of a request about `source`; raises `Invalid` for a field below `at`."""
    # Counted before they are read: a message has room for a hundred thousand, which would take seconds.
    if sum(1 for _ in islice(_stated(stated), MAX_COMPARISONS + 1)) > MAX_COMPARISONS:
        raise Invalid(at, f"has more than {MAX_COMPARISONS} comparisons; use IN for many values of one field")
    return _condition(stated, source, people, at, 1)


def both(one: Condition, other: Condition) -> Condition:
    """That both hold, the conditions of either side by side."""
    sides = [side.conditions if isinstance(side, All) else (side,) for side in (one, other)]
    joined = (*sides[0], *sides[1])
    return joined[0] if len(joined) == 1 else All(joined)


def leaves(condition: Condition) -> Iterator[Comparison | Members]:
    """Every comparison and every cohort in a condition."""
    match condition:
        case Comparison() | Members():
            yield condition
        case Not(inner):
            yield from leaves(inner)
        case All(conditions) | Any(conditions):
            for each in conditions:
                yield from leaves(each)


def _stated(stated: pb.Filter, depth: int = 1) -> Iterator[pb.Filter]:
    """Every end of a filter's tree, as far down as it may reach."""
    match stated.WhichOneof("node"):
        case "all" | "any" as kind if depth <= MAX_DEPTH:
            for each in getattr(stated, kind).filters:
                yield from _stated(each, depth + 1)
        case "not" if depth <= MAX_DEPTH:
            yield from _stated(getattr(stated, "not"), depth + 1)
        case _:
            yield stated


def names(condition: Condition) -> tuple[str, ...] | None:
    """The names that a condition limits rows to at its top; None when it does not."""
    for part in condition.conditions if isinstance(condition, All) else (condition,):
        match part:
            case Comparison(Field(path="name"), pb.OPERATOR_EQUAL | pb.OPERATOR_IN, values):
                return tuple(map(str, values))
    return None


def _condition(stated: pb.Filter, source: pb.Source, people: People, at: str, depth: int) -> Condition:
    if depth > MAX_DEPTH:
        raise Invalid(at, f"is nested deeper than {MAX_DEPTH} levels")
    match stated.WhichOneof("node"):
        case "comparison":
            return _comparison(stated.comparison, source, f"{at}.comparison")
        case "all" | "any" as kind:
            filters = getattr(stated, kind).filters
            if not 1 <= len(filters) <= MAX_FILTERS:
                raise Invalid(
                    f"{at}.{kind}.filters", f"has {len(filters)} conditions; give 1 to {MAX_FILTERS}"
                )
            inner = tuple(
                _condition(each, source, people, f"{at}.{kind}.filters[{i}]", depth + 1)
                for i, each in enumerate(filters)
            )
            return All(inner) if kind == "all" else Any(inner)
        case "not":
            return Not(_condition(getattr(stated, "not"), source, people, f"{at}.not", depth + 1))
        case "cohort":
            return _members(stated.cohort, source, people, f"{at}.cohort")
        case _:
            raise Invalid(
                at, "is empty; give it a comparison, all, any, not or a cohort, or leave the filter out"
            )


def _members(cohort: str, source: pb.Source, people: People, at: str) -> Members:
    if source != pb.SOURCE_EVENTS:
        raise Invalid(at, "limits metric points, which nobody does; filter them by tags")
    if cohort not in people:
        raise Invalid(at, f"is {cohort[:200]!r}; name a cohort as in projects/demo/cohorts/buyers")
    return people[cohort]


def _comparison(comparison: pb.Comparison, source: pb.Source, at: str) -> Comparison:
    found = field(comparison.field, source, f"{at}.field")
    operator, count = comparison.operator, len(comparison.values)
    if operator not in pb.Operator.values() or not operator:
        raise Invalid(f"{at}.operator", f"is {operator}; give one of the operators, as in OPERATOR_EQUAL")
    name = pb.Operator.Name(operator).removeprefix("OPERATOR_")
    if operator in _NONE and count:
        raise Invalid(f"{at}.values", f"has {count} values; {name} takes none")
    if operator in _MANY and not 1 <= count <= MAX_VALUES:
        raise Invalid(f"{at}.values", f"has {count} values; {name} takes 1 to {MAX_VALUES}")
    if operator not in _NONE | _MANY and count != 1:
        raise Invalid(f"{at}.values", f"has {count} values; {name} takes one")
    if operator in ORDERED and found.form in (Form.TEXT, Form.NAMED):
        raise Invalid(
            f"{at}.operator", f"is {name}; {found.path} is a text, and only numbers and times have an order"
        )
    if operator in _TEXT and found.form not in (Form.TEXT, Form.JSON):
        raise Invalid(f"{at}.operator", f"is {name}; {found.path} is no text")
    values = [_scalar(value, f"{at}.values[{i}]") for i, value in enumerate(comparison.values)]
    if operator in _TEXT and not isinstance(values[0], str):
        raise Invalid(f"{at}.values[0]", f"is no text; {name} takes a text")
    if (
        operator in ORDERED
        and found.form != Form.TIME
        and (isinstance(values[0], bool) or not isinstance(values[0], float))
    ):
        raise Invalid(f"{at}.values[0]", f"is no number; {name} takes a number")
    if operator in _PATTERN:
        values = [pattern.portable(str(values[0]), f"{at}.values[0]")]
    fitting = [_fitted(value, found, f"{at}.values[{i}]") for i, value in enumerate(values)]
    return Comparison(found, operator, tuple(value for value in fitting if value is not None))


def _scalar(value: Value, at: str) -> str | float | bool:
    match value.WhichOneof("kind"):
        case "string_value":
            if "\0" in value.string_value or len(value.string_value) > MAX_TEXT:
                raise Invalid(at, f"is too long or holds a NUL; give a text of at most {MAX_TEXT} characters")
            return value.string_value
        case "number_value":
            if not math.isfinite(value.number_value):
                raise Invalid(at, f"is {value.number_value}; give a finite number")
            return value.number_value
        case "bool_value":
            return value.bool_value
        case _:
            raise Invalid(at, "is no text, number or boolean; ask for missing values with NOT_EXISTS")


def _fitted(value: str | float | bool, field: Field, at: str) -> Scalar | None:
    """The value as `field` stores it; None when the field can never hold it."""
    match field.form:
        case Form.JSON:
            return value
        case Form.TEXT:
            return value if isinstance(value, str) else None
        case Form.NUMBER:
            return value if isinstance(value, float) else None
        case Form.NAMED:
            return number_of(value, field, at) if isinstance(value, str) else None
        case Form.TIME:
            return _time(value, at)


def _time(value: str | float | bool, at: str) -> datetime:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        if time is not None and time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # No time, or one that is before the year 1 or after 9999 in UTC.
    raise Invalid(at, f"is {value!r:.100}; write a time as in 2026-01-31T12:00:00Z")
