"""How long data is kept, and the removal of people; reached as `client.privacy`, answered by `RetentionService`.

await client.privacy.retain(raw_days=400, minute_days=90)
certificate = await client.privacy.erase("ann@example.com")
"""

import asyncio
from collections.abc import AsyncIterator

from tidemark.scope import Scope
from tidemark.v1 import retention_pb2 as pb
from tidemark.v1 import retention_pb2_grpc

_LOOK_SECONDS = 0.5


class Privacy(Scope):
    """Retention and erasures of the client's project; needs a key of role admin to change them."""

    _service = retention_pb2_grpc.RetentionServiceStub

    async def retention(self) -> pb.Retention:
        """How long data is kept."""
        request = pb.GetRetentionRequest(name=await self._name())
        return (await self._ask(self._stub.GetRetention, request)).retention  # type: ignore[no-any-return]

    async def retain(self, *, etag: str = "", **days: int) -> pb.Retention:
        """Changes `raw_days`, `minute_days`, `hour_days`, `day_days` or `ledger_days`, 0 for ever; what is older goes and does not come
        back.
        """
        changed = await self.retention()
        for name, value in days.items():
            if not name.endswith("_days") or name not in pb.Retention.DESCRIPTOR.fields_by_name:
                raise ValueError(
                    f"{name}: is no retention; give raw_days, minute_days, hour_days, day_days or ledger_days"
                )
            setattr(changed, name, value)
        changed.etag = etag or changed.etag
        request = pb.UpdateRetentionRequest(retention=changed)
        return (await self._ask(self._stub.UpdateRetention, request)).retention  # type: ignore[no-any-return]

    async def erase(self, user_id: str, *, wait: bool = True) -> pb.Erasure:
        """Removes a person from all that is stored. Waits until that is done and gives the certificate, or does not `wait`."""
        request = pb.EraseUserRequest(parent=await self._parent(), user_id=user_id)
        erasure: pb.Erasure = (await self._ask(self._stub.EraseUser, request)).erasure
        while wait and erasure.state != pb.Erasure.STATE_COMPLETE:
            await asyncio.sleep(_LOOK_SECONDS)
            erasure = await self.erasure(erasure.name)
        return erasure

    async def erasure(self, name: str) -> pb.Erasure:
        """Reads an erasure, by its id or its name."""
        request = pb.GetErasureRequest(name=await self._named("erasures", name))
        return (await self._ask(self._stub.GetErasure, request)).erasure  # type: ignore[no-any-return]

    async def erasures(self) -> AsyncIterator[pb.Erasure]:
        """The erasures of the project, newest first."""
        request = pb.ListErasuresRequest(parent=await self._parent())
        async for page in self._pages(self._stub.ListErasures, request):
            for erasure in page.erasures:
                yield erasure

    async def _name(self) -> str:
        return f"{await self._parent()}/retention"
