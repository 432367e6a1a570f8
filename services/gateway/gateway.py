"""The HTTP that browsers and SDKs of others speak: `/session` to sign in and out, `/healthz`, the lanes, and on every other path the page.

A request comes in through the edge; `identity.Directory` knows keys and sessions, `Store` counts and records, `Source` has the
page, and `Lanes` has what goes on to ingest. Errors are a `google.rpc.Status` in JSON, as those of the REST API are.
"""

import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.gateway.answer import HEADERS, TRANSPORT, cookie, problem
from services.gateway.lanes.gateway import KINDS, Lanes
from services.gateway.page import found
from services.gateway.source import Source
from services.gateway.store import Store
from services.kit import edge, metrics
from services.kit.access import authorise
from services.kit.errors import Denied, Error, Exhausted, Invalid, NotFound, Unauthenticated
from services.kit.failure import shown
from services.kit.identity import Directory, Key
from services.kit.rpc import request_id
from services.kit.service import Resources
from services.kit.session import COOKIE, Session, Sessions, token_of
from tidemark.v1.access_pb2 import PERMISSION_READ
from tidemark.v1.admin_pb2 import Role

BODY_LIMIT = 4096


class Gateway:
    """The application."""

    def __init__(self, resources: Resources) -> None:
        self._settings = settings = resources.settings
        self._draining = resources.draining
        self._directory = Directory(resources.pool, resources.redis)
        self._sessions = Sessions(resources.redis)
        self._store = Store(resources.pool, resources.redis, settings.sign_in_attempts)
        self._source = Source(settings.web_folder)
        self._lanes = Lanes(settings, self._directory)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - everything that can happen has an answer
            response = _problem(shown(error))
        response.headers.update(HEADERS | (TRANSPORT if self._origin(request).startswith("https:") else {}))
        response.headers.setdefault("cache-control", "no-store")
        metrics.GATEWAY_REQUESTS.labels(_kind(request.url.path), response.status_code).inc()
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        match request.method, request.url.path:
            case "POST", "/session":
                return await self._sign_in(request)
            case "GET", "/session":
                session, key = await self._session(request)
                key.check()
                return _described(session, key)
            case "DELETE", "/session":
                return await self._sign_out(request)
            case _, "/session":
                return Response(status_code=405, headers={"allow": "GET, POST, DELETE"})
            case "GET" | "HEAD", "/healthz":
                return Response(status_code=503 if self._draining.is_set() else 200)
            case _, path if path in KINDS:
                return await self._lanes.answer(request)
            case "GET" | "HEAD", path:
                return await self._file(request, path)
            case _:
                return Response(status_code=405, headers={"allow": "GET, HEAD"})

    async def _sign_in(self, request: Request) -> Response:
        """Exchanges a key for a session."""
        self._require_same_origin(request)
        attempt = await self._store.attempt(self._peer(request))
        key = await self._directory.key(await _secret(request))
        try:
            key.check()
            authorise(PERMISSION_READ, key.caller)
        except Error as error:
            await self._record(request, key, "sign-in", error.code.name)
            raise
        await self._record(request, key, "sign-in", "OK")
        await self._store.forgive(attempt)
        now, settings = int(time.time()), self._settings
        ends_at = now + settings.session_seconds
        if key.expires_at is not None:
            ends_at = min(ends_at, int(key.expires_at.timestamp()))
        token, session = await self._sessions.open(key.caller.key_id, ends_at, settings.session_idle_seconds)
        return self._with_cookie(request, _described(session, key), token, ends_at - now)

    async def _sign_out(self, request: Request) -> Response:
        """Ends the session; one that has ended already is no error."""
        self._require_same_origin(request)
        try:
            session, key = await self._session(request)
        except Unauthenticated:
            pass
        else:
            await self._sessions.end(session.digest)
            await self._record(request, key, "sign-out", "OK")
        return self._with_cookie(request, Response(status_code=204), "", 0)

    async def _session(self, request: Request) -> tuple[Session, Key]:
        token = token_of(request.headers.items())
        if not token:
            raise Unauthenticated("nobody is signed in", reason="SESSION_MISSING")
        return await self._directory.session(token)

    async def _file(self, request: Request, path: str) -> Response:
        """A file of the page, or the page itself for the places within it."""
        file = found(await self._source.page(), path, "text/html" in request.headers.get("accept", ""))
        if file is None:
            raise NotFound(f"there is no {path[:200]}")
        headers = {"cache-control": file.caching, "etag": file.etag, "vary": "accept-encoding"}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        if file.zipped and "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(file.zipped, headers=headers, media_type=file.media_type)
        return Response(file.body, headers=headers, media_type=file.media_type)

    async def _record(self, request: Request, key: Key, action: str, outcome: str) -> None:
        named = request_id(request.headers.get("x-request-id"))
        await self._store.record(key.caller, action, outcome, self._peer(request), named)

    def _require_same_origin(self, request: Request) -> None:
        """Raises `Denied` for what a page of another origin has sent."""
        given = request.headers.get("origin", self._origin(request))
        site = request.headers.get("sec-fetch-site", "same-origin")
        if given != self._origin(request) or site != "same-origin":
            raise Denied(f"pages of {given[:200]} may not do this", reason="OTHER_ORIGIN")

    def _origin(self, request: Request) -> str:
        """Where the browser has found us."""
        if self._settings.edge_url:
            url = urlsplit(self._settings.edge_url)
            return f"{url.scheme}://{url.netloc}"
        told = edge.told(request.headers.items(), self._settings.edge_secrets)
        scheme = told.get(edge.SCHEME_HEADER) or request.url.scheme
        return f"{scheme}://{request.headers.get('host', '')}"

    def _peer(self, request: Request) -> str:
        direct = request.client.host if request.client else ""
        return edge.peer(request.headers.items(), self._settings.edge_secrets, direct)

    def _with_cookie(self, request: Request, response: Response, token: str, seconds: int) -> Response:
        secure = self._origin(request).startswith("https:")
        response.headers["set-cookie"] = cookie(COOKIE, token, seconds, secure)
        return response


async def _secret(request: Request) -> str:
    """The key in the body of a request."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Invalid("content-type", "must be application/json")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT:
            raise Invalid("body", f"is larger than {BODY_LIMIT} bytes")
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict) or not isinstance(given.get("key"), str):
        raise Invalid("key", 'is missing; write {"key": "tmk_…"}')
    return str(given["key"]).strip()


def _described(session: Session, key: Key) -> Response:
    """What the page shows of a session."""
    ends_at = datetime.fromtimestamp(session.ends_at, UTC)
    told = {
        "project": f"projects/{key.caller.project_slug or '-'}",
        "role": Role.Name(key.caller.role).removeprefix("ROLE_").lower(),
        "key": key.caller.name,
        "display_name": key.display_name,
        "expires_at": f"{ends_at:%Y-%m-%dT%H:%M:%SZ}",
    }
    return Response(orjson.dumps(told), media_type="application/json")


def _problem(error: Error) -> Response:
    status, body = problem(error)
    headers = {"retry-after": str(int(error.retry_after) + 1)} if isinstance(error, Exhausted) else {}
    return Response(orjson.dumps(body), status, headers, media_type="application/json")


def _kind(path: str) -> str:
    return path[1:] if path in ("/session", "/healthz") else KINDS.get(path, "page")
