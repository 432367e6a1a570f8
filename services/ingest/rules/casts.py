"""The action that changes the type of a field. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from services.ingest.rules import exact
from services.ingest.rules.path import OBJECTS, Fault, Json, writable
from services.ingest.rules.table import Table, shown, stamp
from services.ingest.rules.values import text_of
from services.kit.errors import Invalid
from services.kit.instant import at as instant_at
from tidemark.v1.rule_pb2 import CastField

_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_MILLISECONDS = 10**11
"""From here on a number is no count of seconds since 1970, which would be in the year 5138, but of milliseconds."""
_END_OF_TIME_MS = 253_402_300_800_000
"""The year 10000."""
_LARGEST = 1 << 63


def cast_field(message: CastField, at: str, _: bytes) -> Callable[[Table, Sequence[int]], None]:
    """Changes the type of a field."""
    path = writable(message.field, f"{at}.field")
    if message.to not in _CASTS:
        names = ", ".join(CastField.Type.Name(each) for each in _CASTS)
        raise Invalid(f"{at}.to", f"is {message.to}; write one of {names}")
    if path.column not in OBJECTS and message.to not in (CastField.TYPE_STRING, CastField.TYPE_TIMESTAMP):
        raise Invalid(
            f"{at}.to", f"is no text, and {path.text} can be nothing else; cast properties or context"
        )
    noun, convert = _CASTS[message.to]

    def to(value: Json) -> Json:
        made = convert(value)
        if made is None:
            raise Fault(path.text, f"is {shown(value)}, of which no {noun} can be made")
        return made

    return lambda table, rows: table.change(path, rows, to)


def _string(value: Json) -> str | None:
    return None if isinstance(value, dict | list) else text_of(value)


def _number(value: Json) -> int | float | None:
    if isinstance(value, str):
        return exact.number(value.strip())
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _integer(value: Json) -> int | float | None:
    found = _number(value)
    if not isinstance(found, float):
        return found
    if isinstance(found, exact.Number):
        # A whole number of more than 64 bits is one all the same, and stays as it is.
        return found if found.text.removeprefix("-").isdecimal() else None
    return int(found) if found.is_integer() and abs(found) < _LARGEST else None


def _boolean(value: Json) -> bool | None:
    if isinstance(value, dict | list):
        return None
    text = text_of(value).strip().lower()
    return _TRUTHS.get(text.removesuffix(".0") if isinstance(value, float) else text)


def _timestamp(value: Json) -> str | None:
    if isinstance(value, str):
        try:
            given = datetime.fromisoformat(value.strip())
            return stamp(given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            pass  # It may still be a number of seconds.
    number = _number(value)
    if number is None or abs(number) > _END_OF_TIME_MS:
        return None
    seconds = number / 1000 if abs(number) >= _MILLISECONDS else number
    try:
        return stamp(instant_at(round(seconds * 1_000_000)))
    except OverflowError:
        return None


_CASTS: Mapping[int, tuple[str, Callable[[Json], Json]]] = {
    CastField.TYPE_STRING: ("text", _string),
    CastField.TYPE_NUMBER: ("number", _number),
    CastField.TYPE_INTEGER: ("whole number", _integer),
    CastField.TYPE_BOOLEAN: ("true or false", _boolean),
    CastField.TYPE_TIMESTAMP: ("instant", _timestamp),
}
