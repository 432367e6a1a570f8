"""Writes the statements that read what windows keep: a `Reading` comes in, text with parameters goes out to `store`. Pure."""

# ruff: noqa: S608  (statements are made of constants and of numbers; every value of a caller is a parameter)

from collections.abc import Sequence

import orjson

from services.kit.window import AVG, COUNT, MAX, MIN, QUANTILE, RESULTS, SUM, UNIQUES
from services.query.where import Statement
from services.query.windows.plan import Reading
from services.query.windows.question import Window
from tidemark.v1.window_pb2 import WindowAggregate

_NUMBER = {SUM: "sum", AVG: "sum", MIN: "min", MAX: "max"}
_SKETCHED = (UNIQUES, QUANTILE)


def window(question: Window, project_id: int) -> Statement:
    """Reads number and definition of the window that a question names."""
    return Statement(
        "SELECT window_number, definition FROM windows JOIN projects USING (project_id)"
        " WHERE project_id = %(project)s AND 'projects/' || slug = %(name)s AND window_id = %(window)s",
        {"project": project_id, "name": question.project, "window": question.window_id},
    )


def keys(reading: Reading) -> Statement:
    """Reads the keys, largest by the first aggregate first, one more than are shown."""
    statement = _statement(reading)
    size = _size(*reading.aggregates[0])
    statement.text = (
        f"SELECT key\nFROM ({RESULTS[reading.session]}) AS rows\nGROUP BY key\n"
        f"ORDER BY {size} DESC NULLS LAST, key\nLIMIT %(limit)s"
    )
    return statement


def cells(reading: Reading, keys: Sequence[Sequence[str]]) -> Statement:
    """Reads bucket, place in `keys` (NULL for all others), events, late events, and of each aggregate count, number and sketches."""
    statement = _statement(reading)
    chosen = [{"key": list(key), "place": place} for place, key in enumerate(keys)]
    statement.parameters |= {"starts": list(reading.starts), "keys": orjson.dumps(chosen).decode()}
    columns = ", ".join(column for place, each in reading.aggregates for column in _columns(place, each))
    statement.text = (
        f"SELECT width_bucket(island, %(starts)s::timestamptz[]) - 1 AS slot, place, sum(count)::bigint, sum(late_count)::bigint,"
        f" {columns}\nFROM ({RESULTS[reading.session]}) AS rows\n"
        "LEFT JOIN json_to_recordset(%(keys)s) AS chosen (key text[], place integer) USING (key)\nGROUP BY slot, place"
    )
    return statement


def expected(reading: Reading) -> Statement:
    """Reads how many rows that takes."""
    statement = _statement(reading)
    statement.text = f"SELECT count(*) FROM ({RESULTS[reading.session]}) AS rows"
    return statement


def _statement(reading: Reading) -> Statement:
    question = reading.question
    return Statement(
        parameters={
            "window": reading.number,
            "start": question.span.start,
            "end": question.span.end,
            "key": list(question.key) or None,
            "limit": question.top + 1,
        }
    )


def _size(place: int, aggregate: WindowAggregate) -> str:
    """What keys are ordered by; by their events where a sketch tells the aggregate."""
    if aggregate.aggregation == COUNT or aggregate.aggregation in _SKETCHED:
        return "sum(count)"
    number = f"{_NUMBER[aggregate.aggregation]}(numbers[{place}])"
    return f"{number} / nullif(sum(counts[{place}]), 0)" if aggregate.aggregation == AVG else number


def _columns(place: int, aggregate: WindowAggregate) -> tuple[str, str, str]:
    number, sketches = "NULL::float8", "NULL::bytea[]"
    if aggregate.aggregation in _SKETCHED:
        sketches = f"array_agg(sketches[{place}]) FILTER (WHERE sketches[{place}] IS NOT NULL)"
    elif aggregate.aggregation != COUNT:
        number = f"{_NUMBER[aggregate.aggregation]}(numbers[{place}])"
    return f"sum(counts[{place}])::bigint", number, sketches
