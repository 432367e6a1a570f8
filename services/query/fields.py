"""The fields that questions may name: a path comes in, a `Field` whose column is of a closed list goes out to `sql`."""

from dataclasses import dataclass
from enum import Enum

from services.kit.errors import Invalid
from tidemark.v1.event_pb2 import EventType
from tidemark.v1.metric_pb2 import MetricKind
from tidemark.v1.question_pb2 import SOURCE_EVENTS, SOURCE_METRICS, Source

MAX_PATH = 500


class Form(Enum):
    """What the values of a field are."""

    TEXT = "text"
    NAMED = "one of a few names"
    NUMBER = "number"
    TIME = "time"
    JSON = "any JSON value"


@dataclass(frozen=True, slots=True)
class Field:
    """A column, or a value inside a JSON column."""

    path: str
    column: str
    form: Form
    key: str = ""
    """For JSON: the key below the column; its dots may reach nested values."""

    @property
    def in_rollups(self) -> bool:
        """Whether rollups tell rows apart by it."""
        return self.path in ("name", "type", "kind")


_COLUMNS: dict[Source, dict[str, Form]] = {
    SOURCE_EVENTS: {
        "name": Form.TEXT,
        "type": Form.NAMED,
        "user_id": Form.TEXT,
        "session_id": Form.TEXT,
        "occurred_at": Form.TIME,
    },
    SOURCE_METRICS: {
        "name": Form.TEXT,
        "kind": Form.NAMED,
        "unit": Form.TEXT,
        "value": Form.NUMBER,
        "observed_at": Form.TIME,
    },
}
_JSON: dict[Source, tuple[str, ...]] = {SOURCE_EVENTS: ("properties", "context"), SOURCE_METRICS: ("tags",)}
_PREFIXES = {"type": "EVENT_TYPE_", "kind": "METRIC_KIND_"}
_NUMBERS = {"type": dict(EventType.items()), "kind": dict(MetricKind.items())}


def paths(source: Source) -> list[str]:
    """The paths of the fields that every event, or every point, has."""
    return list(_COLUMNS[source])


def field(path: str, source: Source, at: str) -> Field:
    """The field that `path` names; raises `Invalid` for the request field `at`."""
    if len(path) > MAX_PATH or "\0" in path:
        raise Invalid(at, f"has {len(path)} characters; a path has at most {MAX_PATH} and no NUL")
    form = _COLUMNS[source].get(path)
    if form is not None:
        return Field(path, path, form)
    column, dot, key = path.partition(".")
    if dot and key and column in _JSON[source]:
        return Field(path, column, Form.JSON, key)
    known = [*_COLUMNS[source], *(f"{column}.<key>" for column in _JSON[source])]
    of = "metric points" if source == SOURCE_METRICS else "events"
    raise Invalid(at, f"is {path[:100]!r}; fields of {of} are {', '.join(known)}")


def number_of(name: str, field: Field, at: str) -> int:
    """The stored number of an event type or metric kind, named as `USER_ACTION` or `EVENT_TYPE_USER_ACTION`."""
    prefix = _PREFIXES[field.path]
    number = _NUMBERS[field.path].get(prefix + name.removeprefix(prefix), 0)
    if not number:
        names = [each.removeprefix(prefix) for each, value in _NUMBERS[field.path].items() if value]
        raise Invalid(at, f"is {name[:100]!r}; a {field.path} is one of {', '.join(names)}")
    return number


def name_of(number: int, field: Field) -> str:
    """The name of a stored event type or metric kind, as in `USER_ACTION`."""
    prefix = _PREFIXES[field.path]
    return next(
        (name.removeprefix(prefix) for name, value in _NUMBERS[field.path].items() if value == number),
        str(number),
    )
