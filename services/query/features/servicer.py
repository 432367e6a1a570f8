"""FeatureService: its RPC reads the request and sends on what `source` makes."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from services.kit import audit, identity
from services.kit.call import current
from services.query.features.source import Features
from tidemark.v1 import feature_pb2 as pb
from tidemark.v1 import feature_pb2_grpc


class Feature(feature_pb2_grpc.FeatureServiceServicer):
    """The RPC of FeatureService."""

    def __init__(self, features: Features) -> None:
        self._features = features

    async def ReadFeatures(
        self, request: pb.ReadFeaturesRequest, context: Any
    ) -> AsyncIterator[pb.ReadFeaturesResponse]:
        """Reads features."""
        project = await identity.project(request.project)
        audit.note(f"{project.name} features")
        call = current.get()
        messages = self._features.read(request, project, call.context.time_remaining(), call.request_id)
        async with aclosing(messages):
            async for message in messages:
                yield message
