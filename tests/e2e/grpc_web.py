"""gRPC-Web as a browser speaks it, for tests: messages and trailers in the body of an answer to a POST."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)

_TRAILERS = 0x80


@dataclass
class Answer:
    """What has come: messages as bytes one after the other, then the trailers."""

    response: httpx.Response
    trailers: dict[str, str]

    def messages(self, kind: type[M]) -> Iterator[M]:
        """The messages as they come; the trailers are there when they end."""
        for flags, data in _frames(self.response.iter_raw()):
            if flags & _TRAILERS:
                lines = (line.partition(":") for line in data.decode().splitlines() if line)
                self.trailers |= {name.strip(): value.strip() for name, _, value in lines}
            else:
                yield kind.FromString(data)


@contextmanager
def calling(
    client: httpx.Client, method: str, request: Message, headers: dict[str, str] | None = None
) -> Iterator[Answer]:
    """Calls `tidemark.v1.<method>`."""
    data = request.SerializeToString()
    ours = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1", **(headers or {})}
    body = b"\0" + len(data).to_bytes(4) + data
    with client.stream("POST", f"/tidemark.v1.{method}", content=body, headers=ours) as response:
        # An answer without a message has its trailers among the headers.
        yield Answer(response, {k: v for k, v in response.headers.items() if k.startswith("grpc-")})


def call(
    client: httpx.Client, method: str, request: Message, kind: type[M], **more: Any
) -> tuple[M | None, dict[str, str]]:
    """The only message of an answer, and its trailers."""
    with calling(client, method, request, **more) as answer:
        messages = list(answer.messages(kind))
    return messages[0] if messages else None, answer.trailers


def _frames(parts: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    held = b""
    for part in parts:
        held += part
        while len(held) >= 5 and len(held) >= 5 + (size := int.from_bytes(held[1:5])):
            yield held[0], held[5 : 5 + size]
            held = held[5 + size :]
