"""ExternalScaler, KEDA's contract: each method reads the metadata of a trigger (`request.py`) and answers by what `worker.py` knows.

Nobody is asked for a key, because KEDA has none: it answers on a port of its own, where nothing else does (docs/decisions/0039-scaler.md).
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from typing import Any

from services.insights.scaler import figure
from services.insights.scaler import request as read
from services.insights.scaler.keda import externalscaler_pb2 as pb
from services.insights.scaler.keda import externalscaler_pb2_grpc
from services.insights.scaler.worker import SAMPLE_SECONDS, Watch
from services.kit.errors import Invalid, Unavailable


class Scaler(externalscaler_pb2_grpc.ExternalScalerServicer):
    """The RPCs of ExternalScaler."""

    def __init__(self, watch: Watch, draining: asyncio.Event) -> None:
        self._watch, self._draining = watch, draining

    async def IsActive(self, request: pb.ScaledObjectRef, context: Any) -> pb.IsActiveResponse:
        """Whether there is anything to do."""
        return pb.IsActiveResponse(result=self._watch.needed(read.read(request.scalerMetadata)).active)

    async def StreamIsActive(
        self, request: pb.ScaledObjectRef, context: Any
    ) -> AsyncIterator[pb.IsActiveResponse]:
        """The same at once and whenever it changes; nothing while the load is not known."""
        wanted = read.read(request.scalerMetadata)
        told: bool | None = None
        while not self._draining.is_set():
            with contextlib.suppress(Unavailable):
                if (active := self._watch.needed(wanted).active) != told:
                    told = active
                    yield pb.IsActiveResponse(result=active)
            await self._watch.next(2 * SAMPLE_SECONDS)
        raise Unavailable("this server is about to end; ask another one")

    async def GetMetricSpec(self, request: pb.ScaledObjectRef, context: Any) -> pb.GetMetricSpecResponse:
        """The metrics of a target, and how much of each a pod should have."""
        return _specs(request)

    async def GetMetrics(self, request: pb.GetMetricsRequest, context: Any) -> pb.GetMetricsResponse:
        """What a metric stands at."""
        wanted = read.read(request.scaledObjectRef.scalerMetadata)
        if request.metricName not in (names := figure.targets(wanted)):
            raise Invalid("metricName", f"is {request.metricName[:100]!r}; there are {', '.join(names)}")
        value = figure.values(self._watch.needed(wanted))[request.metricName]
        # Old releases of KEDA know whole numbers alone, of which too many pods are better than too few.
        told = pb.MetricValue(
            metricName=request.metricName, metricValueFloat=value, metricValue=math.ceil(value)
        )
        return pb.GetMetricsResponse(metricValues=[told])

    async def StreamMetricSpec(
        self, request: pb.ScaledObjectRef, context: Any
    ) -> AsyncIterator[pb.GetMetricSpecResponse]:
        """The metrics at once; as they follow from the trigger alone, they stay as they are."""
        yield _specs(request)
        await self._draining.wait()
        raise Unavailable("this server is about to end; ask another one")


def _specs(request: pb.ScaledObjectRef) -> pb.GetMetricSpecResponse:
    wanted = read.read(request.scalerMetadata)
    return pb.GetMetricSpecResponse(
        metricSpecs=[
            pb.MetricSpec(metricName=name, targetSizeFloat=target, targetSize=max(1, int(target)))
            for name, target in figure.targets(wanted).items()
        ]
    )
