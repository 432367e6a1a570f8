"""The one way by which services call out over HTTP: a URL that a user gave comes in, an answer goes out, and nothing inside is reached.

A name is resolved here, every address of it is judged, and the connection goes to the address that was judged: what a name server
says a moment later makes no difference. Host and TLS keep the name. Redirects are answers and are not followed, a connection serves
one request, and neither proxies nor cookies nor credentials of the environment are used.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import certifi
import httpx

from services.kit.errors import BadSetting
from services.kit.settings import Settings

MAX_URL = 2000
SECONDS = 10.0
"""How long a call may take as a whole, the resolving of its name included."""
BODY_BYTES = 16 << 10
"""Of an answer; what is longer is cut."""
_CONNECT_SHARE = 0.3
"""Of the time, for each address: one that does not answer leaves time for the next."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_INSIDE = [
    ipaddress.ip_network(each)
    for each in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
]
"""For special use, as for tunnels that may lead anywhere; what Python calls global differs from release to release."""
_NEVER = [
    ipaddress.ip_network(each)
    for each in (
        "169.254.0.0/16",
        "fe80::/10",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
    )
]
"""Where clouds tell machines their credentials: nobody needs to be notified there."""

_HOST = re.compile(rb"[A-Za-z0-9._:-]{1,253}")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host; raises `OSError` where there are none."""
Content = bytes | Callable[[], AsyncIterator[bytes]]
"""What is sent: whole, or piece by piece, from the beginning for each address that is tried."""


class Forbidden(Exception):
    """A URL that may not be called; the text says why."""


class Unreachable(Exception):
    """No whole answer came; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side has said."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    """Its beginning, at most `BODY_BYTES`."""


async def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Outbound:
    """Calls to servers of others. `private` allows addresses that only a local network knows, `http` calls without TLS."""

    def __init__(
        self,
        *,
        private: bool = False,
        http: bool = False,
        seconds: float = SECONDS,
        roots_file: str = "",
        resolve: Resolve = resolved,
    ) -> None:
        self._private, self._http, self._seconds, self._resolve = private, http, seconds, resolve
        self._transport = httpx.AsyncHTTPTransport(
            verify=trust(roots_file),
            trust_env=False,
            # Connections are known by address, and two names may share one: a kept one would be of the other name.
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=0),
        )

    @classmethod
    def of(cls, settings: Settings) -> "Outbound":
        """As the operator allows."""
        return cls(
            private=settings.outbound_private,
            http=settings.outbound_http,
            roots_file=settings.outbound_roots_file,
        )

    async def check(self, url: str) -> None:
        """Raises `Forbidden` for a URL that could not be called now; a name that nobody knows yet passes."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._addresses(self._parsed(url))
        except (TimeoutError, Unreachable):
            pass

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Posts `content`; raises `Forbidden` or `Unreachable`."""
        return await self._called("POST", url, content, headers, self._seconds)

    async def put(
        self, url: str, content: Content, headers: Mapping[str, str], seconds: float = SECONDS
    ) -> Answer:
        """Puts `content`, whose length is in the headers where it is a stream; raises `Forbidden` or `Unreachable`."""
        return await self._called("PUT", url, content, headers, seconds)

    async def close(self) -> None:
        """Ends what is open."""
        await self._transport.aclose()

    def _parsed(self, url: str) -> httpx.URL:
        if len(url) > MAX_URL:
            raise Forbidden(f"has {len(url)} characters; write at most {MAX_URL}")
        try:
            target = httpx.URL(url)
        except (httpx.InvalidURL, ValueError) as error:
            raise Forbidden(f"is no URL ({error}); write as in https://example.com/hook") from error
        schemes = ("https", "http") if self._http else ("https",)
        if target.scheme not in schemes or not _HOST.fullmatch(target.raw_host):
            also = "" if self._http else "; http has to be allowed by TIDEMARK_OUTBOUND_HTTP"
            raise Forbidden(f"is {url[:100]!r}; write as in https://example.com/hook{also}")
        if target.userinfo:
            raise Forbidden(
                "holds a user or a password, which everybody who lists it would see; leave it out"
            )
        return target

    async def _addresses(self, target: httpx.URL) -> Sequence[str]:
        host, port = target.raw_host.decode(), target.port or (443 if target.scheme == "https" else 80)
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"{host} cannot be resolved: {_told(error)}") from error
        for each in found:
            if why := refusal(each, private=self._private):
                raise Forbidden(f"leads to {each}, {why}")
        if not found:
            raise Unreachable(f"{host} has no address")
        return found

    async def _called(
        self, method: str, url: str, content: Content, headers: Mapping[str, str], seconds: float
    ) -> Answer:
        target = self._parsed(url)
        try:
            async with asyncio.timeout(seconds):
                addresses = await self._addresses(target)
                for last, address in enumerate(addresses, 1 - len(addresses)):
                    try:
                        return await self._exchanged(method, target, address, content, headers)
                    except (httpx.ConnectError, httpx.ConnectTimeout):
                        if last == 0:
                            raise
                raise AssertionError("there is an address")
        except TimeoutError as error:
            raise Unreachable(f"{target.host} gave no whole answer within {seconds:g} s") from error
        except httpx.HTTPError as error:
            raise Unreachable(f"{target.host}: {_told(error)}") from error

    async def _exchanged(
        self, method: str, target: httpx.URL, address: str, content: Content, headers: Mapping[str, str]
    ) -> Answer:
        """Calls one address, in the name of the host."""
        request = httpx.Request(
            method,
            target.copy_with(host=address, fragment=None),
            headers={
                "User-Agent": "Tidemark",
                "Accept-Encoding": "identity",
                "Connection": "close",
                **headers,
                "Host": target.netloc.decode(),
            },
            content=content if isinstance(content, bytes) else content(),
            extensions={
                "sni_hostname": target.raw_host.decode(),
                "timeout": {"connect": self._seconds * _CONNECT_SHARE},
            },
        )
        response = await self._transport.handle_async_request(request)
        response.request = request
        body = b""
        try:
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) >= BODY_BYTES:
                    break
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, body[:BODY_BYTES])


def refusal(address: str, *, private: bool) -> str:
    """Why an address may not be called; empty where it may. One that stands for an IPv4 address is judged as that."""
    found = _meant(ipaddress.ip_address(address))
    if found.is_multicast or found.is_unspecified or any(found in each for each in _NEVER):
        return "which is never called: link-local, multicast, or where machines learn their credentials"
    if private or _public(found):
        return ""
    return "which is private; the operator may allow that by TIDEMARK_OUTBOUND_PRIVATE"


def _meant(address: Address) -> Address:
    """The IPv4 address behind one that is mapped, or translated by NAT64."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_V6:
        return False
    return address.is_global and not address.is_reserved and not any(address in each for each in _INSIDE)


def trust(roots_file: str) -> ssl.SSLContext:
    """By which servers of others are trusted: the public authorities, and those of a file."""
    context = ssl.create_default_context(cafile=certifi.where())
    if roots_file:
        try:
            context.load_verify_locations(roots_file)
        except OSError as error:
            raise BadSetting(
                f"TIDEMARK_OUTBOUND_ROOTS_FILE is {roots_file!r}; name a PEM file of authorities: {error}"
            ) from error
    return context


def _told(error: Exception) -> str:
    """What went wrong, in a line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
