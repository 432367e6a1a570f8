"""Files of rows (NDJSON, CSV, Parquet): rows come in as dictionaries, events go out as the `Columns` say.

What is not told is guessed from the columns' names. A column that serves as name, time, user, session or id is not a property;
all others are.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import orjson

from tidemark.load.draft import BadRow, Draft
from tidemark.records import EventType

Row = Mapping[str, Any]
_GUESSES = {
    "name": ("name", "event", "event_name", "action", "type"),
    "time": ("occurred_at", "timestamp", "time", "ts", "datetime", "date", "created_at", "event_time"),
    "user": ("user_id", "userid", "user", "distinct_id", "customer_id", "customerid", "actor"),
    "session": ("session_id", "sessionid", "session"),
    "id": ("event_id", "eventid", "uuid", "id", "message_id", "messageid"),
}
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,15})(\.\d+)?([eE][+-]?\d{1,2})?\Z")
_WORDS = {"true": True, "false": False}
_LOG_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
_BATCH_ROWS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Which column is what; an empty one is guessed, and `always` names every event instead of a column."""

    name: str = ""
    time: str = ""
    user: str = ""
    session: str = ""
    id: str = ""
    always: str = ""
    type: EventType = EventType.USER_ACTION

    def guessed(self, found: Iterable[str], fallback: str) -> "Columns":
        """With what the columns' names suggest; without a column for the name every event is called `fallback`."""
        known = list(found)
        by_lower = {name.lower().replace(" ", "_").replace("-", "_"): name for name in reversed(known)}
        roles: dict[str, str] = {}
        for role, guesses in _GUESSES.items():
            if given := getattr(self, role):
                if given not in known:
                    raise ValueError(f"--{role}: there is no column {given!r}; there are {', '.join(known)}")
                roles[role] = given
            elif not (role == "name" and self.always):
                candidates = (by_lower[guess] for guess in guesses if guess in by_lower)
                roles[role] = next((name for name in candidates if name not in roles.values()), "")
        if not roles["time"]:
            raise ValueError(f"--time: no column looks like a time; name one of {', '.join(known)}")
        always = self.always or ("" if roles["name"] else fallback)
        return replace(self, **roles, always=always)  # type: ignore[arg-type]


def ndjson(file: BinaryIO) -> Iterator[tuple[str, Row | str]]:
    """Place and object of each line, or what is wrong with it."""
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield f"line {number}", f"is not JSON: {error}"
            continue
        yield f"line {number}", row if isinstance(row, dict) else "is not a JSON object"


def csv_rows(file: BinaryIO, delimiter: str = "") -> Iterator[tuple[str, Row | str]]:
    """Place and row of each record; numbers and booleans are read as such, empty cells are left out."""
    text = io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline="")
    try:
        first = text.readline()
        text.seek(0)
        delimiter = delimiter or max(",;\t|", key=first.count)
        reader = csv.reader(text, delimiter=delimiter)
        header = next(reader, [])
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield f"line {reader.line_num}", str(error)
                continue
            if len(cells) > len(header):
                yield f"line {reader.line_num}", f"has {len(cells)} cells where the header has {len(header)}"
            elif cells:
                yield (
                    f"line {reader.line_num}",
                    {name: _plain(cell) for name, cell in zip(header, cells) if cell != ""},
                )
    finally:
        if not file.closed:  # The file is the caller's; a wrapper that goes would close it.
            text.detach()


def parquet(path: Path) -> Iterator[tuple[str, Row | str]]:
    """Place and row of each row of a Parquet file; needs `tidemark[load]`."""
    from pyarrow.parquet import ParquetFile

    number = 0
    with ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield f"row {number}", {name: value for name, value in row.items() if value is not None}


def drafts(
    rows: Iterable[tuple[str, Row | str]], columns: Callable[[Row], Columns], source: str
) -> Iterator[Draft | BadRow]:
    """An event for each row. The first row decides what `columns` guesses; `source` and place identify rows without an id."""
    settled: Columns | None = None
    for place, row in rows:
        if isinstance(row, str):
            yield BadRow(place, row)
            continue
        settled = settled or columns(row)
        try:
            yield event(row, settled, f"{source} {place}")
        except ValueError as error:
            yield BadRow(place, str(error))


def event(row: Row, columns: Columns, place: str) -> Draft:
    """The event of one row; raises `ValueError` with what is missing or wrong."""
    name = columns.always or str(row.get(columns.name, ""))
    if not name:
        raise ValueError(f"{columns.name}: is missing")
    if columns.time not in row:
        raise ValueError(f"{columns.time}: is missing")
    roles = {columns.name, columns.time, columns.user, columns.session, columns.id}
    properties = {key: value for key, value in row.items() if key not in roles}
    # What was exported from elsewhere keeps its properties in one object; they belong beside the others.
    if isinstance(nested := properties.pop("properties", None), dict):
        properties |= nested
    properties = {key: _json(value) for key, value in properties.items()}
    given = str(row[columns.id]) if columns.id and columns.id in row else ""
    content = orjson.dumps(properties, option=orjson.OPT_SORT_KEYS)
    return Draft(
        name=name,
        occurred_at=instant(row[columns.time], columns.time),
        identity=f"id {given}".encode() if given else f"{place} {name} ".encode() + content,
        user_id=str(row.get(columns.user, "")),
        session_id=str(row.get(columns.session, "")),
        properties=properties,
        type=columns.type,
    )


def instant(value: object, column: str = "time") -> datetime:
    """An instant out of a text, a date, or a number of seconds, milliseconds, microseconds or nanoseconds since 1970."""
    if isinstance(value, str):
        if _NUMBER.match(value):
            value = float(value)
        else:
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError as error:
                raise ValueError(
                    f"{column}: {value!r} is no time; give ISO 8601 or seconds since 1970"
                ) from error
    if isinstance(value, int | float) and not isinstance(value, bool):
        scale = next((unit for least, unit in _LOG_UNITS if abs(value) >= least), 1.0)
        try:
            return datetime.fromtimestamp(value / scale, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise ValueError(f"{column}: {value!r} is out of range") from error
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    raise ValueError(f"{column}: {value!r} is no time")


def _plain(cell: str) -> Any:
    """A cell of a CSV file. `007` and twenty-digit numbers stay texts, for they are names and not amounts."""
    if _NUMBER.match(cell):
        return float(cell) if any(mark in cell for mark in ".eE") else int(cell)
    return _WORDS.get(cell.lower(), cell)


def _json(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, bytes):
        return value.hex()
    if (
        isinstance(value, datetime | date | time | UUID | str | int | float | bool | list | dict)
        or value is None
    ):
        return value
    return str(value)
