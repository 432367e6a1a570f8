"""The sections of a report: its own, or those that its template makes with what was chosen. Next: `validate` and `build`. Pure."""

from google.protobuf.struct_pb2 import Struct

from services.kit import resource
from services.kit.errors import Invalid
from services.reports import sandbox
from services.reports.definitions import notation, parameter
from tidemark.v1 import report_pb2 as pb

MAX_SECTIONS = 50
MAX_DESCRIPTION, MAX_SOURCE = 1000, sandbox.MAX_SOURCE


def sections(report: pb.Report, template: pb.ReportTemplate | None) -> list[pb.Section]:
    """The sections of a report; `template` is the one that it names, if it does."""
    if template is None:
        return list(report.sections)
    return expanded(template, report.template.values, "report.template", "report.template.values")


def expanded(template: pb.ReportTemplate, values: Struct, at: str, values_at: str) -> list[pb.Section]:
    """What a template makes of values. What is wrong with its source is told `at` a field, what with a section as in `sections[2].text`."""
    given = parameter.chosen(template.parameters, values, values_at)
    text = sandbox.render(template.source, given, at)
    return notation.messages(notation.read(text, at), pb.Section, "sections", MAX_SECTIONS)


def check(template: pb.ReportTemplate) -> None:
    """Raises `Invalid` for a template that cannot be used; with a default for each parameter it is used once."""
    at = "report_template"
    if not template.display_name:
        raise Invalid(f"{at}.display_name", "is empty; give the title that people read")
    resource.display_name(template.display_name, f"{at}.display_name")
    if len(template.description) > MAX_DESCRIPTION:
        raise Invalid(
            f"{at}.description",
            f"has {len(template.description)} characters; write at most {MAX_DESCRIPTION}",
        )
    parameter.check(template.parameters, f"{at}.parameters")
    if not template.source.strip():
        raise Invalid(f"{at}.source", "is empty; write the list of sections")
    known = {each.id for each in template.parameters}
    for each in sandbox.references(template.source, f"{at}.source"):
        if each.name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise Invalid(
                f"{at}.source", f"line {each.line}: there is no parameter {each.name!r}; there are {listed}"
            )
    if all(each.HasField("default_value") for each in template.parameters):
        expanded(template, Struct(), f"{at}.source", f"{at}.parameters")
