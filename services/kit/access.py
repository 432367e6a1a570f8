"""Which role may call what. Pure: the contract's descriptors come in, a verdict goes out to `identity.py`."""

from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor

from services.kit.call import Caller
from services.kit.errors import Denied
from tidemark.v1 import access_pb2
from tidemark.v1.access_pb2 import (
    PERMISSION_ADMINISTER,
    PERMISSION_AUTHOR,
    PERMISSION_HOLD_LINK,
    PERMISSION_OPERATE,
    PERMISSION_READ,
    PERMISSION_UNSPECIFIED,
    PERMISSION_WRITE,
    Permission,
)
from tidemark.v1.admin_pb2 import ROLE_ADMIN, ROLE_ANALYST, ROLE_INGEST, ROLE_VIEWER, Role

ROLES: dict[Permission, frozenset[Role]] = {
    PERMISSION_UNSPECIFIED: frozenset(),
    PERMISSION_WRITE: frozenset({ROLE_INGEST, ROLE_ADMIN}),
    PERMISSION_READ: frozenset({ROLE_VIEWER, ROLE_ANALYST, ROLE_ADMIN}),
    PERMISSION_AUTHOR: frozenset({ROLE_ANALYST, ROLE_ADMIN}),
    PERMISSION_ADMINISTER: frozenset({ROLE_ADMIN}),
    PERMISSION_OPERATE: frozenset({ROLE_ADMIN}),
    # Where a link is asked for, no key is looked at, and none would do.
    PERMISSION_HOLD_LINK: frozenset(),
}
"""The comments of `access.proto` as a table."""

THIRD_PARTY: dict[str, Permission] = {
    "opentelemetry.proto.collector.logs.v1.LogsService.Export": PERMISSION_WRITE,
    "opentelemetry.proto.collector.metrics.v1.MetricsService.Export": PERMISSION_WRITE,
}
"""What RPCs of the contracts of others ask for, which know no option of ours."""

OPEN_SERVICES = frozenset({"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"})
"""All that is answered without a key."""


def permission_of(full_name: str) -> Permission:
    """What is asked of callers of `tidemark.v1.Service.Method`; unspecified for what neither contract nor table knows."""
    if full_name in THIRD_PARTY:
        return THIRD_PARTY[full_name]
    try:
        method = descriptor_pool.Default().FindMethodByName(full_name)
    except KeyError:
        return PERMISSION_UNSPECIFIED
    return declared(method)


def declared(method: MethodDescriptor) -> Permission:
    """The `permission` option of an RPC."""
    options: Any = method.GetOptions()
    permission: Permission = options.Extensions[access_pb2.permission]
    return permission


def authorise(permission: Permission, caller: Caller) -> None:
    """Raises `Denied` unless the caller's key may do what `permission` asks."""
    if permission == PERMISSION_UNSPECIFIED:
        raise Denied(
            "this RPC declares no permission, so nobody may call it", reason="NO_PERMISSION_DECLARED"
        )
    if caller.role not in ROLES[permission]:
        wanted = " or ".join(sorted(_word(Role.Name(role)) for role in ROLES[permission]))
        raise Denied(
            f"the key has the role {_word(Role.Name(caller.role))}; this RPC needs {wanted}",
            reason="ROLE_INSUFFICIENT",
            role=_word(Role.Name(caller.role)),
        )
    if permission == PERMISSION_OPERATE and caller.project_id is not None:
        raise Denied(
            f"the key belongs to projects/{caller.project_slug}; this RPC needs a key of the whole installation",
            reason="INSTALLATION_KEY_NEEDED",
        )


def _word(name: str) -> str:
    return name.removeprefix("ROLE_").lower()
