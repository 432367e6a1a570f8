"""The filters and tests that every template has: plain values come in, plain values go out to `sandbox`. Pure.

None makes much out of little: what would is refused before it is made.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from jinja2 import Undefined

MAX_TEXT = 1_000_000
"""Characters of a text."""

Filter = Callable[..., object]


def plain(value: object) -> str:
    """A value as text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | date):
        return str(value)
    raise TypeError(f"{kind(value)} is no text; write it with a filter, as in value | tojson")


def kind(value: object) -> str:
    """What a value is, for people."""
    for kinds, name in (
        ((bool,), "true or false"), ((int, float), "a number"), ((str,), "a text"), ((Mapping,), "a mapping"),
        ((list, tuple, range), "a list"), ((date,), "an instant"), ((type(None),), "nothing"),
    ):  # fmt: skip
        if isinstance(value, kinds):
            return name
    return "such a thing"


def _json(value: object) -> str:
    """JSON that is YAML, too: signs beyond the first plane stand as they are, for YAML has no pairs of surrogates."""
    text = json.dumps(_data(value), ensure_ascii=False, allow_nan=False)
    return "".join(sign if " " <= sign <= "~" or sign > "\uffff" else f"\\u{ord(sign):04x}" for sign in text)


def _data(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _data(each) for key, each in value.items()}
    if isinstance(value, list | tuple | range):
        return [_data(each) for each in value]
    return value if isinstance(value, str | int | float | None) else plain(value)


def _replaced(text: str, old: str, new: str) -> str:
    if len(text) + (text.count(old) if old else len(text) + 1) * len(new) > MAX_TEXT:
        raise ValueError(f"makes a text of more than {MAX_TEXT} characters")
    return text.replace(old, new)


def _list_joined(values: Iterable[object], between: str = "") -> str:
    parts = [plain(value) for value in values]
    if len(between) * len(parts) > MAX_TEXT:
        raise ValueError(f"makes a text of more than {MAX_TEXT} characters")
    return between.join(parts)


def _summed(values: Iterable[int | float]) -> int | float:
    found = list(values)
    if not all(isinstance(value, int | float) for value in found):
        raise TypeError("sum takes numbers")
    return sum(found)


def _picked(values: Iterable[Mapping[str, object]], attribute: str) -> list[object]:
    return [value[attribute] for value in values]


def _unique(values: Iterable[object]) -> list[object]:
    return list({json.dumps(_data(value), sort_keys=True): value for value in values}.values())


def _truncated(text: str, length: int = 255, end: str = "…") -> str:
    return text if len(text) <= length else text[: max(0, length - len(end))] + end


def _rounded(value: float, digits: int = 0) -> float:
    return round(value, max(-300, min(300, digits)))


FILTERS: dict[str, Filter] = {
    "abs": abs,
    "capitalize": str.capitalize,
    "first": lambda values: next(iter(values), ""),
    "float": float,
    "int": lambda value: int(value),
    "items": lambda values: [[key, value] for key, value in values.items()],
    "join": _list_joined,
    "last": lambda values: values[-1] if values else "",
    "length": len,
    "list": list,
    "lower": str.lower,
    "map": _picked,
    "max": max,
    "min": min,
    "replace": _replaced,
    "reverse": lambda values: values[::-1],
    "round": _rounded,
    "sort": sorted,
    "string": plain,
    "sum": _summed,
    "title": str.title,
    "tojson": _json,
    "trim": str.strip,
    "truncate": _truncated,
    "unique": _unique,
    "upper": str.upper,
}
TESTS: dict[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "defined": lambda value: not isinstance(value, Undefined),
    "even": lambda value: isinstance(value, int) and value % 2 == 0,
    "mapping": lambda value: isinstance(value, Mapping),
    "none": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "odd": lambda value: isinstance(value, int) and value % 2 == 1,
    "sequence": lambda value: isinstance(value, list | tuple | range),
    "string": lambda value: isinstance(value, str),
    "undefined": lambda value: isinstance(value, Undefined),
}
