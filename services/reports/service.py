"""Wiring of the target `reports`."""

from services.kit import memory
from services.kit.service import Resources, Service


async def reports(resources: Resources) -> Service:
    """The servicers of ReportService, EditionService, ScheduleService and DeliveryService, and the loops behind them."""
    memory.give_back()
    return Service(servicers=(), workers=())
