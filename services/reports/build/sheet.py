"""Tables of columns: titles, forms and plain values come in, a `Table` goes out into a section."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.instant import EPOCH
from services.reports.document import Column, Form, Held, Kind, Table
from tidemark.v1.dashboard_pb2 import Display

TIME = pa.timestamp("us", "UTC")
TYPES = {
    Kind.TEXT: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.SHARE: pa.float64(),
    Kind.DURATION: pa.float64(),
    Kind.INSTANT: TIME,
    Kind.BUCKET: TIME,
    Kind.BOOLEAN: pa.bool_(),
}
"""The Arrow type of each kind."""
TEXT, COUNT, NUMBER, SHARE, DURATION, INSTANT = (
    Form(kind) for kind in (Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.SHARE, Kind.DURATION, Kind.INSTANT)
)
LARGEST = 2**53
"""From here on a float is not every whole number."""

_WIDTHS = ((28 * 86_400, "month"), (6 * 86_400, "week"), (79_200, "day"), (3_600, "hour"), (60, "minute"))


@dataclass(frozen=True, slots=True)
class Cells:
    """A column with its values."""

    title: str
    form: Form
    values: Sequence[object]


def table(table_id: str, title: str, columns: Sequence[Cells], *, shown: bool = True) -> Table:
    """A table of columns that are equally long."""
    arrays = [pa.array(_clean(each), TYPES[each.form.kind]) for each in columns]
    held = Held(pa.Table.from_arrays(arrays, names=[f"{place}" for place in range(len(arrays))]))
    return Table(table_id, title, tuple(Column(each.title, each.form) for each in columns), held, shown)


def number(value: float) -> float | None:
    """A number of an answer: None where nothing was measured, and 0 without a sign."""
    return value + 0.0 if math.isfinite(value) else None


def written(display: Display, *, unit: str = "", whole: bool = False) -> Form:
    """How the numbers of an answer are written; `unit` is their own."""
    decimals = display.decimals if display.HasField("decimals") else None
    return Form(Kind.INTEGER if whole else Kind.NUMBER, display.unit or unit, decimals)


def whole(values: Iterable[float | None]) -> bool:
    """Whether all of them are whole numbers, as counts are unless they are filled in."""
    return all(value is None or (value.is_integer() and abs(value) < LARGEST) for value in values)


def bucket(starts: Sequence[datetime], end: datetime) -> Form:
    """How the beginnings of buckets are written; `end` is that of the last."""
    widths = [(later - start).total_seconds() for start, later in zip(starts, [*starts[1:], end])]
    width = min(widths[:-1] or widths, default=86_400.0)
    return Form(Kind.BUCKET, bucket=next((name for least, name in _WIDTHS if width >= least), "second"))


def instant(message: Timestamp) -> datetime | None:
    """The instant, or None where it is unset."""
    return at(message) if message.seconds or message.nanos else None


def at(message: Timestamp) -> datetime:
    """An instant that is set."""
    return message.ToDatetime(EPOCH.tzinfo)


def seconds(message: Duration) -> float:
    """A duration in seconds."""
    return message.seconds + message.nanos / 1e9


def _clean(cells: Cells) -> list[object]:
    kind = cells.form.kind
    if kind in (Kind.NUMBER, Kind.SHARE, Kind.DURATION):
        return [None if value is None else number(float(value)) for value in cells.values]  # type: ignore[arg-type]
    if kind is Kind.INTEGER:
        return [None if value is None else int(value) for value in cells.values]  # type: ignore[call-overload]
    return list(cells.values)
