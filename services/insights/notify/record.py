"""Channels and notifications as stored, and as messages of the contract. Pure.

`store.py` reads records; `servicer.py` puts their messages into its answers, `worker.py` sends what they tell.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tidemark.v1 import alert_pb2 as pb


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """A channel."""

    project: str
    channel_number: int
    channel_id: str
    definition: bytes
    seed: bytes
    fault: str
    created_at: datetime

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"projects/{self.project}/channels/{self.channel_id}"

    def message(self) -> pb.Channel:
        """As callers see it."""
        made = pb.Channel.FromString(self.definition)
        made.name, made.fault = self.name, self.fault
        made.create_time.FromDatetime(self.created_at)
        return made


@dataclass(frozen=True, slots=True)
class NotificationRecord:
    """A notification."""

    project: str
    notification_id: str
    channel_id: str
    resolved: bool
    state: int
    attempts: int
    outcome: str
    created_at: datetime
    next_at: datetime | None
    delivered_at: datetime | None
    incidents: list[str]
    tries: list[tuple[datetime, timedelta | None, str]]

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"projects/{self.project}/notifications/{self.notification_id}"

    def message(self) -> pb.Notification:
        """As callers see it."""
        made = pb.Notification(
            name=self.name,
            incidents=(f"projects/{self.project}/incidents/{each}" for each in self.incidents),
            channel=f"projects/{self.project}/channels/{self.channel_id}",
            resolved=self.resolved,
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
class Delivery:
    """One try of a notification, which a worker has taken on."""

    notification_id: str
    project: str
    resolved: bool
    attempts: int
    """This one included; tells it from later ones."""
    created_at: datetime
    channel: ChannelRecord
    incidents: list[pb.Incident]
    opened_by: list[str]
    """Of the end of incidents: the ids of the notifications that told their beginning."""

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"{self.project}/notifications/{self.notification_id}"

    @property
    def since(self) -> datetime:
        """Since when it is tried."""
        return self.created_at

    @property
    def receiver(self) -> int:
        """The number of its channel."""
        return self.channel.channel_number
