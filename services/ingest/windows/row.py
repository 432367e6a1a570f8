"""Results as rows of `window_results`: JSON that statements take goes out to `store`, columns that they give come in. Pure."""

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson

from services.ingest.windows.result import Result
from services.kit.instant import at, us_of
from services.kit.window import Part, length_us, stored
from tidemark.v1.window_pb2 import Window

COLUMNS = "partition, key, start_at, end_at, count, counts, numbers, sketches, late_count, dropped_count, restated_at"
"""What `result` reads."""


def places(results: Iterable[Result]) -> str:
    """Which rows are meant: partition, key and start."""
    return _json([_place(each) for each in results])


def spans(results: Iterable[Result]) -> str:
    """The spans of time of results: partition, key, low and high."""
    return _json(
        [
            {
                "partition": each.partition,
                "key": each.key,
                "low": at(each.start_us),
                "high": at(each.end_us),
            }
            for each in results
        ]
    )


def rows(window: Window, results: Iterable[Result]) -> str:
    """Rows as they are written."""
    return _json([_row(window, each) for each in results])


def result(window: Window, columns: tuple[Any, ...]) -> Result:
    """The result of a row."""
    partition, key, start_at, end_at, count, counts, numbers, sketches, late, dropped, restated_at = columns
    start_us = us_of(start_at)
    return Result(
        partition,
        tuple(key),
        start_us,
        us_of(end_at) if end_at is not None else start_us + length_us(window),
        count,
        tuple(Part(*part) for part in zip(counts, numbers, sketches)) if count else (),
        late,
        dropped,
        us_of(restated_at) if restated_at is not None else None,
    )


def _place(result: Result) -> dict[str, object]:
    return {"partition": result.partition, "key": result.key, "start_at": at(result.start_us)}


def _row(window: Window, result: Result) -> dict[str, object]:
    # One without events has empty parts.
    parts = result.parts or (Part(),) * len(window.aggregates)
    return _place(result) | {
        "end_at": at(result.end_us) if window.HasField("session") else None,
        "count": result.count,
        "counts": [part.count for part in parts],
        "numbers": [_number(part.number) for part in parts],
        "sketches": [None if (data := stored(part)) is None else rf"\x{data.hex()}" for part in parts],
        "late_count": result.late,
        "restated_at": _instant(result.restated_us),
        "restated": result.restated,
        "dropped_count": result.dropped,
    }


def _number(number: float | None) -> float | str | None:
    """A number as JSON holds it and the database reads it."""
    return number if number is None or math.isfinite(number) else repr(number)


def _instant(us: int | None) -> datetime | None:
    return None if us is None else at(us)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
