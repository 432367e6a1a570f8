"""Writes conditions and fields in SQL: what `filter` and `fields` made comes in, text goes out to the statements of `sql`.

Columns are named by `fields`, never by a caller's text; every value and every JSON key becomes a parameter of the statement.
What a field is, wherever its rows are read from:

    key     `a.b` of a JSON column is the value under the key `a.b`; where there is none, that under `b` in the object under `a`,
            or at the place `b` of a list. As text and for EXISTS, a JSON null under `a.b` gives way to the path as well
    missing an absent key, JSON null, and a column that is NULL; an empty text is there
    text    for groups: a string as it is, other JSON as jsonb prints it, a number as it was written; missing is empty
    equal   JSON values of the same type and value: 1 and 1.0, but not 1 and "1"; objects and lists equal no value
    order   JSON numbers, compared as exact decimals, and numbers and times of columns; else false
    texts   JSON strings and texts of columns; CONTAINS folds case by the rules of the database's locale, all others are exact
    number  what a measure aggregates: a JSON number as a double; one beyond 1e300 is missing, one within 1e-300 of 0 is 0
    value   what UNIQUES tell apart: a column's text, or a JSON value by type and value, objects and lists included
"""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as made_by

import orjson

from services.kit.calendar import Span
from services.query.fields import Field, Form
from services.query.filter import NEGATIVE, ORDERED, All, Any, Comparison, Condition, Members, Not, Scalar
from tidemark.v1 import question_pb2 as pb


@dataclass(slots=True)
class Statement:
    """SQL and its parameters."""

    text: str = ""
    parameters: dict[str, object] = made_by(default_factory=dict)
    columns: tuple[tuple[int, str], ...] = ()
    """For each column after the keys: index of its measure, and the attribute of `part.Part` that it is."""

    def value(self, value: object, cast: str = "") -> str:
        """The place in the text of a new parameter."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"%({name})s{'::' if cast else ''}{cast}"


def within(time: str, spans: Sequence[Span], statement: Statement) -> str:
    """That a row lies in one of `spans`; the outer bounds stand apart, for chunks to be left out by them."""

    def bounds(span: Span) -> str:
        start, end = statement.value(span.start, "timestamptz"), statement.value(span.end, "timestamptz")
        return f"{time} >= {start} AND {time} < {end}"

    whole = bounds(Span(spans[0].start, spans[-1].end))
    if len(spans) == 1:
        return whole
    return f"{whole} AND ({' OR '.join(bounds(span) for span in spans)})"


def batches(sign: str, counts: Sequence[int], statement: Statement) -> str:
    """That a row came with the first so many batches of its partition, with `<`; with `>=`, that it came later."""
    known = f"({statement.value(list(counts), 'bigint[]')})[(batch_id & 4095) + 1]"
    return f"(batch_id >> 12) {sign} coalesce({known}, 0)"


def column(field: Field, table: str) -> str:
    """A plain column; rollups keep the kind of metrics where they keep the type of events."""
    return "type" if field.column == "kind" and table.startswith("rollups") else field.column


def json(field: Field, statement: Statement, arrow: str = "->") -> str:
    """The value below a JSON column, with `->>` as text. A key with dots is tried as it stands, then as a path."""
    value = f"{field.column} {arrow} {statement.value(field.key, 'text')}"
    if "." not in field.key:
        return f"({value})"
    path = statement.value(field.key.split("."), "text[]")
    return f"coalesce({value}, {field.column} {arrow.replace('-', '#')} {path})"


def text(field: Field, table: str, statement: Statement) -> str:
    """A field as the text that groups are told apart by; empty when it is missing."""
    match field.form:
        case Form.JSON:
            return f"coalesce({json(field, statement, '->>')}, '')"
        case Form.NAMED:
            return f"{column(field, table)}::text"
        case _:
            return f"coalesce({field.column}, '')"


def conditions(condition: Condition, table: str, statement: Statement) -> list[str]:
    """A condition as what stands between the ANDs of a WHERE: nothing, or one text."""
    return [] if condition == All(()) else [_condition(condition, table, statement)]


def _condition(condition: Condition, table: str, statement: Statement) -> str:
    """A condition as SQL that is true exactly where it holds; false and NULL are the same to its reader."""
    match condition:
        case All(conditions):
            return f"({' AND '.join(_condition(each, table, statement) for each in conditions)})"
        case Any(conditions):
            return f"({' OR '.join(_condition(each, table, statement) for each in conditions)})"
        case Not(inner):
            return f"({_condition(inner, table, statement)}) IS NOT TRUE"
        case Members(_, users):
            return f"user_id = ANY({statement.value(list(users), 'text[]')})"
        case Comparison(field, operator, values):
            positive = NEGATIVE.get(operator)
            if positive is not None:
                return f"({_comparison(field, positive, values, table, statement)}) IS NOT TRUE"
            return _comparison(field, operator, values, table, statement)


def _comparison(
    field: Field, operator: pb.Operator, values: Sequence[Scalar], table: str, statement: Statement
) -> str:
    nested = field.form == Form.JSON
    if operator == pb.OPERATOR_EXISTS:
        # A JSON null counts as missing; as text it is NULL.
        return f"{json(field, statement, '->>') if nested else column(field, table)} IS NOT NULL"
    if not values:
        return "false"
    value = json(field, statement) if nested else column(field, table)
    if operator in (pb.OPERATOR_EQUAL, pb.OPERATOR_IN):
        if nested:
            documents = [orjson.dumps(each).decode() for each in values]
            return f"{value} = ANY({statement.value(documents, 'jsonb[]')})"
        return f"{value} = ANY({statement.value(list(values), f'{_CASTS[field.form]}[]')})"
    if operator in ORDERED:
        if nested:
            number = statement.value(orjson.dumps(values[0]).decode(), "jsonb")
            return f"(jsonb_typeof({value}) = 'number' AND {value} {ORDERED[operator]} {number})"
        return f"{value} {ORDERED[operator]} {statement.value(values[0], _CASTS[field.form])}"
    held = json(field, statement, "->>") if nested else value
    test = _TEXTUAL[operator].format(text=held, value=statement.value(values[0], "text"))
    return f"(jsonb_typeof({value}) = 'string' AND {test})" if nested else test


_CASTS = {Form.TEXT: "text", Form.NAMED: "smallint", Form.NUMBER: "float8", Form.TIME: "timestamptz"}
_TEXTUAL = {
    pb.OPERATOR_CONTAINS: "strpos(lower({text}), lower({value})) > 0",
    pb.OPERATOR_STARTS_WITH: "starts_with({text}, {value})",
    pb.OPERATOR_ENDS_WITH: "right({text}, length({value})) = {value}",
    pb.OPERATOR_MATCHES: "{text} ~ {value}",
}
