"""What readers produce: an event that is not yet tracked, or a row that cannot become one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from tidemark.ids import derived
from tidemark.records import EventType
from tidemark.spelling import EPOCH


class Draft(NamedTuple):
    """An event out of a source. `identity` is what makes it this event and no other when the source is read again."""

    name: str
    occurred_at: datetime
    identity: bytes
    user_id: str = ""
    session_id: str = ""
    properties: Mapping[str, Any] = {}
    type: EventType = EventType.USER_ACTION

    @property
    def event_id(self) -> bytes:
        """The same id for the same source and position, whenever it is loaded."""
        milliseconds = int((self.occurred_at - EPOCH).total_seconds() * 1000)
        return derived(max(0, milliseconds), self.identity)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no event: where it stands and what is wrong with it."""

    place: str
    fault: str
