"""What is wrong with a report: it comes in with its project; its sections, and faults of `validate` and of query, go out to `servicer`."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.kit.call import Project
from services.kit.errors import Invalid, NotFound, Refused
from services.reports.build import span
from services.reports.definitions import expansion, validate
from services.reports.definitions.store import Store
from services.reports.definitions.validate import place
from services.reports.source import Sources
from tidemark.v1 import question_pb2
from tidemark.v1 import report_pb2 as pb

AT_ONCE = 4
"""Questions of a report that query looks at."""
_TIMES = ("report.time_zone", "report.time_range")


@dataclass(frozen=True, slots=True)
class Examined:
    """A report that was looked at."""

    report: pb.Report
    """With the version of its template."""
    sections: list[pb.Section]
    faults: list[pb.ReportFault]
    """Everything that is wrong."""

    def of(self, section_id: str) -> "Examined":
        """The same with the faults that matter to what one section shows, or all: those of others do not."""
        if not section_id:
            return self
        if not any(each.id == section_id for each in self.sections):
            raise Invalid("section_id", f"is {section_id[:100]!r}, which the report does not have")
        others = tuple(
            f"{place(self.report, number)}."
            for number, each in enumerate(self.sections)
            if each.id != section_id
        )
        return replace(self, faults=[each for each in self.faults if not f"{each.field}.".startswith(others)])

    def require_sound(self) -> None:
        """Raises `Invalid` with the first fault, and the others with it."""
        found = [Invalid(each.field, each.message) for each in self.faults]
        if found:
            raise Invalid(found[0].field, found[0].description, also=found[1:])


async def examined(store: Store, project: Project, given: pb.Report, now: datetime) -> Examined:
    """A report with its sections, and all that is wrong with it by itself."""
    report = pb.Report()
    report.CopyFrom(given)
    sections: list[pb.Section] = []
    broken: list[Invalid] = []
    try:
        template = await store.template_of(project, report)
        if template is not None:
            report.template.version = template.version
        sections = await asyncio.to_thread(expansion.sections, report, template)
    except NotFound as error:
        broken = [Invalid("report.template", str(error))]
    except Invalid as error:
        broken = [error, *error.also]
    faults = await asyncio.to_thread(validate.faults, report, sections, project.time_zone, now)
    faults += [pb.ReportFault(field=each.field, message=each.description) for each in broken]
    return Examined(report, sections, faults)


async def asked(sources: Sources, project: Project, found: Examined, now: datetime) -> Examined:
    """The same with what query finds wrong with its questions."""
    if any(fault.field.startswith(_TIMES) for fault in found.faults):
        return found
    report, zone = found.report, found.report.time_zone or project.time_zone
    about = span.resolved(report.time_range, zone, now)
    turns = asyncio.Semaphore(AT_ONCE)

    async def fault(at: str, query: question_pb2.Query, times: int) -> pb.ReportFault | None:
        async with turns:
            try:
                await sources.explain(project.name, span.timed(query, about, zone, now, times=times))
            except Invalid as error:
                # Query calls what it was asked `query`.
                own = error.field.partition(".")[0] == "query"
                field = f"{at}{error.field.removeprefix('query')}" if own else at
                field = field.replace("report.events.filter", "report.filter", 1)
                return pb.ReportFault(field=field, message=error.description)
            except (NotFound, Refused) as error:
                return pb.ReportFault(field=at, message=str(error))
        return None

    questions = _questions(report, found.sections)
    wrong = await asyncio.gather(*(fault(*each) for each in questions if each[1].WhichOneof("question")))
    return replace(found, faults=found.faults + [each for each in wrong if each is not None])


def _questions(
    report: pb.Report, sections: Sequence[pb.Section]
) -> Iterator[tuple[str, question_pb2.Query, int]]:
    """Every question, with its path and how many times the report's range it takes where it has none of its own."""
    if report.HasField("filter"):
        query = question_pb2.Query()
        query.events.filter.CopyFrom(report.filter)
        yield "report", query, 1
    for number, section in enumerate(sections):
        at = place(report, number)
        match section.WhichOneof("content"):
            case "question":
                yield f"{at}.question.query", section.question.query, 1
            case "figures":
                for each, figure in enumerate(section.figures.figures):
                    yield f"{at}.figures.figures[{each}].query", figure.query, 1
            case "forecast":
                yield f"{at}.forecast.query", section.forecast.query, span.PAST
