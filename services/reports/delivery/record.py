"""Destinations and deliveries as stored, as messages of the contract, and as they are brought. Pure.

`store` reads records; `servicer` puts their messages into its answers, `worker` and `writer` bring what an `Item` says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidemark.v1 import delivery_pb2 as pb
from tidemark.v1.edition_pb2 import Edition, EditionFile


@dataclass(frozen=True, slots=True)
class DestinationRecord:
    """A place that editions are brought to."""

    project: str
    destination_number: int
    destination_id: str
    definition: bytes
    secret: bytes | None
    """Of a store or a chat, sealed."""
    seed: bytes
    fault: str
    created_at: datetime

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"projects/{self.project}/destinations/{self.destination_id}"

    def message(self) -> pb.Destination:
        """As callers see it: without its secret."""
        made = pb.Destination.FromString(self.definition)
        made.name, made.fault = self.name, self.fault
        made.create_time.FromDatetime(self.created_at)
        return made


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One edition on its way to one destination."""

    project: str
    delivery_id: str
    report_id: str
    edition_id: str
    destination_id: str
    formats: list[int]
    state: int
    attempts: int
    outcome: str
    created_at: datetime
    next_at: datetime | None
    delivered_at: datetime | None
    tries: list[tuple[datetime, timedelta | None, str]]

    def message(self) -> pb.Delivery:
        """As callers see it."""
        made = pb.Delivery(
            name=f"projects/{self.project}/deliveries/{self.delivery_id}",
            edition=f"projects/{self.project}/reports/{self.report_id}/editions/{self.edition_id}",
            destination=f"projects/{self.project}/destinations/{self.destination_id}",
            formats=self.formats,  # type: ignore[arg-type]
            state=self.state,  # type: ignore[arg-type]
            attempts=self.attempts,
            outcome=self.outcome,
        )
        made.create_time.FromDatetime(self.created_at)
        if self.next_at is not None:
            made.next_time.FromDatetime(self.next_at)
        if self.delivered_at is not None:
            made.deliver_time.FromDatetime(self.delivered_at)
        for started_at, elapsed, outcome in self.tries:
            attempt = made.tries.add(outcome=outcome)
            attempt.start_time.FromDatetime(started_at)
            if elapsed is not None:
                attempt.elapsed.FromTimedelta(elapsed)
        return made


@dataclass(frozen=True, slots=True)
class Item:
    """One try of a delivery, which a worker has taken on."""

    delivery_id: str
    project: str
    """`projects/{project}`."""
    project_id: int
    edition_number: int
    formats: list[int]
    """Which files; all of the edition when empty."""
    link_lifetime: timedelta | None
    """How long links hold; files are brought where it is None."""
    attempts: int
    since: datetime
    destination: DestinationRecord

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"{self.project}/deliveries/{self.delivery_id}"

    @property
    def receiver(self) -> int:
        """The number of its destination."""
        return self.destination.destination_number


@dataclass(frozen=True, slots=True)
class File:
    """A file of an edition, as it is brought."""

    about: EditionFile
    content_type: str
    path: str = ""
    """Of the link to it, behind the address that people use; empty where none was made."""
    url: str = ""
    """The whole of it, where the operator has said what that address is."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is brought. Without an edition it is a test."""

    delivery_id: str
    """The same in every try."""
    project: str
    """`projects/{project}`."""
    made_at: datetime
    """When there was something to bring: the same in every try."""
    edition: Edition | None = None
    files: Sequence[File] = ()
    links_expire_at: datetime | None = None
    """Until when links hold, where there are some."""

    @property
    def size(self) -> int:
        """Of all its files, in bytes."""
        return sum(each.about.size_bytes for each in self.files)

    @property
    def folder(self) -> str:
        """Where its files belong: the same for every delivery of an edition, as in `weekly/e1f…`; empty for a test."""
        if self.edition is None:
            return ""
        _, _, _, report, _, edition = self.edition.name.split("/")
        return f"{report}/{edition}"
