"""Cohorts: people that questions may be limited to; reached as `client.cohorts`, answered by `CohortService` with the record below.

buyers = await client.cohorts.create("Buyers", rule=[did("order_placed", last="30d", at_least=5)])
await client.series("page_view", where=[f"in cohort {buyers.name}"])
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import grpc.aio

from tidemark.channel import Metadata
from tidemark.plain import instant
from tidemark.scope import Scope
from tidemark.spelling import Instant, Span, Step, step, time_range
from tidemark.v1 import cohort_pb2 as pb
from tidemark.v1 import cohort_pb2_grpc


@dataclass(frozen=True, slots=True)
class Cohort:
    """Some people of a project: listed in `people`, or found anew by `rule` whenever a question is asked."""

    name: str
    display_name: str
    description: str
    people: tuple[str, ...]
    """Who is listed; listings of cohorts leave them out."""
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


def did(
    what: Step = "",
    *,
    last: Span | None = None,
    start: Instant | None = None,
    end: Instant | None = None,
    during: str | None = None,
    at_least: int = 1,
    at_most: int = 0,
    negated: bool = False,
) -> pb.CohortCondition:
    """A condition of a rule: what people did, spelt like the step of a funnel, when, and how often; negated, that they did not."""
    return pb.CohortCondition(
        did=step(what),
        time_range=time_range(last, start, end, during),
        at_least=at_least,
        at_most=at_most,
        negated=negated,
    )


class Cohorts(Scope):
    """Manages the cohorts of the client's project; needs a key of role analyst or admin to change them. A cohort is told by its
    id or its name, `projects/{project}/cohorts/{cohort}`.
    """

    def __init__(self, channel: grpc.aio.Channel, project: str, metadata: Metadata, timeout: float) -> None:
        super().__init__(channel, project, metadata, timeout)
        self._stub = cohort_pb2_grpc.CohortServiceStub(channel)  # type: ignore[no-untyped-call]

    async def create(
        self,
        display_name: str = "",
        *,
        people: Iterable[str] | None = None,
        rule: Iterable[pb.CohortCondition] = (),
        any: bool = False,  # noqa: A002 - the contract's word
        description: str = "",
        cohort_id: str = "",
    ) -> Cohort:
        """Makes a cohort of these `people`, or of those of whom the conditions of the `rule` are true: all of them, or `any`."""
        request = pb.CreateCohortRequest(
            parent=await self._parent(),
            cohort_id=cohort_id,
            cohort=_cohort(people, rule, any, display_name=display_name, description=description),
            request_id=str(uuid4()),
        )
        return Cohort.of((await self._ask(self._stub.CreateCohort, request)).cohort)

    async def get(self, cohort: str) -> Cohort:
        """Reads a cohort."""
        request = pb.GetCohortRequest(name=await self._name(cohort))
        return Cohort.of((await self._ask(self._stub.GetCohort, request)).cohort)

    async def all(self) -> AsyncIterator[Cohort]:
        """The cohorts of the project, by id, without the people who are listed in them."""
        request = pb.ListCohortsRequest(parent=await self._parent())
        async for page in self._pages(self._stub.ListCohorts, request):
            for message in page.cohorts:
                yield Cohort.of(message)

    async def update(
        self,
        cohort: str,
        *,
        display_name: str | None = None,
        description: str | None = None,
        people: Iterable[str] | None = None,
        rule: Iterable[pb.CohortCondition] = (),
        any: bool = False,  # noqa: A002 - the contract's word
        etag: str = "",
    ) -> Cohort:
        """Changes what is given; with `etag`, only if nobody else did since."""
        texts = {"display_name": display_name, "description": description}
        given = {name: value for name, value in texts.items() if value is not None}
        changed = _cohort(people, rule, any, name=await self._name(cohort), etag=etag, **given)
        request = pb.UpdateCohortRequest(cohort=changed)
        request.update_mask.paths.extend([*given, *filter(None, [changed.WhichOneof("members")])])
        return Cohort.of((await self._ask(self._stub.UpdateCohort, request)).cohort)

    async def delete(self, cohort: str, *, etag: str = "") -> None:
        """Deletes a cohort; questions that are limited to it fail from then on."""
        request = pb.DeleteCohortRequest(name=await self._name(cohort), etag=etag)
        await self._ask(self._stub.DeleteCohort, request)

    async def _name(self, cohort: str) -> str:
        return await self._named("cohorts", cohort)


def _cohort(
    people: Iterable[str] | None,
    rule: Iterable[pb.CohortCondition],
    one_is_enough: bool,
    **fields: Any,
) -> pb.Cohort:
    conditions = list(rule)
    if people is not None and conditions:
        raise ValueError("people: are given beside a rule; give one of the two")
    made = pb.Cohort(**fields)
    if people is not None:
        made.people.SetInParent()
        made.people.user_ids.extend(people)
    elif conditions:
        made.rule.CopyFrom(pb.CohortRule(conditions=conditions, any=one_is_enough))
    return made
