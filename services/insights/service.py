"""Wiring of the target `insights`."""

from services.insights.source import Query
from services.kit.service import Resources, Service


async def insights(resources: Resources) -> Service:
    """The servicers of InsightService, AlertService, ForecastService and ModelService, and the loops that look by themselves."""
    query = Query(resources.settings, resources.pool)
    assert query
    return Service(servicers=[], workers=[])
