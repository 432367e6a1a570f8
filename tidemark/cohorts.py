"""Cohorts: people that questions may be limited to; reached as `client.cohorts`, answered by `CohortService` with the record below.

    buyers = await client.cohorts.create("Big spenders", rule=[cohorts.did("purchase", last="30d", at_least=5)])
    await client.series("page_view", where=[cohorts.member(buyers.name)])
"""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import grpc.aio

from tidemark import questions
from tidemark.channel import Metadata, answered
from tidemark.questions import Condition, Instant, Span
from tidemark.records import instant
from tidemark.v1 import cohort_pb2 as pb
from tidemark.v1 import cohort_pb2_grpc, question_pb2

_PAGE = 1000
Rule = pb.CohortRule | Iterable[pb.CohortCondition]


@dataclass(frozen=True, slots=True)
class Cohort:
    """Some people of a project: listed in `people`, or found anew by `rule` whenever a question is asked."""

    name: str
    display_name: str
    description: str
    people: tuple[str, ...]
    """Who is listed; listings leave them out."""
    count: int
    """How many are listed."""
    rule: pb.CohortRule | None
    create_time: datetime | None
    update_time: datetime | None
    etag: str

    @classmethod
    def of(cls, message: pb.Cohort) -> "Cohort":
        return cls(
            message.name,
            message.display_name,
            message.description,
            tuple(message.people.user_ids),
            message.people.count,
            message.rule if message.HasField("rule") else None,
            instant(message.create_time),
            instant(message.update_time),
            message.etag,
        )


class Cohorts:
    """Manages the cohorts of a project. A cohort is named by its id or `projects/{project}/cohorts/{cohort}`."""

    def __init__(
        self, channel: grpc.aio.Channel, project: Callable[[], Any], metadata: Metadata, timeout: float
    ) -> None:
        self._stub = cohort_pb2_grpc.CohortServiceStub(channel)  # type: ignore[no-untyped-call]
        self._project, self._metadata, self._timeout = project, metadata, timeout
