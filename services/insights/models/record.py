"""Models and versions as stored, and as messages of the contract. Pure.

`store.py` reads records; `servicer.py` puts their messages into its answers.
"""

from dataclasses import dataclass
from datetime import datetime

from tidemark.v1 import model_pb2 as pb

_DETAIL = ("candidates", "importance", "calibration")
"""What lists leave out of a version."""


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model."""

    project: str
    model_id: str
    model_number: int
    definition: bytes
    created_at: datetime
    serving: int | None
    shadow: int | None
    head: bytes | None
    """Of the version that serves."""

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"projects/{self.project}/models/{self.model_id}"

    @property
    def model(self) -> pb.Model:
        """Its definition."""
        return pb.Model.FromString(self.definition)

    def message(self) -> pb.Model:
        """As callers see it."""
        made = self.model
        made.name = self.name
        made.create_time.FromDatetime(self.created_at)
        if self.serving is not None:
            made.serving_version = f"{self.name}/versions/{self.serving}"
        if self.shadow is not None:
            made.shadow_version = f"{self.name}/versions/{self.shadow}"
        if self.head is not None:
            made.metrics.CopyFrom(pb.ModelVersion.FromString(self.head).metrics)
        return made


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A version of a model."""

    project: str
    model_id: str
    version: int
    head: bytes
    detail: bytes
    """Empty where it was not asked for."""
    serving: int | None
    """The version that serves."""
    shadow: int | None
    created_at: datetime
    promoted_at: datetime | None

    def message(self) -> pb.ModelVersion:
        """As callers see it."""
        made = pb.ModelVersion.FromString(self.head + self.detail)
        made.name = f"projects/{self.project}/models/{self.model_id}/versions/{self.version}"
        made.state = {
            self.serving: pb.ModelVersion.STATE_SERVING, self.shadow: pb.ModelVersion.STATE_SHADOW
        }.get(self.version, pb.ModelVersion.STATE_RETIRED)  # fmt: skip
        made.create_time.FromDatetime(self.created_at)
        if self.promoted_at is not None:
            made.promote_time.FromDatetime(self.promoted_at)
        return made


def halves(version: pb.ModelVersion) -> tuple[bytes, bytes]:
    """A version's head and detail as they are stored."""
    head, detail = pb.ModelVersion(), pb.ModelVersion()
    head.CopyFrom(version)
    for name in _DETAIL:
        getattr(detail, name).extend(getattr(version, name))
        head.ClearField(name)  # type: ignore[arg-type]
    return head.SerializeToString(deterministic=True), detail.SerializeToString(deterministic=True)
