"""Wiring of the target `gateway`."""

from services.gateway.gateway import Gateway
from services.kit.service import Resources, Service


async def gateway(resources: Resources) -> Service:
    """The page and its sessions, and the lanes of other SDKs."""
    return Service(app=Gateway(resources))
