"""Certificates are replaced on disk under load: no call fails, and every connection made from then on shows and trusts the new ones."""

import asyncio
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.responses import PlainTextResponse

from deploy.local.ports import free_port
from services.admin.service import admin, bootstrap
from services.kit.exposition import exposed
from services.kit.http import answering
from services.kit.server import listening, opened
from services.kit.settings import Settings
from services.kit.tls import Certificates
from tests.certifying import Authority
from tests.certifying import replace as put
from tests.polling import until
from tidemark.channel import Tls, connect, healthy
from tidemark.v1.admin_pb2 import GetProjectRequest
from tidemark.v1.admin_pb2_grpc import AdminServiceStub

CALLERS = 4


@dataclass(frozen=True)
class Files:
    """What a server and a client have: each a certificate, and whom they trust; `authority` is of the first."""

    folder: Path
    authority: Authority

    def path(self, name: str) -> Path:
        return self.folder / name

    def renew(self, authority: Authority, *names: str) -> int:
        """New certificates of an authority; gives the serial number of the last."""
        made = 0
        for name in names:
            issued = authority.issue(name)
            issued.put(self.path(f"{name}.pem"), self.path(f"{name}.key"))
            made = issued.serial
        return made

    def trust(self, *authorities: Authority) -> None:
        """From now on these are trusted by both."""
        put(self.path("roots.pem"), b"".join(each.pem for each in authorities))

    def settings(self, settings: Settings) -> Settings:
        """Of a server that asks for certificates."""
        return replace(
            settings,
            tls_cert_file=str(self.path("server.pem")),
            tls_key_file=str(self.path("server.key")),
            tls_client_ca_file=str(self.path("roots.pem")),
        )

    @property
    def tls(self) -> Tls:
        """Of its client."""
        names = {"roots_file": "roots.pem", "certificate_file": "client.pem", "key_file": "client.key"}
        return Tls(**{field: str(self.path(name)) for field, name in names.items()})

    def copied(self) -> Tls:
        """Of a client whose files nobody replaces."""
        folder = self.folder / "copied"
        shutil.copytree(self.folder, folder)
        return Files(folder, self.authority).tls

    def connected(self, port: int) -> ssl.SSLSocket:
        """A connection of a client with these files."""
        context = ssl.create_default_context(cafile=self.path("roots.pem"))
        context.load_cert_chain(self.path("client.pem"), self.path("client.key"))
        plain = socket.create_connection(("127.0.0.1", port), timeout=10)
        return context.wrap_socket(plain, server_hostname="localhost")

    def shown(self, port: int) -> int:
        """The serial number of the certificate that a port shows to a client with these files."""
        with self.connected(port) as secure:
            told = secure.getpeercert(binary_form=True)
        assert told
        return x509.load_der_x509_certificate(told).serial_number


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path, Authority("old"))
    made.trust(made.authority)
    made.renew(made.authority, "client", "server")
    return made


@dataclass
class Load:
    """Calls that follow each other without a pause."""

    calls: int = 0

    async def more(self, count: int = 50) -> None:
        """Returns once so many more have been answered."""
        wanted = self.calls + count

        async def answered() -> bool:
            return self.calls >= wanted

        await until(answered)


@asynccontextmanager
async def under_load(call: Callable[[], AsyncIterator[object]]) -> AsyncIterator[Load]:
    """Callers who go on until the end; a call that fails is raised there."""
    load, stopped = Load(), asyncio.Event()

    async def run() -> None:
        async for _ in call():
            load.calls += 1
            if stopped.is_set():
                return

    tasks = [asyncio.create_task(run()) for _ in range(CALLERS)]
    await load.more()
    yield load
    await load.more()
    stopped.set()
    await asyncio.gather(*tasks)


async def test_grpc_goes_on_while_certificates_and_their_authority_are_replaced(
    settings: Settings, files: Files
) -> None:
    ours, old, new = files.settings(settings), files.authority, Authority("new")
    bearer = (("authorization", f"Bearer {(await bootstrap(ours))['TIDEMARK_VIEWER_KEY']}"),)
    async with opened(ours) as resources, listening([await admin(resources)], resources, 0) as port:
        channel, left = connect(f"localhost:{port}", files.tls), connect(f"localhost:{port}", files.copied())
        stub = AdminServiceStub(channel)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING

        async def asking() -> AsyncIterator[object]:
            while True:
                yield await stub.GetProject(GetProjectRequest(name="projects/demo"), metadata=bearer)

        first = files.shown(port)
        async with under_load(asking) as load:
            # As an authority is replaced: both are trusted, everybody gets a certificate of the new one, the old one is trusted no more.
            files.trust(old, new)
            await load.more()
            serial = files.renew(new, "client", "server")
            await load.more()
            assert files.shown(port) == serial != first
            files.trust(new)
            await load.more()
            assert files.shown(port) == serial
        # Who has not got a new certificate is a stranger by now; what was under way goes on.
        assert not await healthy(left)
        assert not watch.done()
        watch.cancel()
        await left.close()
        await channel.close()


async def test_http_goes_on_while_certificates_are_replaced(settings: Settings, files: Files) -> None:
    ours, ports = files.settings(settings), [free_port(), free_port()]
    with exposed(ports[0], ours):
        async with answering(PlainTextResponse("well"), ours, ports[1]):
            first = await asyncio.to_thread(lambda: {files.shown(port) for port in ports})
            kept = await asyncio.to_thread(files.connected, ports[1])
            new = Authority("new")
            files.trust(files.authority, new)
            serial = files.renew(new, "client", "server")
            files.trust(new)
            assert await asyncio.to_thread(lambda: {files.shown(port) for port in ports}) == {serial} != first
            # A connection from before is answered as before.
            kept.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert (await asyncio.to_thread(kept.recv, 1000)).startswith(b"HTTP/1.1 200 OK")
            kept.close()


async def test_who_shows_no_certificate_gets_no_metrics_and_keeps_nobody_waiting(
    settings: Settings, files: Files
) -> None:
    port = free_port()
    with exposed(port, files.settings(settings)), socket.create_connection(("127.0.0.1", port)):
        # The caller above says nothing, not even hello.
        assert await asyncio.to_thread(files.shown, port)
        with pytest.raises(OSError, match=r"certificate required|EOF|reset"):
            await asyncio.to_thread(_asked, port, ssl.create_default_context(cafile=files.path("roots.pem")))


def _asked(port: int, context: ssl.SSLContext) -> bytes:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        return secure.recv(100)


def test_files_that_do_not_belong_together_leave_what_was_there(
    settings: Settings, files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    certificates = Certificates(files.settings(settings))
    end, context = certificates.end(), certificates.context()
    longer = files.authority.issue("server", days=30)
    put(files.path("server.key"), longer.key)
    assert certificates.context() is context
    assert "cannot be used, so what was there before is" in caplog.text
    caplog.clear()
    assert certificates.context() is context
    assert caplog.text == "", "it is told once"
    files.path("server.pem").unlink()
    assert certificates.end() == end
    put(files.path("server.pem"), longer.pem)
    assert certificates.end() > end + 27 * 86_400
    assert certificates.context() is not context
