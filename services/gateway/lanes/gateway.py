"""The HTTP of the lanes: a POST of an SDK comes in, is let in by its key, and goes by `otlp` or `segment` and `source` to ingest.

What ingest says goes back in the form of the request. The key is looked at here so that no stranger's body is read; what it may do
is for ingest to say, which records it.
"""

import asyncio
import base64
import binascii
import time
import uuid

from google.rpc.status_pb2 import Status
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from services.gateway.answer import http_status
from services.gateway.lanes import otlp, segment
from services.gateway.lanes.body import TooLarge, plain
from services.gateway.lanes.source import Ingest, Refused
from services.kit import edge, tracing
from services.kit.errors import Error, Exhausted, Unauthenticated, Unavailable
from services.kit.failure import shown
from services.kit.identity import Directory
from services.kit.rpc import request_id
from services.kit.settings import Settings
from tidemark.v1.ingest_pb2 import PublishBatchResponse

KINDS = dict.fromkeys(otlp.SIGNALS, "otlp") | dict.fromkeys(segment.PATHS, "segment")
"""Every path of a lane, and whose it is."""
_LARGE = 64 << 10
"""Bytes of JSON that are read in a thread: they take longer than other callers shall wait."""


class Lanes:
    """What answers below `/v1/` that the contract does not have."""

    def __init__(self, settings: Settings, directory: Directory) -> None:
        self._settings = settings
        self._directory = directory
        self._ingest = Ingest(settings)

    async def answer(self, request: Request) -> Response:
        """The answer to a request for one of the paths in `KINDS`."""
        if request.method != "POST":
            return Response(status_code=405, headers={"allow": "POST"})
        path = request.url.path
        about = {"http.request.method": "POST", "http.route": path}
        with tracing.entering(f"POST {path}", request.headers.get("traceparent"), about) as span:
            answer = await self._answered(request, otlp.SIGNALS.get(path))
            if span:
                span.set_attribute("http.response.status_code", answer.status_code)
            return answer

    async def _answered(self, request: Request, signal: otlp.Signal | None) -> Response:
        form = otlp.JSON
        try:
            key = await self._key(request)
            if signal is None:
                answer = await self._segment(request, key)
            else:
                form = otlp.form(request.headers.get("content-type", ""))
                answer = await self._otlp(request, key, signal, form)
            return Response(answer, media_type=form)
        except Refused as refused:
            return _problem(refused.status, form, refused.retry_after)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - everything that can happen has an answer, in the form of the request
            return _of_error(shown(error), form)

    async def _otlp(self, request: Request, key: str, signal: otlp.Signal, form: str) -> bytes:
        body = await self._body(request, self._settings.max_message_bytes)
        if form == otlp.JSON and len(body) > _LARGE:
            message = await asyncio.to_thread(otlp.request, signal, body, form)
        else:
            message = otlp.request(signal, body, form)
        return otlp.answer(signal, await self._call(request, signal.rpc, message, key), form)

    async def _segment(self, request: Request, key: str) -> bytes:
        body = await self._body(request, segment.MAX_BODY)
        calls = segment.read(request.url.path, body, time.time_ns() // 1000, uuid.uuid4().bytes)
        response = PublishBatchResponse()
        if calls.places:
            message = calls.request.SerializeToString()
            response.ParseFromString(await self._call(request, segment.RPC, message, key))
        return segment.answer(calls, response)

    async def _call(self, request: Request, rpc: str, message: bytes, key: str) -> bytes:
        named = request_id(request.headers.get("x-request-id"))
        direct = request.client.host if request.client else ""
        peer = edge.peer(request.headers.items(), self._settings.edge_secrets, direct)
        return await self._ingest.call(rpc, message, key, named, peer)

    async def _key(self, request: Request) -> str:
        """The secret that a request shows; raises `Unauthenticated` unless it is that of a good key."""
        secret = _secret(request.headers.get("authorization", ""))
        (await self._directory.key(secret)).check()
        return secret

    async def _body(self, request: Request, limit: int) -> bytes:
        """The body as it was before it was compressed."""
        read = bytearray()
        async for part in request.stream():
            read += part
            if len(read) > limit:
                raise TooLarge(limit)
        return plain(bytes(read), request.headers.get("content-encoding", "").strip().lower(), limit)


def _secret(authorization: str) -> str:
    """The key in a header: by itself behind `Bearer`, or as the user name behind `Basic`."""
    scheme, _, given = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return given.strip()
        case "basic":
            try:
                return base64.b64decode(given.strip(), validate=True).partition(b":")[0].decode()
            except (binascii.Error, UnicodeDecodeError):
                pass
    raise Unauthenticated(
        "no valid key: send it as authorization: Bearer <key>, or as the user name of Basic"
    )


def _of_error(error: Error, form: str) -> Response:
    retry_after = int(error.retry_after) + 1 if isinstance(error, Exhausted) else None
    if isinstance(error, Unavailable):
        retry_after = 1
    return _problem(error.status(), form, retry_after, getattr(error, "http", None))


def _problem(status: Status, form: str, retry_after: int | None, http: int | None = None) -> Response:
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return Response(otlp.problem(status, form), http or http_status(status.code), headers, media_type=form)
