"""Wiring of the target `gateway`."""

from services.gateway.gateway import Gateway
from services.kit.service import Resources, Service


async def gateway(resources: Resources) -> Service:
    """The page and its sessions."""
    return Service(app=Gateway(resources))
