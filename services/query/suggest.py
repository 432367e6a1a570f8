"""What may complete a text that somebody types: a request comes in, statements go out to `store`, their rows to the answer.

Names come from the daily rollups of 30 days. Fields and values come from recent rows: the last 300 of each of the 50 most frequent
names of that time, or the last 3 000 of the one name given.
"""

# ruff: noqa: S608  (statements are made of names of closed lists; every text of a caller is a parameter)

from dataclasses import dataclass

from services.kit.errors import Invalid
from services.query.fields import Field, Form, field, paths
from services.query.plan import RAW
from services.query.sql import TIME
from services.query.where import Statement, column, json
from tidemark.v1 import question_pb2
from tidemark.v1.event_pb2 import EventType
from tidemark.v1.metric_pb2 import MetricKind
from tidemark.v1.query_pb2 import SuggestRequest

DEFAULT_LIMIT, MAX_LIMIT = 20, 200
MAX_TEXT = 500
_ROWS_OF_ONE, _ROWS_OF_EACH, _NAMES = 3000, 300, 50
_JSON = {question_pb2.SOURCE_EVENTS: ("properties", "context"), question_pb2.SOURCE_METRICS: ("tags",)}


@dataclass(frozen=True, slots=True)
class Typed:
    """What is being typed."""

    kind: SuggestRequest.Kind
    source: question_pb2.Source
    text: str
    name: str
    field: Field | None
    """For values: the field they are of."""
    limit: int


def read(request: SuggestRequest) -> Typed:
    """What a request asks to complete; raises `Invalid` naming the field."""
    for at, text in (("text", request.text), ("name", request.name)):
        if len(text) > MAX_TEXT or "\0" in text:
            raise Invalid(at, f"has {len(text)} characters; give at most {MAX_TEXT} and no NUL")
    if not request.kind or request.kind not in SuggestRequest.Kind.values():
        raise Invalid("kind", f"is {request.kind}; give one of the kinds, as in KIND_EVENT_NAME")
    if request.source not in question_pb2.Source.values():
        raise Invalid("source", f"is {request.source}; give SOURCE_EVENTS or SOURCE_METRICS")
    if request.limit < 0:
        raise Invalid("limit", f"is {request.limit}; write 0 or more")
    source = request.source or question_pb2.SOURCE_EVENTS
    if request.kind == SuggestRequest.KIND_EVENT_NAME:
        source = question_pb2.SOURCE_EVENTS
    elif request.kind == SuggestRequest.KIND_METRIC_NAME:
        source = question_pb2.SOURCE_METRICS
    of = field(request.field, source, "field") if request.kind == SuggestRequest.KIND_VALUE else None
    limit = min(request.limit or DEFAULT_LIMIT, MAX_LIMIT)
    return Typed(request.kind, source, request.text, request.name, of, limit)


def known(typed: Typed) -> list[str] | None:
    """What is known without a look at the data: the values of a field that has few; None for all else."""
    if typed.field is None or typed.field.form != Form.NAMED:
        return None
    names = EventType.keys() if typed.field.path == "type" else MetricKind.keys()
    values = (name.removeprefix("EVENT_TYPE_").removeprefix("METRIC_KIND_") for name in names)
    fitting = [value for value in values if value != "UNSPECIFIED" and typed.text.lower() in value.lower()]
    return fitting[: typed.limit]


def statement(typed: Typed, project_id: int) -> Statement:
    """Reads suggestions, likeliest first: rows of text and count."""
    found = Statement()
    project = found.value(project_id)
    if typed.kind == SuggestRequest.KIND_FIELD:
        counted = _fields(typed, project, found)
    elif typed.field is None or typed.field.path == "name":
        counted = f"SELECT name AS value, sum(count)::bigint AS count FROM ({_days(typed, project)}) AS days GROUP BY name"
    else:
        counted = _values(typed, typed.field, project, found)
    text = found.value(typed.text, "text")
    found.text = (
        f"SELECT value, count FROM (\n{counted}\n) AS counted\nWHERE strpos(lower(value), lower({text})) > 0\n"
        f"ORDER BY starts_with(lower(value), lower({text})) DESC, count DESC, value\nLIMIT {found.value(typed.limit)}"
    )
    return found


def _fields(typed: Typed, project: str, found: Statement) -> str:
    """Paths of fields: the columns that every row has, and the keys of its JSON columns."""
    columns = found.value(paths(typed.source), "text[]")
    keys = "\nUNION ALL\n".join(
        f"SELECT '{column}.' || key AS value FROM recent, jsonb_object_keys(CASE jsonb_typeof({column})"
        f" WHEN 'object' THEN {column} ELSE '{{}}' END) AS key"
        for column in _JSON[typed.source]
    )
    return (
        f"WITH recent AS MATERIALIZED (\n{_recent(typed, ', '.join(_JSON[typed.source]), project, found)}\n)\n"
        f"SELECT value, count(*) AS count FROM (\n{keys}\n) AS keys GROUP BY value\n"
        f"UNION ALL\nSELECT unnest({columns}), (SELECT count(*) FROM recent)"
    )


def _values(typed: Typed, of: Field, project: str, found: Statement) -> str:
    if of.form == Form.JSON:
        value = json(of, found, "->>")
    elif of.form == Form.TIME:
        value = f"to_char({of.column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    else:
        value = f"{column(of, RAW[typed.source])}::text"
    recent = _recent(typed, f"left({value}, 1000) AS value", project, found)
    return f"SELECT value, count(*) AS count FROM (\n{recent}\n) AS recent WHERE value IS NOT NULL GROUP BY value"


def _recent(typed: Typed, columns: str, project: str, found: Statement) -> str:
    """The rows looked at for fields and values; the index by name and time finds them."""
    table, time = RAW[typed.source], TIME[RAW[typed.source]]
    names = (
        f"SELECT {found.value(typed.name, 'text')} AS name"
        if typed.name
        else f"SELECT name FROM ({_days(typed, project)}) AS days GROUP BY name ORDER BY sum(count) DESC LIMIT {_NAMES}"
    )
    rows = _ROWS_OF_ONE if typed.name else _ROWS_OF_EACH
    return (
        f"SELECT row.* FROM ({names}) AS named CROSS JOIN LATERAL (\n"
        f"SELECT {columns} FROM {table} WHERE project_id = {project} AND name = named.name"
        f" AND {time} > now() - interval '30 days' ORDER BY {time} DESC LIMIT {rows}\n) AS row"
    )


def _days(typed: Typed, project: str) -> str:
    return (
        f"SELECT name, count FROM rollups_1d WHERE project_id = {project} AND source = {int(typed.source)}"
        " AND bucket > now() - interval '30 days'"
    )
