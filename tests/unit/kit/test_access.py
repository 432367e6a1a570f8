"""Which role may call what."""

import pytest

from services.kit.access import authorise, permission_of
from services.kit.call import Caller
from services.kit.errors import Denied
from tests.contract import rpcs
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
from tidemark.v1.admin_pb2 import ROLE_ADMIN, ROLE_ANALYST, ROLE_INGEST, ROLE_UNSPECIFIED, ROLE_VIEWER, Role

# Written out a second time, from the comments of access.proto: a change of the table must be meant.
EXPECTED = {
    PERMISSION_UNSPECIFIED: set(),
    PERMISSION_WRITE: {ROLE_INGEST, ROLE_ADMIN},
    PERMISSION_READ: {ROLE_VIEWER, ROLE_ANALYST, ROLE_ADMIN},
    PERMISSION_AUTHOR: {ROLE_ANALYST, ROLE_ADMIN},
    PERMISSION_ADMINISTER: {ROLE_ADMIN},
    PERMISSION_OPERATE: {ROLE_ADMIN},
    PERMISSION_HOLD_LINK: set(),
}


def caller(role: Role, project: str | None = None) -> Caller:
    return Caller("k", 7 if project else None, project, role)


@pytest.mark.parametrize("rpc", rpcs(), ids=lambda rpc: rpc.full_name)
def test_every_rpc_declares_a_permission(rpc):
    assert permission_of(rpc.full_name) != PERMISSION_UNSPECIFIED


def test_rpcs_of_other_contracts_are_those_of_the_table():
    of_otlp = "opentelemetry.proto.collector"
    for signal in ("logs.v1.LogsService", "metrics.v1.MetricsService"):
        assert permission_of(f"{of_otlp}.{signal}.Export") == PERMISSION_WRITE
    assert permission_of(f"{of_otlp}.trace.v1.TraceService.Export") == PERMISSION_UNSPECIFIED


def test_an_unknown_rpc_has_no_permission():
    assert permission_of("tidemark.v1.AdminService.Nothing") == PERMISSION_UNSPECIFIED


def test_one_rpc_alone_is_answered_without_a_key():
    open_to_all = [rpc.full_name for rpc in rpcs() if permission_of(rpc.full_name) == PERMISSION_HOLD_LINK]
    assert open_to_all == ["tidemark.v1.EditionService.OpenEditionLink"]


@pytest.mark.parametrize("permission", Permission.values())
@pytest.mark.parametrize("role", Role.values())
def test_a_role_may_what_the_contract_says(permission, role):
    if role in EXPECTED[permission]:
        authorise(permission, caller(role))
    else:
        with pytest.raises(Denied):
            authorise(permission, caller(role))


def test_a_key_without_a_role_may_nothing():
    for permission in Permission.values():
        with pytest.raises(Denied):
            authorise(permission, caller(ROLE_UNSPECIFIED))


def test_a_key_of_one_project_may_not_operate_the_installation():
    with pytest.raises(Denied) as denied:
        authorise(PERMISSION_OPERATE, caller(ROLE_ADMIN, "demo"))
    assert denied.value.reason == "INSTALLATION_KEY_NEEDED"


def test_a_denial_names_the_role_had_and_the_roles_needed():
    with pytest.raises(Denied, match="role viewer; this RPC needs admin or ingest") as denied:
        authorise(PERMISSION_WRITE, caller(ROLE_VIEWER))
    assert denied.value.metadata == {"role": "viewer"}
