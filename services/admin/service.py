"""Wiring of AdminService and OperationService, which the target query serves, and of the command that makes the first keys."""

import uuid
from datetime import UTC, datetime

from services.admin.operations.servicer import Operations
from services.admin.servicer import Admin
from services.admin.store import insert_key
from services.kit import audit, postgres
from services.kit.chain import Entry
from services.kit.identity import new_secret
from services.kit.migrate import require_migrated
from services.kit.service import Resources, Service, Servicer
from services.kit.settings import Settings
from tidemark.v1.admin_pb2 import ROLE_ADMIN, ROLE_INGEST, ROLE_VIEWER
from tidemark.v1.admin_pb2_grpc import add_AdminServiceServicer_to_server
from tidemark.v1.operation_pb2_grpc import add_OperationServiceServicer_to_server

DEMO = "demo"
_FIRST_KEYS = (
    ("TIDEMARK_ADMIN_KEY", "installation admin", ROLE_ADMIN, None),
    ("TIDEMARK_INGEST_KEY", "ingest", ROLE_INGEST, DEMO),
    ("TIDEMARK_VIEWER_KEY", "viewer", ROLE_VIEWER, DEMO),
    ("TIDEMARK_PROJECT_ADMIN_KEY", "admin", ROLE_ADMIN, DEMO),
)
_PROJECT = """
    INSERT INTO projects (slug, display_name) VALUES (%s, 'Demo') ON CONFLICT (slug) DO UPDATE SET slug = excluded.slug
    RETURNING project_id
"""


async def admin(resources: Resources) -> Service:
    """AdminService and OperationService."""
    return Service(
        servicers=[
            Servicer(add_AdminServiceServicer_to_server, Admin(resources)),
            Servicer(add_OperationServiceServicer_to_server, Operations(resources.pool)),
        ]
    )


async def bootstrap(settings: Settings) -> dict[str, str]:
    """The first keys' secrets by the names of their variables; empty where there are keys already."""
    request_id = uuid.uuid4().hex
    made: dict[str, str] = {}
    async with await postgres.connect(settings.database_url) as connection:
        await require_migrated(connection)
        async with connection.transaction():
            # Two bootstraps at once must not both find nothing.
            await connection.execute("LOCK TABLE api_keys IN EXCLUSIVE MODE")
            if await (await connection.execute("SELECT FROM api_keys LIMIT 1")).fetchone() is not None:
                return {}
            row = await (await connection.execute(_PROJECT, (DEMO,))).fetchone()
            assert row is not None, "the statement always returns the project"
            resources = [f"projects/{DEMO}"]
            for variable, display_name, role, slug in _FIRST_KEYS:
                secret = new_secret()
                fields = {
                    "display_name": display_name, "role": role, "events_per_minute": 0, "requests_per_minute": 0,
                    "expires_at": None,
                }  # fmt: skip
                await insert_key(connection, row[0] if slug else None, secret, fields)
                made[variable] = secret.text
                resources.append(f"projects/{slug or '-'}/keys/{secret.key_id}")
            now = datetime.now(UTC)
            await audit.append(
                connection,
                [Entry(0, now, "system", "bootstrap", name, "", "OK", request_id) for name in resources],
            )
    return made
