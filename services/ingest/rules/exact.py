"""JSON that is read and written without loss: texts come in from `table`, values go out to the actions, and back. Pure.

orjson reads whole numbers of up to 64 bits, and doubles. A number beyond them becomes a `Number`, which goes out as it came.
"""

import json
import math
import re
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

# Digits that a double may not hold, or an exponent at its limits. Texts may look so too, and are read the slower way in vain.
_DOUBTFUL = "[0-9.]{16}|[0-9][eE][-+]?[0-9]{3}"
_SMALLEST, _LARGEST = -(1 << 63), (1 << 64) - 1


class Number(float):
    """A number that is no whole number of 64 bits, and that a double holds only nearly."""

    text: str

    def __new__(cls, text: str) -> "Number":
        made = super().__new__(cls, text)
        made.text = text
        return made


def doubtful(texts: pa.Array) -> frozenset[int]:
    """The rows of a column of JSON that are to be read by `loads`; of the others orjson loses nothing."""
    return frozenset(pc.indices_nonzero(pc.match_substring_regex(texts, _DOUBTFUL)).to_pylist())


def loads(text: bytes) -> Any:
    """The value of a JSON text that `validate` has let pass."""
    return json.loads(text, parse_int=_whole, parse_float=_broken)


def dumps(value: Any) -> bytes:
    """The JSON text of a value of JSON."""
    return orjson.dumps(value, default=_written)


def _sorted(value: Any) -> bytes:
    return orjson.dumps(value, default=_written, option=orjson.OPT_SORT_KEYS)


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1, 1.0 and true are equal, but not the same."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict | list):
        return _sorted(one) == _sorted(other)
    return one.text == other.text if isinstance(one, Number) else bool(one == other)


def number(text: str) -> int | float | None:
    """The number that a text as in JSON stands for, exactly; None where there is none within the bounds of doubles."""
    if not _NUMBER.fullmatch(text) or len(text) > 1000:
        return None
    found = _whole(text) if text.removeprefix("-").isdecimal() else _broken(text)
    return found if math.isfinite(found) else None


_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)


def _whole(text: str) -> int | float:
    # Texts of thousands of digits are no numbers to Python: reading them takes time with the square of their length.
    if len(text) <= 20 and _SMALLEST <= (value := int(text)) <= _LARGEST:
        return value
    return Number(text)


def _broken(text: str) -> float:
    value = float(text)
    return value if len(text) <= 40 and Decimal(repr(value)) == Decimal(text) else Number(text)


def _written(value: object) -> orjson.Fragment:
    if isinstance(value, Number):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} is no JSON")
