"""RuleService: each method reads the request (`request.py`), asks the store, and builds the answer."""

import asyncio
import time
from typing import Any

from services.ingest import judgement
from services.ingest.rules import request as read
from services.ingest.rules.store import Store
from services.ingest.rules.trial import trials
from services.kit import audit, page, resource
from services.kit.call import Project
from services.kit.errors import Invalid
from services.kit.identity import project
from tidemark.v1 import rule_pb2 as pb
from tidemark.v1 import rule_pb2_grpc

PAGE, LARGEST_PAGE = 50, 1000
NEWEST = 2**31 - 1
MAX_ANSWER = 4_000_000
"""Bytes; gRPC clients take 4 MiB by default."""


class Rules(rule_pb2_grpc.RuleServiceServicer):
    """The RPCs of RuleService."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def GetRules(self, request: pb.GetRulesRequest, context: Any) -> pb.GetRulesResponse:
        """Reads a version of the rules."""
        parent = await _named(request.name, "name")
        found = await self._store.rules(parent, read.version(request.version))
        return pb.GetRulesResponse(rules=found.message())

    async def ListRulesVersions(
        self, request: pb.ListRulesVersionsRequest, context: Any
    ) -> pb.ListRulesVersionsResponse:
        """Lists the versions of the rules, newest first."""
        parent = await _named(request.name, "name")
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        (before,) = page.position(request, int) or (NEWEST,)
        found, more = await self._store.versions(parent, max(0, min(before, NEWEST)), limit)
        token = page.token(request, found[-1].version) if more else ""
        return pb.ListRulesVersionsResponse(rules=[each.message() for each in found], next_page_token=token)

    async def UpdateRules(self, request: pb.UpdateRulesRequest, context: Any) -> pb.UpdateRulesResponse:
        """Makes the next version of the rules."""
        parent = await _named(request.rules.name, "rules.name")
        wanted = resource.revision(request.rules.etag, "rules.etag")
        # Rules of the largest size take a second to go through.
        rules = await asyncio.to_thread(read.stored, request.rules)
        made = await self._store.update(parent, rules, wanted)
        return pb.UpdateRulesResponse(rules=made.message())

    async def TryRules(self, request: pb.TryRulesRequest, context: Any) -> pb.TryRulesResponse:
        """Shows what rules would do to events."""
        parent = await _named(request.name, "name")
        size = read.sample(request)
        present = await self._store.definition(parent)
        definition = await asyncio.to_thread(
            read.definition, request, present.rules, present.hash_key, present.schemas
        )
        if size:
            field = "sample_size"
            rows = await self._store.newest(parent, request.event_name, size)
            found, effects = await asyncio.to_thread(judgement.trials, rows, definition)
        else:
            field = "events"
            events, now_us = list(request.events), time.time_ns() // 1000
            found, effects = await asyncio.to_thread(trials, events, definition, now_us)
        response = pb.TryRulesResponse(trials=found, effects=effects)
        if (size := response.ByteSize()) > MAX_ANSWER:
            raise Invalid(
                field, f"makes an answer of {size} bytes, more than {MAX_ANSWER}; try fewer events at once"
            )
        return response


async def _named(name: str, field: str) -> Project:
    """The project whose rules are meant."""
    parent = read.project_of(name, field)
    audit.note(name)
    return await project(parent, field)
