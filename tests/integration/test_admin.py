"""AdminService on the real servers."""

from services.admin.service import admin
from tests.conftest import Suite
from tidemark.v1 import admin_pb2
from tidemark.v1.admin_pb2_grpc import AdminServiceStub


async def test_a_viewer_reads_its_project(suite: Suite) -> None:
    async with suite(admin) as served:
        stub = AdminServiceStub(served.channel)
        answer = await stub.GetProject(
            admin_pb2.GetProjectRequest(name="projects/demo"), metadata=served.key("viewer")
        )
        assert answer.project.name == "projects/demo"
        assert answer.project.time_zone == "UTC"
