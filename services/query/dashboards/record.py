"""Dashboards as stored, and as messages of the contract. Pure.

`store.py` reads records; `servicer.py` puts their messages into its answers.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.query.dashboards.definition import UPDATABLE
from tidemark.v1.dashboard_pb2 import Dashboard


@dataclass(frozen=True, slots=True)
class DashboardRecord:
    """A saved dashboard."""

    project: str
    dashboard_id: str
    head: bytes
    """All but the tiles."""
    tiles: bytes
    """Empty where they were not asked for."""
    revision: int
    created_at: datetime
    updated_at: datetime

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"projects/{self.project}/dashboards/{self.dashboard_id}"

    def message(self) -> Dashboard:
        """As callers see it."""
        found = Dashboard.FromString(self.head + self.tiles)
        found.name, found.etag = self.name, str(self.revision)
        found.create_time.FromDatetime(self.created_at)
        found.update_time.FromDatetime(self.updated_at)
        return found


def parts(dashboard: Dashboard) -> tuple[bytes, bytes]:
    """The head and the tiles of a dashboard as they are stored: without what the server says of it."""
    head = picked(dashboard, [name for name in UPDATABLE if name != "tiles"])
    return head.SerializeToString(deterministic=True), picked(dashboard, ["tiles"]).SerializeToString(
        deterministic=True
    )


def picked(dashboard: Dashboard, names: Iterable[str]) -> Dashboard:
    """A dashboard with these fields of another, and no others."""
    found = Dashboard()
    changed(found, dashboard, names)
    return found


def changed(dashboard: Dashboard, other: Dashboard, names: Iterable[str]) -> None:
    """Sets these fields as they are in another dashboard."""
    for name in names:
        dashboard.ClearField(name)
        part = {each.name: value for each, value in other.ListFields() if each.name == name}
        dashboard.MergeFrom(Dashboard(**part))


def built_in(dashboard: Dashboard, project: str) -> Dashboard:
    """A dashboard that comes with Tidemark, as those of a project see it."""
    found = Dashboard(built_in=True)
    found.MergeFrom(dashboard)
    found.name = f"projects/{project}/dashboards/{dashboard.name}"
    found.etag = hashlib.sha256(dashboard.SerializeToString(deterministic=True)).hexdigest()[:12]
    return found
