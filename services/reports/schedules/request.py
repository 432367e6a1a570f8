"""What requests of ScheduleService say, once they are known to be well formed. Pure; raises `Invalid` naming the field.

Messages come in from `servicer`, schedules in good order go on to `store`. Whether destinations and filters are there is asked later.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from google.protobuf.duration_pb2 import Duration

from services.kit import resource
from services.kit.errors import Invalid
from services.reports.schedules import cron
from services.reports.schedules.slots import LONGEST_WINDOW
from tidemark.v1 import schedule_pb2 as pb
from tidemark.v1.report_pb2 import REPORT_FORMAT_PDF, ReportFormat

MAX_RECIPIENTS = 50
LONGEST_WAIT, LONGEST_LINK = timedelta(days=1), timedelta(days=90)
ANY = "-"
"""Stands for all reports of a project."""
_SCHEDULE = re.compile(f"(projects/{resource.ID})/reports/({resource.ID})/schedules/({resource.ID})")
_REPORT = re.compile(f"(projects/{resource.ID})/reports/({resource.ID}|{ANY})")


def named(name: str, field: str) -> tuple[str, str, str]:
    """The project, the id of the report and the id of the schedule that a name is made of."""
    match = _SCHEDULE.fullmatch(name)
    if match is None:
        raise Invalid(
            field,
            f"is {name[:100]!r}; write projects/{{project}}/reports/{{report}}/schedules/{{schedule}}",
        )
    return match[1], match[2], match[3]


def report_of(name: str, *, any_report: bool = False) -> tuple[str, str]:
    """The project and the id of the report that schedules are made for, or listed of."""
    match = _REPORT.fullmatch(name)
    if match is None or (match[2] == ANY and not any_report):
        also = f"; {ANY} as the report means all" if any_report else ""
        raise Invalid("parent", f"is {name[:100]!r}; write projects/{{project}}/reports/{{report}}{also}")
    return match[1], match[2]


def schedule(given: pb.Schedule, project: str, at: str = "schedule") -> pb.Schedule:
    """The schedule of a request, without what the server says of it."""
    found = pb.Schedule(
        display_name=resource.display_name(given.display_name, f"{at}.display_name"),
        cron=cron.read(given.cron, f"{at}.cron"),
        time_zone=zone(given.time_zone, f"{at}.time_zone").key if given.time_zone else "",
        paused=given.paused,
        catch_up=given.catch_up,
        skip_empty=given.skip_empty,
        formats=_formats(given.formats, f"{at}.formats"),
    )
    if given.catch_up not in pb.Schedule.CatchUp.values():
        raise Invalid(f"{at}.catch_up", f"is {given.catch_up}; give one, as in CATCH_UP_ALL")
    if given.HasField("catch_up_window"):
        found.catch_up_window.FromTimedelta(
            _length(given.catch_up_window, LONGEST_WINDOW, f"{at}.catch_up_window")
        )
    if given.HasField("wait_complete"):
        found.wait_complete.FromTimedelta(_length(given.wait_complete, LONGEST_WAIT, f"{at}.wait_complete"))
    if len(given.recipients) > MAX_RECIPIENTS:
        raise Invalid(f"{at}.recipients", f"has {len(given.recipients)}; give at most {MAX_RECIPIENTS}")
    known: set[tuple[str, bytes]] = set()
    for i, each in enumerate(given.recipients):
        recipient = _recipient(each, project, found.formats, f"{at}.recipients[{i}]")
        same = (recipient.destination, recipient.filter.SerializeToString(deterministic=True))
        if same in known:
            raise Invalid(
                f"{at}.recipients[{i}].destination",
                "is that of another recipient with the same filter; leave one of the two out",
            )
        known.add(same)
        found.recipients.append(recipient)
    return found


def zone(name: str, field: str) -> ZoneInfo:
    """A zone by its IANA name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid(field, f"is {name[:100]!r}; give an IANA name, as in Europe/Berlin") from None


def _recipient(given: pb.Recipient, project: str, formats: Sequence[int], at: str) -> pb.Recipient:
    owner, _ = resource.parted(given.destination, "destinations", f"{at}.destination")
    if owner != project:
        raise Invalid(f"{at}.destination", f"is {given.destination[:100]!r}, not of {project}")
    made = list(formats) or [REPORT_FORMAT_PDF]
    for i, form in enumerate(_formats(given.formats, f"{at}.formats")):
        if form not in made:
            raise Invalid(
                f"{at}.formats[{i}]",
                f"is {ReportFormat.Name(form)}, which the schedule does not make; add it to its formats",
            )
    found = pb.Recipient(destination=given.destination, formats=given.formats)
    if given.HasField("filter"):
        found.filter.CopyFrom(given.filter)
    if given.HasField("link_lifetime"):
        lifetime = _length(given.link_lifetime, LONGEST_LINK, f"{at}.link_lifetime")
        if not lifetime:
            raise Invalid(f"{at}.link_lifetime", "is 0 s; give up to 90 days, or leave it out for files")
        found.link_lifetime.FromTimedelta(lifetime)
    return found


def _formats(given: Sequence[int], at: str) -> Sequence[Any]:
    for i, form in enumerate(given):
        if not form or form not in ReportFormat.values():
            raise Invalid(f"{at}[{i}]", f"is {form}; give one, as in REPORT_FORMAT_PDF")
    return list(dict.fromkeys(given))


def _length(given: Duration, most: timedelta, at: str) -> timedelta:
    if not 0 <= given.seconds <= most.total_seconds() or not 0 <= given.nanos < 1_000_000_000:
        raise Invalid(at, f"is {given.seconds} s; give 0 s to {most.days} d")
    return min(timedelta(seconds=given.seconds, microseconds=given.nanos // 1000), most)
