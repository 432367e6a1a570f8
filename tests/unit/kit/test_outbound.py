"""Calls to servers of others: nothing inside is reached, whatever names and redirects say, and no server can hold a caller up."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.kit.errors import BadSetting
from services.kit.outbound import BODY_BYTES, Forbidden, Outbound, Unreachable, refusal, resolved

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def names(*addresses: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A resolver by which every name has these addresses."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


@asynccontextmanager
async def serving(
    answer: bytes | Handler, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server on a port of loopback; gives the port, and what it is sent."""
    seen: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], seen


@asynccontextmanager
async def calling(**options: object) -> AsyncIterator[Outbound]:
    outbound = Outbound(
        **{"private": True, "http": True, "seconds": 5.0, "resolve": names("127.0.0.1")} | options
    )  # type: ignore[arg-type]
    try:
        yield outbound
    finally:
        await outbound.close()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "0.1.2.3", "169.254.169.254", "192.0.0.192",
        "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16", "100.100.100.200", "::1", "::", "fe80::1",
        "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::", "2001:db8::1", "100::1",
    ],
)  # fmt: skip
def test_no_address_inside_may_be_called(address: str) -> None:
    assert refusal(address, private=False)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_public_addresses_may_be_called(address: str) -> None:
    assert not refusal(address, private=False)


def test_private_addresses_may_be_called_where_allowed_but_never_those_that_tell_credentials() -> None:
    assert [bool(refusal(each, private=True)) for each in ("10.0.0.1", "127.0.0.1", "fc00::1")] == [False] * 3
    never = ("169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "fe80::1", "224.0.0.1", "0.0.0.0")
    assert all(refusal(each, private=True) for each in never)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook",
        "ftp://example.com/",
        "https://",
        "https://ann:secret@example.com/",
        "https://exa mple.com/",
        "https://[::1",
        "x" * 3000,
    ],
)
async def test_what_is_no_url_to_call_is_refused(url: str) -> None:
    async with calling() as outbound:
        with pytest.raises(Forbidden):
            await outbound.post(url, b"", {})
        with pytest.raises(Forbidden):
            await outbound.check(url)


async def test_calls_without_tls_must_be_allowed() -> None:
    async with calling(http=False) as outbound:
        with pytest.raises(Forbidden, match="TIDEMARK_OUTBOUND_HTTP"):
            await outbound.post("http://example.com/", b"", {})


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_no_spelling_of_loopback_is_called(host: str) -> None:
    async with calling(private=False, resolve=resolved) as outbound:
        with pytest.raises((Forbidden, Unreachable)) as caught:
            await outbound.post(f"http://{host}:9/", b"", {})
    if host in ("127.0.0.1", "localhost", "[::1]"):
        assert isinstance(caught.value, Forbidden)


async def test_a_name_with_one_private_address_is_refused() -> None:
    async with calling(private=False, resolve=names("93.184.216.34", "10.0.0.1")) as outbound:
        with pytest.raises(Forbidden, match=r"10\.0\.0\.1"):
            await outbound.post("https://example.com/", b"", {})
        with pytest.raises(Forbidden):
            await outbound.check("https://example.com/")


async def test_a_name_is_resolved_once_and_the_call_carries_the_name() -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    async with (
        serving(b"HTTP/1.1 204 No Content\r\nset-cookie: a=b\r\n\r\n") as (port, seen),
        calling(resolve=resolve) as outbound,
    ):
        answer = await outbound.post(f"http://hook.test:{port}/a?b=c#d", b"{}", {"x-own": "1"})
    assert (answer.status, asked) == (204, ["hook.test"])
    head = seen[0].decode().lower()
    assert head.startswith("post /a?b=c http/1.1\r\n")
    assert f"host: hook.test:{port}\r\n" in head
    assert "x-own: 1\r\n" in head


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    answer = b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n"
    async with serving(answer) as (port, seen), calling() as outbound:
        assert (await outbound.post(f"http://hook.test:{port}/", b"", {})).status == 302
    assert len(seen) == 1


async def test_a_huge_answer_is_cut() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with serving(flood) as (port, _), calling() as outbound:
        assert len((await outbound.post(f"http://hook.test:{port}/", b"", {})).body) == BODY_BYTES


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte every now and then, for ever: each is in time, all of them are not."""
    while True:
        writer.write(b"H")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("handler", [hang, drip])
async def test_a_server_that_does_not_come_to_an_end_is_given_up(handler: Handler) -> None:
    async with serving(handler) as (port, _), calling(seconds=0.2) as outbound:
        with pytest.raises(Unreachable):
            await outbound.post(f"http://hook.test:{port}/", b"", {})


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"]
)
async def test_half_an_answer_is_none(answer: bytes) -> None:
    async with serving(answer) as (port, _), calling() as outbound:
        with pytest.raises(Unreachable, match=r"hook\.test"):
            await outbound.post(f"http://hook.test:{port}/", b"", {})


async def test_the_next_address_is_taken_when_the_first_does_not_answer() -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    async with serving(answer) as (port, _), calling(resolve=names("127.0.0.2", "127.0.0.1")) as outbound:
        assert (await outbound.post(f"http://hook.test:{port}/", b"", {})).status == 200


async def test_a_name_that_nobody_knows_is_unreachable_and_may_come_to_be() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    async with calling(resolve=resolve) as outbound:
        await outbound.check("https://hook.test/")
        with pytest.raises(Unreachable, match="cannot be resolved: no such name"):
            await outbound.post("https://hook.test/", b"", {})


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and a certificate for hook.test."""
    folder = tmp_path_factory.mktemp("certificates")
    for name, *more in (
        ("authority",),
        ("server", "-CA", "authority.pem", "-CAkey", "authority.key", "-addext", "subjectAltName=DNS:hook.test",
         "-addext", "basicConstraints=CA:false"),
    ):  # fmt: skip
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", *more],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
    return folder


async def test_tls_is_checked_by_name_and_by_authority(certificates: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    told: list[str | None] = []
    context.sni_callback = lambda _, name, __: told.append(name)
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    async with serving(answer, context) as (port, _):
        async with calling(roots_file=str(certificates / "authority.pem")) as outbound:
            assert (await outbound.post(f"https://hook.test:{port}/", b"", {})).status == 200
            with pytest.raises(Unreachable, match="ostname mismatch"):
                await outbound.post(f"https://other.test:{port}/", b"", {})
        async with calling() as outbound:
            with pytest.raises(Unreachable, match="certificate"):
                await outbound.post(f"https://hook.test:{port}/", b"", {})
    assert told[:2] == ["hook.test", "other.test"]


def test_a_file_of_authorities_that_is_none_is_a_bad_setting(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="TIDEMARK_OUTBOUND_ROOTS_FILE"):
        Outbound(roots_file=str(tmp_path / "none.pem"))


async def test_a_stream_is_put_whole_from_its_beginning_for_each_address() -> None:
    begun = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal begun
        begun += 1
        for piece in (b"one ", b"two"):
            yield piece

    bodies: list[bytes] = []

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bodies.append(await reader.readexactly(7))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()

    # Nobody listens at the first address.
    async with serving(taken) as (port, seen), calling(resolve=names("127.0.0.2", "127.0.0.1")) as outbound:
        answer = await outbound.put(f"http://store.example:{port}/key", pieces, {"Content-Length": "7"})
    assert (answer.status, bodies) == (200, [b"one two"])
    head = seen[0].lower()
    assert head.startswith(b"put /key http/1.1\r\n")
    assert b"content-length: 7\r\n" in head
    assert b"transfer-encoding" not in head
    assert begun >= 1


async def test_a_store_in_a_private_network_is_not_put_to() -> None:
    async with calling(private=False) as outbound:
        with pytest.raises(Forbidden, match="private"):
            await outbound.put("http://store.example/key", b"", {})
