"""Expressions in CEL: a source comes in from a rule, what it gives for the events of a batch goes out to the action.

An expression is compiled when the rules are, and evaluated once for all events that look the same to it: those that agree in the
fields that it names. Whatever goes wrong with an event is a fault of that event. Pure.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from services.ingest.rules import cost, exact
from services.ingest.rules.path import OBJECTS, TEXTS, Fault, Json
from services.ingest.rules.table import Table, shown, stamp
from services.kit.errors import Invalid

if TYPE_CHECKING:
    import cel

VARIABLES = (*TEXTS, "type", "occurred_at", *OBJECTS)
_TYPES = {
    "bool", "bytes", "double", "google", "int", "list", "map", "null_type", "string", "type", "uint",
}  # fmt: skip
"""Names that CEL gives to types."""
_FUNCTIONS = {
    "bytes", "contains", "double", "duration", "dyn", "endsWith", "getDate", "getDayOfMonth", "getDayOfWeek",
    "getDayOfYear", "getFullYear", "getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds", "int", "matches", "size",
    "startsWith", "string", "timestamp", "type", "uint",
}  # fmt: skip


class Expression:
    """An expression of a rule."""

    def __init__(self, source: str, at: str, field: str) -> None:
        """Raises `Invalid` for the request field `at`; `field` is the one at fault where it fails on an event."""
        self._field = field
        reading = cost.read(source, VARIABLES, OBJECTS, at)
        self._cost = reading.cost
        self._program = _compiled(source, at)
        names = set(self._program.variables())
        unknown = names - reading.bound - _TYPES - set(VARIABLES)
        if unknown:
            raise Invalid(at, f"names {min(unknown)!r}, which is no field; write {', '.join(VARIABLES)}")
        functions = {name for name in self._program.functions() if name.isidentifier()} - _FUNCTIONS
        if functions:
            name = min(functions)
            near = get_close_matches(name, _FUNCTIONS, 1) or sorted(_FUNCTIONS)
            raise Invalid(at, f"calls {name}(), which there is not; there is {', '.join(near)}")
        self._texts = [name for name in (*TEXTS, "type") if name in names]
        self._keys = {name: reading.keys[name] for name in OBJECTS if name in names}
        self._asked = reading.asked
        self._timed = "occurred_at" in names

    def true(self, table: Table, rows: Sequence[int]) -> list[int]:
        """The rows of which it is true; one that it gives neither true nor false for has failed."""
        met = []
        for row, value in self.values(table, rows):
            if value is True:
                met.append(row)
            elif value is not False:
                table.failed[row] = Fault(self._field, f"is {shown(value)}; write what is true or false")
        return met

    def values(self, table: Table, rows: Sequence[int]) -> Iterator[tuple[int, Json]]:
        """What it gives for each of these rows; those that it fails on are left out, and the table is told why."""
        known: dict[bytes, tuple[bool, Json]] = {}
        for row in rows:
            held = self._held(table, row)
            key = exact.dumps(held)
            found = known.get(key)
            if found is None:
                found = known[key] = self._evaluated(held, len(key))
            good, value = found
            if good:
                yield row, value
            else:
                table.failed[row] = Fault(self._field, value)

    def _held(self, table: Table, row: int) -> dict[str, Any]:
        """The fields that it reads; a key that it names is null where it is missing, unless it asks whether it is there."""
        held: dict[str, Any] = {name: table.texts(name)[row] for name in self._texts}
        for name, keys in self._keys.items():
            inside = table.object(name, row)
            if keys is None:
                held[name] = inside
            else:
                held[name] = {key: inside.get(key) for key in keys if key in inside or key not in self._asked}
        if self._timed:
            held["occurred_at"] = table.times[row]
        return held

    def _evaluated(self, held: dict[str, Any], size: int) -> tuple[bool, Json]:
        """Whether it can be evaluated, and the value, or why not."""
        if reason := self._cost.excess(held, size):
            return False, reason
        try:
            return True, _json(self._program.execute(held))
        except BaseException as error:  # noqa: BLE001 - one event must not stop others, whatever the evaluator makes of it
            return False, _told(error)


def _compiled(source: str, at: str) -> "cel.Program":
    import cel  # With it comes a command line of 30 MB, which only those pay for who write expressions.

    try:
        return cel.compile(source)
    except BaseException as error:
        raise Invalid(at, f"is no CEL: {_told(error)}") from error


def _told(error: BaseException) -> str:
    """What went wrong, and what to write instead; raises what is no error of the evaluator."""
    if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
        raise error
    if isinstance(error, KeyError):
        return f"finds no key {str(error.args[0])[:50]!r}; ask with has(...) first"
    text = " ".join(str(error).split())
    first = text.split(". ")[0].removeprefix("Failed to parse expression ").rstrip(".")[:150]
    if isinstance(error, TypeError):
        return f"{first}: CEL mixes no types; write double(...), int(...) or string(...) around one of them"
    if first.startswith("Undefined variable or function: "):
        return f"calls {first.removeprefix('Undefined variable or function: ')} with a value of a type that it does not take"
    return first


def _json(value: Any) -> Json:
    """What an expression gives as JSON; raises `ValueError` where it is none."""
    if isinstance(value, datetime):
        return stamp(value.astimezone(UTC))
    if isinstance(value, dict):
        if any(type(key) is not str for key in value):
            raise ValueError("gives a map with keys that are no texts; write string(...)")
        return {key: _json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_json(each) for each in value]
    if value is None or isinstance(value, str | int | float):
        return value
    noun = {"timedelta": "a duration", "bytes": "bytes"}.get(type(value).__name__, type(value).__name__)
    raise ValueError(f"gives {noun}, which is no JSON; write string(...) or int(...)")
