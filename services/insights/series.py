"""Series as arrays: an answer of query comes in, a `Series` for each line of it goes out to detectors and forecasts. Pure."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidemark.v1 import query_pb2, question_pb2

_SECONDS = {
    question_pb2.Interval.UNIT_SECOND: 1,
    question_pb2.Interval.UNIT_MINUTE: 60,
    question_pb2.Interval.UNIT_HOUR: 3600,
    question_pb2.Interval.UNIT_DAY: 86_400,
    question_pb2.Interval.UNIT_WEEK: 7 * 86_400,
    question_pb2.Interval.UNIT_MONTH: 30 * 86_400,
}


class Missing(Exception):
    """There is too little in a series to search it or to forecast from it. It becomes a note, or FAILED_PRECONDITION with `reason`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        """SERIES_EMPTY, SERIES_TOO_SHORT, SERIES_CONSTANT or SERIES_CONSTANT_GAP."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One line of an answer."""

    subject: str
    """What it is, in words: the measure and the values of its group."""
    measure_id: str
    group: tuple[str, ...]
    other: bool
    unit: str
    starts: npt.NDArray[np.datetime64]
    """When each bucket begins, UTC, in microseconds; shape (n,)."""
    values: npt.NDArray[np.float64]
    """NaN where there is nothing; shape (n,)."""
    seconds: int
    """The usual length of a bucket."""
    complete: int
    """How many buckets, from the first, are finished: they end at or before the watermark and the end of the span asked about."""

    @property
    def finished(self) -> npt.NDArray[np.float64]:
        """The values of finished buckets."""
        return self.values[: self.complete]


def series_of(response: query_pb2.RunQueryResponse, query: question_pb2.Query) -> list[Series]:
    """The series of an answer to a question of series or windows, in its order; none where it is of another kind."""
    result = response.series
    starts = np.array([each.ToMicroseconds() for each in result.bucket_starts], dtype="datetime64[us]")
    seconds = _seconds(starts, query)
    complete = _complete(starts, seconds, response.metadata)
    names = {each.id: each.name for each in query.series.measures}
    return [
        Series(
            subject=_subject(line, names),
            measure_id=line.measure_id,
            group=tuple(line.group),
            other=line.other,
            unit=line.unit,
            starts=starts,
            values=np.array(line.values, dtype=np.float64),
            seconds=seconds,
            complete=complete,
        )
        for line in result.series
    ]


def _seconds(starts: npt.NDArray[np.datetime64], query: question_pb2.Query) -> int:
    interval = query.series.interval
    if interval.unit:
        return _SECONDS[interval.unit] * max(interval.count, 1)
    if len(starts) < 2:
        return 60
    return int(np.median(np.diff(starts).astype("timedelta64[s]").astype(np.int64)))


def _complete(starts: npt.NDArray[np.datetime64], seconds: int, metadata: question_pb2.QueryMetadata) -> int:
    """A bucket is finished when the next one has begun by the watermark; the last one, when its usual length is over."""
    if not len(starts):
        return 0
    known = [end for end in (metadata.watermark, metadata.time_range.end) if end.seconds or end.nanos]
    if not known:
        return 0
    until = np.datetime64(min(end.ToMicroseconds() for end in known), "us")
    ends = np.append(starts[1:], starts[-1] + np.timedelta64(seconds, "s"))
    return int(np.searchsorted(ends, until, side="right"))


def _subject(line: question_pb2.Series, names: dict[str, str]) -> str:
    group = "other" if line.other else " · ".join(part or "(none)" for part in line.group)
    name = names.get(line.measure_id) or line.measure_id
    return f"{name} · {group}" if group else name
