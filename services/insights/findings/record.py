"""Insights, indicators and detectors as stored, and as messages of the contract. Pure."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.insights.findings.detector import DETECTORS, Detector
from tidemark.v1 import insight_pb2 as pb

Z = 1.959964
"""Of an interval that holds 95 %."""


@dataclass(frozen=True, slots=True)
class InsightRecord:
    """An insight."""

    head: bytes
    """A serialized `Insight` without the values of its evidence."""
    evidence: bytes = b""
    """These: a serialized `Evidence`."""
    change: int = 0
    priority: float = 0.0
    insight_id: str = ""
    created_at: datetime | None = None
    place: float = 0.0
    """What a list is ordered by."""

    def message(self) -> pb.Insight:
        """As callers see it."""
        made = pb.Insight.FromString(self.head)
        if self.evidence:
            made.evidence.MergeFromString(self.evidence)
        return made


@dataclass(frozen=True, slots=True)
class IndicatorRecord:
    """An indicator."""

    project: str
    indicator_id: str
    definition: bytes
    """A serialized `Indicator` without name and times."""
    created_at: datetime

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"projects/{self.project}/indicators/{self.indicator_id}"

    def message(self) -> pb.Indicator:
        """As callers see it."""
        made = pb.Indicator.FromString(self.definition)
        made.name = self.name
        made.create_time.FromDatetime(self.created_at)
        return made


@dataclass(frozen=True, slots=True)
class Judged:
    """What people have said of a detector's insights of 30 days."""

    insights: int = 0
    true: int = 0
    false: int = 0


def detectors(judged: dict[str, Judged], run_at: dict[str, datetime]) -> list[pb.DetectorRecord]:
    """All detectors, by detector what was said of them, by task when it last ran."""
    return [_detector(each, judged.get(each.name, Judged()), run_at.get(each.task)) for each in DETECTORS]


def wilson(true: int, false: int) -> tuple[float, float]:
    """Wilson's interval of 95 % of a share (Wilson 1927); NaN of nothing."""
    count = true + false
    if not count:
        return math.nan, math.nan
    share, spread = true / count, Z * Z / count
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def _detector(detector: Detector, judged: Judged, run_at: datetime | None) -> pb.DetectorRecord:
    lower, upper = wilson(judged.true, judged.false)
    made = pb.DetectorRecord(
        detector=detector.name,
        description=detector.description,
        insight_count=judged.insights,
        true_count=judged.true,
        false_count=judged.false,
        precision_lower=lower,
        precision_upper=upper,
    )
    if run_at is not None:
        made.run_time.FromDatetime(run_at)
    made.every.FromTimedelta(timedelta(seconds=detector.seconds))
    return made
