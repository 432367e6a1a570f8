"""Reports and templates as stored, and as messages of the contract. Pure.

`store.py` reads records; `servicer.py` puts their messages into its answers, `editions` builds from them.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from services.kit import resource
from services.reports.definitions import notation, parameter
from tidemark.v1 import report_pb2 as pb

_KEPT = (
    "display_name", "description", "sections", "template", "time_range", "time_zone", "locale", "filter", "variables", "parameters",
    "source",
)  # fmt: skip
_BODY = ("sections", "source")
"""What lists leave out."""


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """A report at one of its versions."""

    project: str
    report_id: str
    version: int
    head: bytes
    """All but the sections."""
    body: bytes
    """The sections; empty where they were not asked for."""
    created_at: datetime
    updated_at: datetime

    @property
    def name(self) -> str:
        """`projects/{project}/reports/{report}`."""
        return f"projects/{self.project}/reports/{self.report_id}"

    def message(self) -> pb.Report:
        """As callers see it."""
        found = pb.Report.FromString(self.head + self.body)
        found.name, found.version, found.etag = self.name, self.version, str(self.version)
        found.create_time.FromDatetime(self.created_at)
        found.update_time.FromDatetime(self.updated_at)
        return found


@dataclass(frozen=True, slots=True)
class TemplateRecord:
    """A template at one of its versions."""

    project: str
    """`-` for those that come with Tidemark."""
    template_id: str
    version: int
    head: bytes
    """All but the source."""
    body: bytes
    """The source; empty where it was not asked for."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    """When this version was made; None for those that come with Tidemark."""

    @property
    def name(self) -> str:
        """`projects/{project}/reportTemplates/{template}`."""
        return f"projects/{self.project}/reportTemplates/{self.template_id}"

    def message(self) -> pb.ReportTemplate:
        """As callers see it."""
        found = pb.ReportTemplate.FromString(self.head + self.body)
        found.name, found.version, found.etag = self.name, self.version, str(self.version)
        if self.updated_at is None:
            found.built_in = True
            found.etag = hashlib.sha256(self.head + self.body).hexdigest()[:12]
        else:
            found.create_time.FromDatetime(self.updated_at)
        return found


def halves(definition: pb.Report | pb.ReportTemplate) -> tuple[bytes, bytes]:
    """The head and the body of a definition as they are stored: without what the server says of it."""
    head, body = type(definition)(), type(definition)()
    for field, value in definition.ListFields():
        if field.name in _KEPT:
            _set(body if field.name in _BODY else head, field.name, value)
    return head.SerializeToString(deterministic=True), body.SerializeToString(deterministic=True)


def built_in(file_name: str, text: str) -> TemplateRecord:
    """A template that comes with Tidemark: `executive-summary.v1.yaml.j2` has a head of fields, a line `---`, and its source."""
    template_id, _, rest = file_name.partition(".v")
    head, _, source = text.partition("\n---\n")
    fields: Any = notation.read(head, file_name)
    template = ParseDict(fields, pb.ReportTemplate(source=source))
    parameter.check(template.parameters, file_name)
    return TemplateRecord("-", template_id, int(rest.partition(".")[0]), *halves(template))


def _set(message: Message, name: str, value: object) -> None:
    message.MergeFrom(type(message)(**{name: value}))


def template_of(name: str, field: str = "report.template.name") -> tuple[str, str]:
    """The project of a template and its id; no project for `projects/-/reportTemplates/{template}`, which come with Tidemark."""
    ours = name.removeprefix("projects/-/reportTemplates/")
    if ours != name and ours:
        return "", ours
    return resource.parted(name, "reportTemplates", field)
