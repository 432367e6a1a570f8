"""What acceptance and end-to-end tests stand on: the suite as separate processes, two of ingest and writer, once a session.

Every test gets a project of its own and reaches it as users do, through the SDK or the command line.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import tidemark
from deploy.local.suite import ROOT, Suite, quiet_port, running
from tidemark.buffer import Limits
from tidemark.ledger import Ledger
from tidemark.records import Change

TARGETS = {
    "ingest-1": "ingest",
    "ingest-2": "ingest",
    "writer-1": "writer",
    "writer-2": "writer",
    "query": "query",
    "mirror": "mirror",
    "insights": "insights",
    "reports": "reports",
    "gateway": "gateway",
    "edge": "edge",
}
LIMIT_SECONDS = 60.0


@dataclass(frozen=True)
class Tenant:
    """A project of its own in the running suite."""

    suite: Suite
    project: str
    key: str

    def client(self, ingest: int = 1, **options: object) -> tidemark.Client:
        """A client of one of the two ingests."""
        address = self.suite.members[f"ingest-{ingest}"].address
        options.setdefault("limits", Limits())
        query, (*insights,) = self.suite.members["query"].address, self.suite.of("insights")
        found = insights[0].address if insights else ""
        reports = [each.address for each in self.suite.of("reports")]
        return tidemark.Client(address, query, found, *reports[:1], key=self.key, **options)  # type: ignore[arg-type]

    async def key_of(self, role: str) -> str:
        """A new key of this project."""
        async with self.client() as client:
            return (await client.admin.create_key(self.project, role=role)).secret

    @property
    def environment(self) -> dict[str, str]:
        """What the command line and the sync front read."""
        return {
            "TIDEMARK_KEY": self.key,
            "TIDEMARK_INGEST_ADDRESS": self.suite.members["ingest-1"].address,
            "TIDEMARK_QUERY_ADDRESS": self.suite.members["query"].address,
            "TIDEMARK_INSIGHTS_ADDRESS": self.suite.members["insights"].address,
            "TIDEMARK_REPORTS_ADDRESS": self.suite.members["reports"].address,
        }

    def run(self, *arguments: str) -> str:
        """What `tidemark <arguments>` prints; fails with what it complains of."""
        done = subprocess.run(
            [sys.executable, "-m", "tidemark", *arguments],
            check=False,
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def logged(self, error: str) -> str:
        """What the members have logged of the incident that an error names; nothing where it names none."""
        found = re.search("incident ([0-9a-f]{32})", error)
        lines = [
            line
            for member in self.suite.members.values()
            for line in member.log.read_text(errors="replace").splitlines()
            if found and found[1] in line
        ]
        return "\n".join(lines)

    async def settled(self, client: tidemark.Client) -> Ledger:
        """The ledger once nothing is in flight."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while (ledger := await client.ledger(last="90d")).total.in_flight:
            assert time.monotonic() < deadline, ledger.total
            await asyncio.sleep(0.05)
        return ledger


@pytest.fixture(scope="session")
def deployment() -> Iterator[Suite]:
    """Two ingests, two writers and one of each other target, with PostgreSQL and Redis of their own."""
    # Not in pytest's own folder, which every run closes to other accounts; the servers may run as one.
    with tempfile.TemporaryDirectory(prefix="tidemark-test-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        (folder / "delivered").mkdir()
        settings = {
            "TIDEMARK_MODEL_SECONDS": "1",
            # Only what a test has begun is traced, and that test is who collects it.
            "TIDEMARK_TRACING_ENDPOINT": f"http://127.0.0.1:{quiet_port()}",
            "TIDEMARK_TRACING_RATIO": "0",
            # What is sent comes to the tests, which are on this machine.
            "TIDEMARK_OUTBOUND_PRIVATE": "true",
            "TIDEMARK_OUTBOUND_HTTP": "true",
            "TIDEMARK_SMTP_HOST": "127.0.0.1",
            "TIDEMARK_SMTP_PORT": str(quiet_port()),
            "TIDEMARK_SMTP_TLS": "none",
            "TIDEMARK_DELIVERY_FOLDER": str(folder / "delivered"),
        }
        with running(folder, TARGETS, shared_buffers_mb=256, environment=settings) as suite:
            yield suite


@pytest.fixture
def tenant(deployment: Suite) -> Tenant:
    """A new project and its admin key."""
    return new_tenant(deployment)


def new_tenant(suite: Suite) -> Tenant:
    """A new project and its admin key, for fixtures that several tests share."""
    slug = f"t{uuid.uuid4().hex[:12]}"
    query = suite.members["query"].address

    async def make() -> str:
        operator = suite.keys["TIDEMARK_ADMIN_KEY"]
        async with tidemark.Client(query, query, key=operator) as client:
            await client.admin.create_project(slug)
            key = await client.admin.create_key(f"projects/{slug}", role="admin")
            return key.secret

    return Tenant(suite, f"projects/{slug}", asyncio.run(make()))


async def until(changes: AsyncIterator[Change], seen: object, seconds: float = LIMIT_SECONDS) -> Change:
    """The first of `changes` for which `seen(change)` holds."""

    async def look() -> Change:
        async for change in changes:
            if seen(change):  # type: ignore[operator]
                return change
        raise AssertionError("the stream has ended")

    return await asyncio.wait_for(look(), seconds)
