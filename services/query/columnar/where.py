"""Writes conditions and fields in the SQL of DuckDB, for the rows of one segment: as `services.query.where` does for the database,
and with the same meaning, which is told there.

Columns are those of `layout`, never a caller's text; every value and every JSON key becomes a parameter. Whatever would not be
exact raises `Inexact`, so that the question is answered from the database.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by

import pyarrow as pa

from services.kit.calendar import Span
from services.query.columnar.layout import Layout, Marks, Shredded, column
from services.query.fields import Field, Form
from services.query.filter import NEGATIVE, ORDERED, All, Any, Comparison, Condition, Members, Not, Scalar
from services.query.where import Statement
from tidemark.v1 import question_pb2 as pb

_TEXTUAL = {
    pb.OPERATOR_CONTAINS: "contains(lower({text}), lower({value}))",
    pb.OPERATOR_STARTS_WITH: "starts_with({text}, {value})",
    pb.OPERATOR_ENDS_WITH: "suffix({text}, {value})",
    pb.OPERATOR_MATCHES: "regexp_matches({text}, {value})",
}
_PLACE = re.compile(r"0|[1-9]\d*")
_LIKE_A_PLACE = re.compile(r"\s*[+-]?\d+")


class Inexact(Exception):
    """A segment cannot answer exactly."""


@dataclass(slots=True)
class Inquiry(Statement):
    """SQL for DuckDB, its parameters, and the tables that it reads beside the segments."""

    tables: dict[str, pa.Table] = made_by(default_factory=dict)

    def value(self, value: object, cast: str = "") -> str:
        """The place in the text of a new parameter."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"CAST(${name} AS {cast})" if cast else f"${name}"

    @property
    def named(self) -> dict[str, object]:
        """The parameters that the text names: DuckDB refuses others, and of a field not every form is needed."""
        return {name: self.parameters[name] for name in re.findall(r"\$(p\d+)", self.text)}

    def table(self, columns: dict[str, pa.Array]) -> str:
        """The name of a new table."""
        name = f"t{len(self.tables)}"
        self.tables[name] = pa.table(columns)
        return name


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON value of each row in SQL, by its forms; None for one that no row has."""

    string: str | None = None
    number: str | None = None
    other: str | None = None
    """The text of what is neither string nor number, JSON null included."""
    digits: str | None = None
    """The text of the number."""
    marks: Marks = Marks()  # noqa: RUF009

    @property
    def present(self) -> str:
        """Whether there is a value, be it JSON null."""
        return _either(f"{each} IS NOT NULL" for each in (self.string, self.number, self.other) if each)

    @property
    def there(self) -> str:
        """Whether there is a value other than JSON null."""
        forms = [f"{each} IS NOT NULL" for each in (self.string, self.number) if each]
        return _either([*forms, *([f"{self.other} <> 'null'"] if self.other else [])])

    @property
    def text(self) -> str:
        """The value as groups are told apart by it; NULL where it is missing."""
        if self.marks.odd or self.marks.deep:
            raise Inexact("the text of a value")
        other = f"nullif({self.other}, 'null')" if self.other else None
        return _first([each for each in (self.string, self.digits, other) if each])

    @property
    def identity(self) -> str:
        """The value as a text that only equal values have, by their type; NULL where it is missing."""
        if self.marks.odd or self.marks.nested:
            raise Inexact("the identity of a value")
        forms = [f"'s' || {self.string}"] if self.string else []
        if self.digits:
            cut = f"rtrim(rtrim({self.digits}, '0'), '.')"
            forms.append(f"'n' || CASE WHEN contains({self.digits}, '.') THEN {cut} ELSE {self.digits} END")
        forms += [f"nullif({self.other}, 'null')"] if self.other else []
        return _first(forms)

    @property
    def double(self) -> str:
        """The number; NULL where it is none."""
        return self.number or "CAST(NULL AS DOUBLE)"


def within(spans: Sequence[Span], inquiry: Inquiry) -> str:
    """That a row lies in one of `spans`."""

    def bounds(span: Span) -> str:
        start, end = (inquiry.value(at, "TIMESTAMPTZ") for at in (span.start, span.end))
        return f"occurred_at >= {start} AND occurred_at < {end}"

    whole = bounds(Span(spans[0].start, spans[-1].end))
    return whole if len(spans) == 1 else f"{whole} AND ({' OR '.join(map(bounds, spans))})"


def before(counts: Sequence[int], inquiry: Inquiry) -> str:
    """That a row came with the first so many batches of its partition."""
    known = f"({inquiry.value(list(counts), 'BIGINT[]')})[(batch_id & 4095) + 1]"
    return f"(batch_id >> 12) < coalesce({known}, 0)"


def text(field: Field, layout: Layout, inquiry: Inquiry) -> str:
    """A field as the text that groups are told apart by; empty when it is missing.

    `concat` takes what is missing for the empty text, and of a column with a dictionary looks at each text once; `coalesce` does not.
    """
    match field.form:
        case Form.JSON:
            return f"concat({_text(field, layout, inquiry)})"
        case Form.NAMED:
            return f"CAST({field.column} AS VARCHAR)"
        case _:
            return f"concat({field.column})"


def condition(stated: Condition, layout: Layout, inquiry: Inquiry) -> str:
    """A condition as SQL that is true exactly where it holds; false and NULL are the same to its reader."""
    match stated:
        case All(conditions):
            return _joined("AND", (condition(each, layout, inquiry) for each in conditions)) or "true"
        case Any(conditions):
            return _joined("OR", (condition(each, layout, inquiry) for each in conditions)) or "false"
        case Not(inner):
            return f"({condition(inner, layout, inquiry)}) IS NOT TRUE"
        case Members(_, users):
            people = inquiry.table({"id": pa.array(users, pa.string())})
            return f"user_id IN (SELECT id FROM {people})"  # noqa: S608
        case Comparison(field, operator, values):
            positive = NEGATIVE.get(operator, operator)
            compare = _nested if field.form == Form.JSON else _plain
            found = compare(field, positive, values, layout, inquiry)
            return f"({found}) IS NOT TRUE" if operator in NEGATIVE else found


def json(field: Field, layout: Layout, inquiry: Inquiry) -> Value:
    """The value below a JSON column. A key with dots is taken as it stands; where there is none, as a path."""
    value = _top(field.column, field.key, layout, inquiry)
    if "." not in field.key:
        return value
    nested = _path(field, layout, inquiry)
    if value.present == "false":
        return nested
    # JSON null is a value here: what lies below the path does not come in its place.
    present = value.present
    return Value(
        _either_of(present, value.string, nested.string),
        _either_of(present, value.number, nested.number),
        _either_of(present, value.other, nested.other),
        _either_of(present, value.digits, nested.digits),
        value.marks | nested.marks,
    )


def _plain(field: Field, operator: pb.Operator, values: Sequence[Scalar], _: Layout, inquiry: Inquiry) -> str:
    if operator == pb.OPERATOR_EXISTS:
        return f"{field.column} IS NOT NULL"
    if not values:
        return "false"
    cast = _CASTS[field.form]
    if operator in (pb.OPERATOR_EQUAL, pb.OPERATOR_IN):
        return f"{field.column} IN ({', '.join(inquiry.value(each, cast) for each in values)})"
    if operator in ORDERED:
        return f"{field.column} {ORDERED[operator]} {inquiry.value(values[0], cast)}"
    return _TEXTUAL[operator].format(text=field.column, value=inquiry.value(values[0]))


def _nested(
    field: Field, operator: pb.Operator, values: Sequence[Scalar], layout: Layout, inquiry: Inquiry
) -> str:
    if operator == pb.OPERATOR_EXISTS:
        if "." not in field.key:
            return json(field, layout, inquiry).there
        return _either(
            (_top(field.column, field.key, layout, inquiry).there, _path(field, layout, inquiry).there)
        )
    if not values:
        return "false"
    value = json(field, layout, inquiry)
    if operator in ORDERED:
        number = _number(value)
        return f"{number} {ORDERED[operator]} {inquiry.value(values[0], 'DOUBLE')}" if number else "false"
    if operator not in (pb.OPERATOR_EQUAL, pb.OPERATOR_IN):
        if value.string is None:
            return "false"
        return _TEXTUAL[operator].format(text=value.string, value=inquiry.value(values[0]))
    found = []
    for form, given in (
        (value.string, [inquiry.value(each) for each in values if isinstance(each, str)]),
        (value.other, [f"'{str(each).lower()}'" for each in values if isinstance(each, bool)]),
    ):
        if form is not None and given:
            found.append(f"{form} IN ({', '.join(given)})")
    numbers = [each for each in values if isinstance(each, int | float) and not isinstance(each, bool)]
    if numbers and (number := _number(value)):
        given = [inquiry.value(float(each), "DOUBLE") for each in numbers]
        found.append(f"{number} IN ({', '.join(given)})")
    return _either(found)


def _number(value: Value) -> str | None:
    """The number that is compared; None where there is none in any row."""
    if value.marks.hard:
        raise Inexact("a comparison of numbers that doubles do not hold")
    return value.number


def _text(field: Field, layout: Layout, inquiry: Inquiry) -> str:
    """The text of a JSON value. As text JSON null is missing, so that what lies below the path comes in its place."""
    value = _top(field.column, field.key, layout, inquiry).text
    return value if "." not in field.key else _first([value, _path(field, layout, inquiry).text])


def _top(of: str, key: str, layout: Layout, inquiry: Inquiry) -> Value:
    """The value under a key as it stands."""
    shredded = layout[of]
    if found := shredded.find(key):
        number, known = found
        s, n, d, r = (column(of, number, form) if form in known.forms else None for form in "sndr")
        numbers = [each for each in (n, f"CAST({d} AS DOUBLE)" if d else None) if each]
        digits = [each for each in (_shown(n) if n else None, d) if each]
        # What a column of its own holds is exact as text; marks tell of what lies within.
        return Value(
            s,
            _first(numbers) if numbers else None,
            r,
            _first(digits) if digits else None,
            Marks(hard=known.marks.hard, nested=known.marks.nested),
        )
    if shredded.rest is None:
        return Value()
    return _extracted(of, [key], shredded.rest, inquiry)


def _path(field: Field, layout: Layout, inquiry: Inquiry) -> Value:
    """The value below a path."""
    top, *steps = field.key.split(".")
    if any(_LIKE_A_PLACE.fullmatch(step) and not _PLACE.fullmatch(step) for step in steps):
        raise Inexact("a place in a list, written in an unusual way")
    shredded: Shredded = layout[field.column]
    if found := shredded.find(top):
        number, known = found
        if "r" not in known.forms:
            return Value()
        return _extracted(column(field.column, number, "r"), steps, known.marks, inquiry)
    if shredded.rest is None:
        return Value()
    return _extracted(field.column, [top, *steps], shredded.rest, inquiry)


def _extracted(document: str, steps: Sequence[str], marks: Marks, inquiry: Inquiry) -> Value:
    """The value at a path of a document."""
    pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    place = inquiry.value(pointer, "VARCHAR")
    found = f"CAST(json_extract({document}, {place}) AS VARCHAR)"
    # The first character tells: a quote comes before the sign and the digits, all others after.
    digits = f"CASE WHEN {found} >= '-' AND {found} < ':' THEN {found} END"
    return Value(
        f"CASE WHEN starts_with({found}, '\"') THEN json_extract_string({document}, {place}) END",
        f"CAST({digits} AS DOUBLE)",
        f"CASE WHEN {found} >= ':' THEN {found} END",
        digits,
        marks,
    )


def _shown(number: str) -> str:
    """The text of a double that stands for a JSON number."""
    return (
        f"CASE WHEN abs({number}) < 1e15 AND {number} = trunc({number}) THEN CAST(CAST({number} AS BIGINT) AS VARCHAR)"
        f" ELSE CAST({number} AS VARCHAR) END"
    )


def _first(expressions: Sequence[str]) -> str:
    if len(expressions) > 1:
        return f"coalesce({', '.join(expressions)})"
    return expressions[0] if expressions else "CAST(NULL AS VARCHAR)"


def _either(expressions: Iterable[str]) -> str:
    found = [each for each in expressions if each != "false"]
    return f"({' OR '.join(found)})" if found else "false"


def _either_of(present: str, one: str | None, other: str | None) -> str | None:
    if one is None and other is None:
        return None
    return f"CASE WHEN {present} THEN {one or 'NULL'} ELSE {other or 'NULL'} END"


def _joined(word: str, parts: Iterable[str]) -> str:
    found = f" {word} ".join(parts)
    return f"({found})" if found else ""


_CASTS = {Form.TEXT: "VARCHAR", Form.NAMED: "SMALLINT", Form.NUMBER: "DOUBLE", Form.TIME: "TIMESTAMPTZ"}
