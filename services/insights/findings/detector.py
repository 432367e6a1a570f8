"""The detectors that look by themselves: their names, what they do, and how often. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detector:
    """A way of searching."""

    name: str
    description: str
    task: str
    """The task of continuous work that runs it most often."""
    seconds: int
    """How long until it runs again, at most."""


DETECTORS = (
    Detector(
        "anomaly-streaming",
        "Judges every finished minute, hour and day of a series by what its season and its past lead to expect.",
        "minutes",
        60,
    ),
    Detector(
        "threshold", "Tells when an indicator goes beyond the threshold that was set for it.", "minutes", 60
    ),
    Detector(
        "burst",
        "Counts errors as they are received, before they are committed, beside what is usual in a minute.",
        "critical",
        5,
    ),
    Detector(
        "new-security-event", "Tells of kinds of security events that were never seen before.", "critical", 5
    ),
    Detector("trend", "Finds lasting rises, falls and changes of level in daily series.", "days", 86_400),
    Detector(
        "correlation",
        "Finds daily series that move together, at once or one after the other.",
        "days",
        86_400,
    ),
    Detector(
        "impact",
        "Compares indicators with a forecast made before the last days, and says what the difference is worth.",
        "days",
        86_400,
    ),
    Detector(
        "prediction",
        "Forecasts daily series and indicators, and tells what will cross a threshold.",
        "days",
        86_400,
    ),
)
