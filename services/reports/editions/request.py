"""What a request of EditionService says, once it is known to be well formed. Pure; raises `Invalid` naming the field.

Messages come in from `servicer.py`, plain values go back to it and on to `store`.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.kit import period, resource
from services.kit.calendar import Span
from services.kit.errors import Invalid
from tidemark.v1 import edition_pb2 as pb
from tidemark.v1.question_pb2 import Filter, TimeRange
from tidemark.v1.report_pb2 import ReportFormat
from tidemark.v1.schedule_pb2 import Recipient

MAX_DESTINATIONS = 20
_REPORT = f"(projects/{resource.ID})/reports/({resource.ID})"


class Place(NamedTuple):
    """Where a run or an edition is."""

    project: str
    """`projects/{project}`."""
    report_id: str
    last: str
    """The last part of its name."""


def report(name: str, field: str) -> tuple[str, str]:
    """The project and the id of a report."""
    match = re.fullmatch(_REPORT, name)
    if match is None:
        raise Invalid(field, f"is {name[:100]!r}; write projects/{{project}}/reports/{{report}}")
    return match[1], match[2]


def parent(name: str) -> tuple[str, str | None]:
    """The project and the report whose children are listed; None for those of all reports."""
    match = re.fullmatch(f"{_REPORT}|(projects/{resource.ID})/reports/-", name)
    if match is None:
        raise Invalid(
            "parent",
            f"is {name[:100]!r}; write projects/{{project}}/reports/{{report}}, or - as the report for all",
        )
    return match[1] or match[3], match[2]


def place(name: str, collection: str) -> Place:
    """A run or an edition; `collection` is `runs` or `editions`."""
    match = re.fullmatch(f"{_REPORT}/{collection}/([a-z][a-z0-9-]{{2,39}})", name)
    if match is None:
        noun = collection.removesuffix("s")
        raise Invalid(
            "name",
            f"is {name[:100]!r}; write projects/{{project}}/reports/{{report}}/{collection}/{{{noun}}}",
        )
    return Place(*match.groups())


def formats(given: Iterable[int], field: str = "formats") -> list[int]:
    """Which files, each once; none stays none."""
    found = list(dict.fromkeys(given))
    for i, each in enumerate(found):
        form(each, f"{field}[{i}]")
    return found


def form(given: int, field: str = "format") -> int:
    """Which file."""
    if given not in ReportFormat.values() or given == ReportFormat.REPORT_FORMAT_UNSPECIFIED:
        known = ", ".join(sorted(ReportFormat.keys()[1:]))
        raise Invalid(field, f"is {given}; write one of {known}")
    return given


def recipients(destinations: Sequence[str], project: str) -> list[Recipient]:
    """Who gets what somebody asks for: everything, as files."""
    if len(destinations) > MAX_DESTINATIONS:
        raise Invalid("destinations", f"has {len(destinations)}; name at most {MAX_DESTINATIONS}")
    found = []
    for i, name in enumerate(dict.fromkeys(destinations)):
        if resource.parted(name, "destinations", f"destinations[{i}]")[0] != project:
            raise Invalid(f"destinations[{i}]", f"is {name[:100]!r}; name one of {project}")
        found.append(Recipient(destination=name))
    return found


def time_range(request: pb.RunReportRequest, zone: str, now: datetime) -> TimeRange | None:
    """The range asked for instead of the report's; it must be one."""
    if not request.HasField("time_range"):
        return None
    period.span(request.time_range, ZoneInfo(zone), now, "time_range")
    return request.time_range


def filter_of(request: pb.RunReportRequest) -> Filter | None:
    """What the run is narrowed to; its fields are checked by query."""
    return request.filter if request.HasField("filter") and request.filter.WhichOneof("node") else None


def states(given: Iterable[int]) -> list[int]:
    """In which states; all of them when empty."""
    found = list(dict.fromkeys(given))
    for i, each in enumerate(found):
        if each not in pb.Run.State.values() or each == pb.Run.STATE_UNSPECIFIED:
            known = ", ".join(sorted(pb.Run.State.keys()[1:]))
            raise Invalid(f"states[{i}]", f"is {each}; write some of {known}")
    return found


def schedule(
    request: pb.ListRunsRequest, project: str, report_id: str | None
) -> tuple[str | None, str | None]:
    """The report and the schedule whose runs are listed; None for all."""
    name = request.schedule
    if not name:
        return report_id, None
    match = re.fullmatch(f"{_REPORT}/schedules/({resource.ID})", name)
    if match is None:
        raise Invalid(
            "schedule",
            f"is {name[:100]!r}; write projects/{{project}}/reports/{{report}}/schedules/{{schedule}}",
        )
    if match[1] != project or report_id not in (None, match[2]):
        raise Invalid("schedule", f"is {name[:100]!r}; name one of {request.parent}")
    return match[2], match[3]


def span(request: pb.ListRunsRequest, zone: str, now: datetime) -> Span | None:
    """The span in which runs were asked for; None for always."""
    if not request.HasField("time_range"):
        return None
    return period.span(request.time_range, ZoneInfo(zone), now, "time_range")
