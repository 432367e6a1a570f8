"""The document: what a report says, before it has a form. `build` makes it, `proof` counts it, every module of `formats` writes it.

Values are as they are, without words or rounding; a `Column` or a `Figure` says how they are written, which `words` does for all
formats alike. Pure.
"""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from services.kit.calendar import Span


class Kind(enum.Enum):
    """What a value is, and how it is written."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    SHARE = "share"
    """A number from 0 to 1, written as per cent."""
    DURATION = "duration"
    """Seconds, written as people say it."""
    INSTANT = "instant"
    """An instant, written in the zone of the document."""
    BUCKET = "bucket"
    """The beginning of a bucket of time, written as finely as the bucket is: a day without its hour."""
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Form:
    """How a value is written."""

    kind: Kind
    unit: str = ""
    """Stands behind the number, as in `ms`; `€` and its like stand where the locale has them."""
    decimals: int | None = None
    """By the size of the value when None."""
    bucket: str = ""
    """Of `BUCKET`: `second`, `minute`, `hour`, `day`, `week`, `month`."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: of an Arrow column of the same place."""

    title: str
    form: Form


class Rows(Protocol):
    """The rows of a table, which may be more than memory holds; read as often as there are formats.

    Columns are Arrow's: string, int64, float64 (null for nothing, never NaN), bool, timestamp[us, UTC].
    """

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All of them, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """Rows in memory."""

    table: pa.Table

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.table.num_rows)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All of them, in order."""
        yield from self.table.to_batches()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings."""

    table_id: str
    """Unique in the document: id of the section, and what it is where a section has several, as in `growth.retention`."""
    title: str
    columns: tuple[Column, ...]
    rows: Rows
    shown: bool = True
    """Whether it is drawn where people read; those behind a chart alone are in data formats only."""


class Drawing(enum.Enum):
    """Kinds of charts."""

    LINE = "line"
    AREA = "area"
    COLUMN = "column"
    """Bars over time, or of few categories."""
    BAR = "bar"
    """Bars that lie, one for each category with its name."""
    FUNNEL = "funnel"
    HEAT = "heat"
    """A matrix of shares: rows are `series`, columns are `labels`."""


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart; None where there is nothing."""

    title: str
    values: tuple[float | None, ...]
    lower: tuple[float | None, ...] = ()
    """Of a band around it, as of a forecast; empty without one."""
    upper: tuple[float | None, ...] = ()
    dashed: bool = False
    """As the period before, or a forecast."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of numbers that stand in a table, too."""

    chart_id: str
    title: str
    drawing: Drawing
    labels: tuple[str | datetime, ...]
    """Of the places along the axis: instants over time, else categories."""
    label_form: Form
    series: tuple[Line, ...]
    value_form: Form
    table_id: str
    """The table whose numbers it draws."""
    stacked: bool = False
    summary: str = ""
    """What it shows, in a sentence: for those who cannot see it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that matters, with its comparison."""

    figure_id: str
    title: str
    value: float | None
    form: Form
    before: float | None = None
    """The same in the period before."""
    compared: bool = False
    less_is_better: bool = False
    trend: tuple[float | None, ...] = ()
    """The small line beside it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Several of them, side by side; `table` holds the same numbers for data formats."""

    figures: tuple[Figure, ...]
    table: Table


class Style(enum.Flag):
    """How a run of text is set."""

    PLAIN = 0
    BOLD = enum.auto()
    ITALIC = enum.auto()


@dataclass(frozen=True, slots=True)
class Run:
    """A run of text in one style."""

    text: str
    style: Style = Style.PLAIN
    link: str = ""
    """`https://…` or `mailto:…`; empty without one."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, a heading (`level` 1 to 3) or an item of a list."""

    runs: tuple[Run, ...]
    level: int = 0
    item: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Something with a heading of its own: an insight, a fact about the data."""

    title: str
    paragraphs: tuple[Paragraph, ...]
    mark: str = ""
    """In a word: `high`, `data incident`, `ok`."""


Block = Paragraph | Table | Chart | Figures | Notice


@dataclass(frozen=True, slots=True)
class Trust:
    """How far a section can be trusted."""

    data_version: str = ""
    as_of: str = ""
    watermark: datetime | None = None
    completeness: float = 1.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part with a heading of its own."""

    section_id: str
    title: str
    blocks: tuple[Block, ...]
    trust: Trust = Trust()
    new_page: bool = False
    about_data: bool = False
    """Tells of the data themselves, not of what they say: alone it is nothing to tell."""

    @property
    def tables(self) -> Iterator[Table]:
        """All its tables, those of figures and charts included."""
        for block in self.blocks:
            if isinstance(block, Table):
                yield block
            elif isinstance(block, Figures):
                yield block.table


@dataclass(frozen=True, slots=True)
class Document:
    """A report, whole."""

    title: str
    description: str
    project: str
    """The name people read."""
    span: Span
    time_zone: str
    locale: str
    made_at: datetime
    sections: tuple[Section, ...]
    filters: tuple[str, ...] = ()
    """What it is narrowed to, in words."""
    notes: Sequence[str] = field(default=())

    @property
    def empty(self) -> bool:
        """Whether it has nothing to tell: no number but 0, and no row of words alone, except about the data themselves."""
        told = (table for each in self.sections if not each.about_data for table in each.tables)
        return not any(_tells(table.rows) for table in told)


def _tells(rows: Rows) -> bool:
    for batch in rows.batches():
        numbers = [
            each
            for each in batch.columns
            if pa.types.is_integer(each.type) or pa.types.is_floating(each.type)
        ]
        if batch.num_rows and (not numbers or any(pc.any(pc.not_equal(each, 0)).as_py() for each in numbers)):
            return True
    return False
