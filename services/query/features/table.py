"""The table of features: a `Wanted` and the timeline of its scan come in, record batches go out to `source`, some rows at a time, so that
however many rows there are, few are held.
"""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.kit.calendar import Span, Step, edges
from services.kit.instant import MICROSECOND, at
from services.query.behaviour.timeline import Codes, Flags, Texts, Timeline
from services.query.features import column
from services.query.features.column import Column
from services.query.features.history import Amounts, Deeds, Reach, Variety
from services.query.features.outcome import Earlier, Reached, Told
from services.query.features.points import Points, points
from services.query.features.request import Became, Did, Moments, Wanted
from services.query.features.track import Numbers, Track, taken
from services.query.fields import Field, Form
from tidemark.v1.question_pb2 import Interval

VALUES = 1 << 20
"""So many values are in a batch, or a few more."""
LONGEST_TEXT = 100
"""Characters of a category; what is longer is cut."""
NEVER = -(1 << 62)
_NUMBER = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_LARGEST = 1e300
_DAYS = 1 << 20


class Table:
    """Features and outcomes of the points that are wanted."""

    def __init__(self, wanted: Wanted, timeline: Timeline, zone: ZoneInfo, watermark_us: int = NEVER) -> None:
        self._timeline, self._watermark_us = timeline, watermark_us
        self._points, self.total = points(wanted, timeline)
        self._reach = Reach(wanted.history // MICROSECOND, column.windows(wanted))
        self._outcome: Reached | Told | None = None
        match wanted.outcome:
            case Did() as did:
                self._outcome = Reached(did, timeline)
            case Became() as became:
                self._outcome = Told(became, timeline)
        self._deeds: list[Deeds] = []
        self._columns: list[Column] = []
        if not wanted.bare:
            self._remember(wanted, zone)
        self._values = [
            _Values(f"field{i}", field, timeline, isinstance(wanted.points, Moments))
            for i, field in enumerate(wanted.fields)
        ]
        self._size = max(1, VALUES // (len(self._columns) + len(self._values) + 3))
        for part in self._parts():
            for values in self._values:
                values.look(self._points.part(part), self._reach)

    def __len__(self) -> int:
        return len(self._points)

    @property
    def schema(self) -> pa.Schema:
        """The columns, and what each is."""
        found = [pa.field("user_id", pa.string()), pa.field("point", pa.timestamp("us", "UTC"))]
        if self._outcome is not None:
            found.append(pa.field("outcome", pa.bool_()))
        found += [pa.field(each.name, pa.float64(), metadata={"text": each.text}) for each in self._columns]
        found += [pa.field(each.path, each.kind, metadata={"text": each.path}) for each in self._values]
        return pa.schema(found)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, in order."""
        schema = self.schema
        for part in self._parts():
            yield pa.RecordBatch.from_arrays(list(self._arrays(part)), schema=schema)

    def _remember(self, wanted: Wanted, zone: ZoneInfo) -> None:
        """What columns of their history are made of."""
        timeline = self._timeline
        day, names = _days(timeline, zone), timeline.texts("name")
        self._deeds.append(Deeds(timeline, day, np.arange(len(timeline))))
        self._variety = Variety(timeline, self._deeds[0].track, self._points, self._reach)
        for name in wanted.event_names:
            self._deeds.append(Deeds(timeline, day, np.flatnonzero(names.codes == names.code(name))))
        self._amounts = []
        for i in range(len(wanted.sum_fields)):
            texts = timeline.texts(f"sum{i}")
            self._amounts.append(Amounts(timeline, _numbers(texts.labels)[texts.codes]))
        self._earlier = None
        if isinstance(wanted.points, Moments):
            reached = self._outcome if isinstance(self._outcome, Reached) else None
            self._earlier = Earlier(timeline, reached)
        self._columns = [*column.history(wanted), *column.sums(wanted), *column.earlier(wanted)]

    def _parts(self) -> Iterator[slice]:
        for start in range(0, len(self._points), self._size):
            yield slice(start, start + self._size)

    def _arrays(self, part: slice) -> Iterator[pa.Array]:
        points = self._points.part(part)
        yield self._timeline.users.take(pa.array(points.who))
        yield pa.array(points.at).cast(pa.timestamp("us", "UTC"))
        if self._outcome is not None:
            answers = self._outcome.of(points, self._watermark_us)
            yield pa.array(answers.true, mask=~answers.known)
        for values in self._remembered(points, part):
            yield pa.array(values, pa.float64(), from_pandas=True)
        for each in self._values:
            yield each.array(points, self._reach)

    def _remembered(self, points: Points, part: slice) -> Iterator[Numbers]:
        """The values of `self._columns`, in order."""
        if not self._columns:
            return
        for i, deeds in enumerate(self._deeds):
            yield from deeds.values(points, self._reach)
            if i == 0:
                yield from self._variety.values(part)
        for amounts in self._amounts:
            yield from amounts.values(points, self._reach)
        if self._earlier is not None:
            yield from self._earlier.values(points, self._reach)


class _Values:
    """The value of a field: of the event of a point, else the last one known before it."""

    def __init__(self, name: str, field: Field, timeline: Timeline, own: bool) -> None:
        texts = timeline.texts(name, field)
        self.path, self._own, self._missing = field.path, own, texts.code("")
        self._codes, self._labels = texts.codes, _labels(texts)
        # A name of the platform's is no number, though it is stored as one.
        self._number = (
            np.full(len(self._labels), np.nan) if field.form is Form.NAMED else _numbers(self._labels)
        )
        self._numeric = True
        if not own:
            rows = np.flatnonzero(self._codes != self._missing)
            self._codes = self._codes[rows]
            self._track = Track(timeline.user[rows], timeline.at[rows], len(timeline.users))

    @property
    def kind(self) -> pa.DataType:
        """Numbers, where all values of the table's rows are some."""
        return pa.float64() if self._numeric else pa.string()

    def look(self, points: Points, reach: Reach) -> None:
        """Looks whether all values of some points are numbers."""
        codes, known = self._found(points, reach)
        self._numeric = self._numeric and not np.isnan(self._number[codes[known]]).any()

    def array(self, points: Points, reach: Reach) -> pa.Array:
        """The values of some points."""
        codes, known = self._found(points, reach)
        if self._numeric:
            return pa.array(np.where(known, self._number[codes], np.nan), from_pandas=True)
        return self._labels.take(pa.array(codes, mask=~known))

    def _found(self, points: Points, reach: Reach) -> tuple[Codes, Flags]:
        if self._own:
            codes = taken(self._codes, points.rows)
            return codes, codes != self._missing
        first = self._track.before(points.who, points.at - reach.history)
        behind = self._track.before(points.who, points.at)
        return taken(self._codes, behind - 1), behind > first


def _days(timeline: Timeline, zone: ZoneInfo) -> Codes:
    """The day of each row in the zone, counted from the first."""
    if not len(timeline):
        return np.empty(0, np.int32)
    span = Span(at(int(timeline.at.min())), at(int(timeline.at.max()) + 1))
    return timeline.slots(edges(span, Step(Interval.UNIT_DAY, 1), zone, _DAYS))


def _numbers(labels: pa.Array) -> Numbers:
    """Texts as finite numbers; NaN for what is none."""
    shaped = pc.match_substring_regex(labels, _NUMBER)
    values = pc.if_else(shaped, labels, pa.scalar(None, labels.type)).cast(pa.float64())
    found = values.to_numpy(zero_copy_only=False)
    return np.where(np.abs(found) < _LARGEST, found, np.nan)


def _labels(texts: Texts) -> pa.Array:
    if texts.field is not None and texts.field.form is Form.NAMED:
        return pa.array(
            [texts.label(code) if texts.labels[code].as_py() else "" for code in range(len(texts.labels))]
        )
    return pc.utf8_slice_codeunits(texts.labels, 0, LONGEST_TEXT)
