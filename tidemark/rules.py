"""Enrichment rules: what is done to events before they are checked and stored; reached as `client.rules`, answered by `RuleService`.

rules = await client.rules.get()
rules.rules.add(rule_id="mask-mail", mask={"field": "properties.email", "keep_last": 4})
print((await client.rules.attempt(rules, event_name="signup")).effects)
await client.rules.update(rules)

Rules are the contract's own message; as a file they are that message's JSON form.
"""

from collections.abc import AsyncIterator, Iterable

from google.protobuf.json_format import MessageToJson, Parse, ParseError

from tidemark.scope import Scope
from tidemark.v1 import event_pb2, rule_pb2_grpc, schema_pb2
from tidemark.v1 import rule_pb2 as pb


class Rules(Scope):
    """The rules of the client's project; needs a key of role analyst or admin to change them."""

    _service = rule_pb2_grpc.RuleServiceStub

    async def get(self, *, version: int = 0) -> pb.Rules:
        """Reads the rules, or one of their versions."""
        request = pb.GetRulesRequest(name=await self._name(), version=version)
        return (await self._ask(self._stub.GetRules, request)).rules  # type: ignore[no-any-return]

    async def versions(self) -> AsyncIterator[pb.Rules]:
        """The versions of the rules, newest first."""
        request = pb.ListRulesVersionsRequest(name=await self._name())
        async for page in self._pages(self._stub.ListRulesVersions, request):
            for version in page.rules:
                yield version

    async def update(self, rules: pb.Rules | Iterable[pb.Rule] | str) -> pb.Rules:
        """Makes the next version of the rules; those that were read are changed only if nobody else did since. Takes a file's text too."""
        made = pb.Rules()
        made.CopyFrom(parsed(rules))
        made.name = await self._name()
        request = pb.UpdateRulesRequest(rules=made)
        return (await self._ask(self._stub.UpdateRules, request)).rules  # type: ignore[no-any-return]

    async def attempt(
        self,
        rules: pb.Rules | Iterable[pb.Rule] | str | None = None,
        *,
        events: Iterable[event_pb2.Event] = (),
        event_name: str = "",
        sample_size: int = 0,
        schemas: Iterable[schema_pb2.Schema] = (),
    ) -> pb.TryRulesResponse:
        """What these rules, or the present ones, would do to `events`, or to the newest stored; nothing is changed."""
        request = pb.TryRulesRequest(
            name=await self._name(),
            events=events,
            event_name=event_name,
            sample_size=sample_size,
            schemas=schemas,
        )
        if rules is not None:
            request.rules.SetInParent()
            request.rules.CopyFrom(parsed(rules))
        return await self._ask(self._stub.TryRules, request)  # type: ignore[no-any-return]

    async def _name(self) -> str:
        return f"{await self._parent()}/rules"


def parsed(rules: pb.Rules | Iterable[pb.Rule] | str) -> pb.Rules:
    """Rules as a message; raises `ValueError` for a text that holds none."""
    if isinstance(rules, pb.Rules):
        return rules
    if not isinstance(rules, str):
        return pb.Rules(rules=rules)
    try:
        return Parse(rules, pb.Rules())
    except ParseError as error:
        raise ValueError(f"rules: cannot be read: {error}") from error


def to_json(rules: pb.Rules) -> str:
    """Rules as a file that `update` takes."""
    return MessageToJson(pb.Rules(rules=rules.rules), ensure_ascii=False)
