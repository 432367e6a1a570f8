"""Editions as stored, and as messages of the contract. Pure.

`store.py` reads records; `servicer.py` puts their messages into its answers, `delivery` brings what they hold.
"""

from dataclasses import dataclass
from datetime import datetime

from tidemark.v1 import edition_pb2 as pb
from tidemark.v1.question_pb2 import Filter, TimeRange


@dataclass(frozen=True, slots=True)
class EditionRecord:
    """An edition."""

    edition_number: int
    edition_id: str
    project: str
    report_id: str
    run_id: str
    display_name: str
    manifest: bytes
    sections: bytes
    """Empty where they were not asked for."""
    created_at: datetime
    expires_at: datetime

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"projects/{self.project}/reports/{self.report_id}/editions/{self.edition_id}"

    def message(self) -> pb.Edition:
        """As callers see it."""
        made = pb.Edition(
            name=self.name,
            display_name=self.display_name,
            run=f"projects/{self.project}/reports/{self.report_id}/runs/{self.run_id}",
            manifest=pb.Manifest.FromString(self.manifest + self.sections),
        )
        made.create_time.FromDatetime(self.created_at)
        made.expire_time.FromDatetime(self.expires_at)
        return made


def halves(manifest: pb.Manifest) -> tuple[bytes, bytes]:
    """A manifest without its sections, and they alone, as they are stored."""
    head = pb.Manifest()
    head.CopyFrom(manifest)
    head.ClearField("sections")
    sections = pb.Manifest(sections=manifest.sections)
    return head.SerializeToString(deterministic=True), sections.SerializeToString(deterministic=True)


@dataclass(frozen=True, slots=True)
class Original:
    """What it takes to make an edition again."""

    edition: EditionRecord
    filter: bytes | None
    time_range: bytes | None
    asked_at: datetime
    """The present that its range was resolved in."""

    @property
    def asked_range(self) -> TimeRange | None:
        """The range asked for instead of the report's."""
        return None if self.time_range is None else TimeRange.FromString(self.time_range)

    @property
    def beside(self) -> Filter | None:
        """The filter asked for beside the report's."""
        return None if self.filter is None else Filter.FromString(self.filter)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file of an edition."""

    edition_number: int
    format: int
    file_name: str
    content_type: str
    project_id: int
    project: str
    edition: str
    """Name of the edition."""
