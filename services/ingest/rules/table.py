"""A batch as rules work on it: columns of `columns.EVENTS` come in from `program`, and go out changed where rules changed them.

An object of JSON is read once, when the first rule asks for it, and written once, at the end, if a rule has changed it; the text of
every other row stays as it came. A change is made whole or not at all, so a row on which a rule fails is as it was before. Pure.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence, Set
from datetime import datetime
from functools import cached_property

import orjson
import pyarrow as pa

from services.ingest.rules import exact
from services.ingest.rules.path import OBJECTS, TEXTS, Fault, Json, Object, Path
from services.kit.instant import at
from tidemark.v1.event_pb2 import EventType

MAX_TEXT = 200
MAX_JSON_BYTES = 64 << 10
MAX_JSON_DEPTH = 16
_GROWTH = 6
"""How much longer JSON can become when it is written anew: `1e15` becomes 1000000000000000.0, and a control character \\u0001."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TYPES = {number: name.removeprefix("EVENT_TYPE_") for name, number in EventType.items()}
_EMPTY: Object = {}


class Table:
    """The rows of a batch, by number."""

    def __init__(self, rows: pa.RecordBatch) -> None:
        self._rows = rows
        self._now: dict[str, list[Json]] = {}
        """Columns as they are now: texts, and objects, those that were not read yet being None."""
        self._came: dict[str, list[bytes | None]] = {}
        """The JSON of objects as it came."""
        self._doubtful: dict[str, Set[int]] = {}
        """The rows whose JSON may hold numbers that orjson does not read exactly."""
        self._sizes: dict[tuple[str, int], int] = {}
        """At most how many bytes the JSON of a changed row has."""
        self._touched: dict[str, set[int]] = {name: set() for name in (*TEXTS, *OBJECTS)}
        self.changed: set[int] = set()
        """The rows that the present rule has changed."""
        self.failed: dict[int, Fault] = {}
        """The rows that the present rule has failed on."""

    def __len__(self) -> int:
        return int(self._rows.num_rows)

    def turn(self) -> tuple[set[int], dict[int, Fault]]:
        """What the rule that ends here has changed and failed on; another one begins."""
        found = self.changed, self.failed
        self.changed, self.failed = set(), {}
        return found

    @cached_property
    def times(self) -> list[datetime]:
        """When each event happened."""
        return [at(us) for us in self._rows["occurred_at"].cast(pa.int64()).to_pylist()]

    def texts(self, column: str) -> list[str | None]:
        """A column of texts as it is now; `type` by its name."""
        if column not in self._now:
            found = self._rows[column].to_pylist()
            self._now[column] = [_TYPES.get(kind, str(kind)) for kind in found] if column == "type" else found
        return self._now[column]

    def object(self, column: str, row: int) -> Object:
        """The object of a row in a column of JSON as it is now; an empty one where there is none."""
        if column not in self._now:
            self._now[column] = [None] * len(self)
            self._came[column] = self._rows[column].cast(pa.binary()).to_pylist()
            self._doubtful[column] = exact.doubtful(self._rows[column])
        held: Object | None = self._now[column][row]
        if held is None:
            text = self._came[column][row]
            loads = exact.loads if row in self._doubtful[column] else orjson.loads
            held = self._now[column][row] = _EMPTY if text is None else loads(text)
        return held

    def values(self, path: Path, rows: Sequence[int]) -> list[Json]:
        """The value of a field in each of these rows; None where it is missing."""
        if path.column in OBJECTS:
            column, within = path.column, path.within
            return [within(self.object(column, row)) for row in rows]
        if path.column == "occurred_at":
            return [stamp(self.times[row]) for row in rows]
        texts = self.texts(path.column)
        return [texts[row] for row in rows]

    def change(self, path: Path, rows: Sequence[int], to: Callable[[Json], Json]) -> None:
        """Puts `to(value)` where there is a value; `to` raises `Fault` on what it cannot take."""
        known: dict[str, Json] = {}
        for row, value in zip(rows, self.values(path, rows)):
            if value is None:
                continue
            try:
                if type(value) is not str:
                    made = to(value)
                elif (made := known.get(value)) is None:  # A text that repeats is worked out once.
                    made = known[value] = to(value)
                self.put(row, path, made)
            except Fault as fault:
                self.failed[row] = fault

    def put(self, row: int, path: Path, value: Json) -> None:
        """Sets a field of a row; raises `Fault`, having changed nothing, where the event would not be valid then."""
        column = path.column
        if column in OBJECTS:
            self._keep(column, row, self._put(row, self.object(column, row), path, value))
        else:
            self._keep(column, row, _text(path, value))

    def put_all(self, row: int, column: str, values: Iterable[tuple[Path, Json]]) -> None:
        """Sets fields of a row in a column of JSON: all of them, or `Fault` is raised and none is set."""
        held = self.object(column, row)
        for path, value in values:
            held = self._put(row, held, path, value)
        self._keep(column, row, held)

    def take(self, row: int, path: Path) -> None:
        """Takes a field of a row away, where it is there."""
        column = path.column
        self._keep(column, row, path.take(self.object(column, row)) if column in OBJECTS else None)

    def move(self, row: int, source: Path, target: Path, value: Json) -> None:
        """Puts the `value` of one field of a row in the place of another; raises `Fault`, having changed nothing."""
        column = source.column
        if column in OBJECTS and target.column == column:
            rest = source.take(self.object(column, row))
            self._keep(column, row, self._put(row, rest, target, value))
        else:
            self.put(row, target, value)
            self.take(row, source)

    def finish(self) -> pa.RecordBatch:
        """The batch with all changes."""
        found = self._rows
        for column, touched in self._touched.items():
            if not touched:
                continue
            if column in TEXTS:
                array = pa.array(self._now[column], pa.string())
            else:
                texts, objects = list(self._came[column]), self._now[column]
                for row in touched:
                    texts[row] = exact.dumps(objects[row])
                array = pa.array(texts, pa.binary()).view(pa.string())
            place = found.schema.get_field_index(column)
            found = found.set_column(place, found.schema.field(place), array)
        return found

    def _put(self, row: int, held: Object, path: Path, value: Json) -> Object:
        """The object of a row with `value` in its place; raises `Fault` where it would be too long or too deep."""
        if exact.same(path.within(held), value) and (value is not None or path.is_in(held)):
            return held
        size = self._sizes.get((path.column, row))
        if size is None:
            size = _GROWTH * len(self._came[path.column][row] or b"")
        size += _GROWTH * len(path.text) + _bytes(path, value)
        made = path.put(held, value)
        # It is only written to see how long it is where it may be too long.
        if size > MAX_JSON_BYTES and (size := len(exact.dumps(made))) > MAX_JSON_BYTES:
            raise Fault(
                path.text, f"would make {size} bytes of {path.column}; at most {MAX_JSON_BYTES} are stored"
            )
        self._sizes[path.column, row] = size
        return made

    def _keep(self, column: str, row: int, value: Json) -> None:
        """Puts a whole object, or a text, in its place; what stays as it was does not count as changed."""
        before = self.object(column, row) if column in OBJECTS else self.texts(column)[row]
        if value is not before and (column in OBJECTS or value != before):
            self._now[column][row] = value
            self._touched[column].add(row)
            self.changed.add(row)


def stamp(instant: datetime) -> str:
    """An instant of UTC as a text, as in `2026-11-22T09:30:00Z`; with a fraction of a second only where there is one."""
    digits = "auto" if instant.microsecond % 1000 else "milliseconds" if instant.microsecond else "seconds"
    return instant.isoformat(timespec=digits).replace("+00:00", "Z")


def _text(path: Path, value: Json) -> str | None:
    """What a column of texts takes; null for an empty one, as `validate` makes it."""
    if value is None or value == "":
        if path.column == "name":
            raise Fault(path.text, "would be empty; an event needs a name")
        return None
    if type(value) is not str:
        raise Fault(
            path.text,
            f"would be {shown(value)}; only a text can be there: write string(...), or cast it first",
        )
    if len(value) > MAX_TEXT:
        raise Fault(path.text, f"would have {len(value)} characters; at most {MAX_TEXT} are stored")
    if "\0" in value or (path.column == "name" and _CONTROL.search(value)):
        raise Fault(path.text, f"would be {shown(value)}; control characters are not stored")
    return value


def _bytes(path: Path, value: Json) -> int:
    """At most how long a value is as JSON; raises `Fault` where it cannot be stored."""
    levels = len(path.steps)
    if type(value) is str:
        if "\0" in value:
            raise Fault(path.text, "would hold a NUL character, which is not stored")
        return _GROWTH * len(value) + 8
    if isinstance(value, dict | list):
        levels += _levels(path, value)
        if levels >= MAX_JSON_DEPTH:
            raise Fault(path.text, f"would be nested deeper than {MAX_JSON_DEPTH} levels")
        return len(exact.dumps(value))
    if isinstance(value, float) and not math.isfinite(value):
        raise Fault(path.text, f"would be {value}, which is no number of JSON")
    if levels >= MAX_JSON_DEPTH:
        raise Fault(path.text, f"would be nested deeper than {MAX_JSON_DEPTH} levels")
    return len(value.text) if isinstance(value, exact.Number) else 32


def _levels(path: Path, value: Json) -> int:
    """Levels of objects and arrays in a value; raises `Fault` where it holds what cannot be stored."""
    levels, level = 0, [value]
    while level:
        inner: list[Json] = []
        deeper = False
        for part in level:
            if isinstance(part, dict):
                deeper = True
                inner += part.keys()
                inner += part.values()
            elif isinstance(part, list):
                deeper = True
                inner += part
            elif (isinstance(part, str) and "\0" in part) or (
                isinstance(part, float) and not math.isfinite(part)
            ):
                raise Fault(path.text, f"would hold {shown(part)}, which is not stored")
        levels, level = levels + deeper, inner
    return levels


def shown(value: Json) -> str:
    """A value as messages repeat it."""
    plain = isinstance(value, float) and not math.isfinite(value)
    text = str(value) if plain else exact.dumps(value).decode()
    return text if len(text) <= 20 else f"{text[:20]}…"
