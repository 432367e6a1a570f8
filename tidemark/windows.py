"""Windows: aggregates over spans of event time, kept as events are committed; reached as `client.windows`, answered by `WindowService`.

await client.windows.create("Orders by country", event_names=["order_placed"], key=["properties.country"], size="5m",
                            aggregates={"revenue": "sum properties.amount", "buyers": "uniques"})
answer = await client.query(questions.window("orders-by-country", last="1h"))
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from uuid import uuid4

from tidemark.scope import Scope
from tidemark.spelling import Instant, Span, any_range, duration, measure
from tidemark.v1 import window_pb2 as pb
from tidemark.v1 import window_pb2_grpc


class Windows(Scope):
    """The windows of the client's project; needs a key of role analyst or admin to change them. A window is told by its id or its
    name, `projects/{project}/windows/{window}`.
    """

    _service = window_pb2_grpc.WindowServiceStub

    async def create(
        self,
        display_name: str = "",
        *,
        aggregates: Mapping[str, str],
        event_names: Iterable[str] = (),
        when: str = "",
        key: Iterable[str] = (),
        size: Span | None = None,
        every: Span | None = None,
        gap: Span | None = None,
        allowed_lateness: Span | None = None,
        window_id: str = "",
    ) -> pb.Window:
        """Makes a window: one after the other with `size`, overlapping with `every` besides, as long as something happens with `gap`.

        `aggregates` are spelt like the measures of questions, by their ids; `when` is an expression in CEL.
        """
        window = pb.Window(
            display_name=display_name,
            event_names=event_names,
            when=when,
            key=key,
            aggregates=[_aggregate(name, text) for name, text in aggregates.items()],
        )
        if (gap is None) == (size is None):
            raise ValueError("size: give it, or gap for windows that last as long as something happens")
        if gap is not None:
            window.session.gap.CopyFrom(duration(gap))
        elif size is not None and every is not None:
            window.hopping.size.CopyFrom(duration(size))
            window.hopping.every.CopyFrom(duration(every))
        elif size is not None:
            window.tumbling.size.CopyFrom(duration(size))
        if allowed_lateness is not None:
            window.allowed_lateness.CopyFrom(duration(allowed_lateness))
        request = pb.CreateWindowRequest(
            parent=await self._parent(), window_id=window_id, window=window, request_id=str(uuid4())
        )
        return (await self._ask(self._stub.CreateWindow, request)).window  # type: ignore[no-any-return]

    async def get(self, window: str) -> pb.Window:
        """Reads a window."""
        request = pb.GetWindowRequest(name=await self._name(window))
        return (await self._ask(self._stub.GetWindow, request)).window  # type: ignore[no-any-return]

    async def all(self) -> AsyncIterator[pb.Window]:
        """The windows of the project, by name."""
        request = pb.ListWindowsRequest(parent=await self._parent())
        async for page in self._pages(self._stub.ListWindows, request):
            for window in page.windows:
                yield window

    async def delete(self, window: str) -> None:
        """Deletes a window with its results."""
        await self._ask(self._stub.DeleteWindow, pb.DeleteWindowRequest(name=await self._name(window)))

    async def results(
        self,
        window: str,
        *,
        key: Sequence[str] = (),
        last: Span | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        during: str | None = None,
    ) -> AsyncIterator[pb.WindowResult]:
        """Results, latest beginning first, with how each has come about."""
        request = pb.ListWindowResultsRequest(name=await self._name(window), key=key)
        if asked := any_range(last, start, end, during):
            request.time_range.CopyFrom(asked)
        async for page in self._pages(self._stub.ListWindowResults, request):
            for result in page.results:
                yield result

    async def _name(self, window: str) -> str:
        return await self._named("windows", window)


def _aggregate(name: str, text: str) -> pb.WindowAggregate:
    spelt = measure(text)
    return pb.WindowAggregate(
        id=name, aggregation=spelt.aggregation, field=spelt.field, quantile=spelt.quantile
    )
