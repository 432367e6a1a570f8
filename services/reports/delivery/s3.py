"""How an object is put into a store like S3: a target and a file come in, a URL and signed headers go out to `writer`. Pure.

The signature is AWS's fourth. It covers the SHA-256 of the content, which an edition knows of its files, so that the content can be
streamed, and a store keeps nothing that was changed on the way.
"""

from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tidemark.v1.delivery_pb2 import S3Target

_TIMESTAMP = "%Y%m%dT%H%M%SZ"


def address(target: S3Target, key: str) -> str:
    """The URL of an object, with the bucket in its path: that every store understands."""
    return f"{target.endpoint}/{target.bucket}/{quote(target.prefix + key, safe='/-_.~')}"


def headers(
    target: S3Target, secret: str, key: str, *, sha256: str, size: int, content_type: str, now: datetime
) -> dict[str, str]:
    """The headers that put an object of this content."""
    signed = {
        "Content-Type": content_type,
        "Host": urlsplit(target.endpoint).netloc,
        "X-Amz-Content-SHA256": sha256,
        "X-Amz-Date": now.astimezone(UTC).strftime(_TIMESTAMP),
    }
    request = AWSRequest("PUT", address(target, key), signed)
    request.context["timestamp"] = signed["X-Amz-Date"]
    auth = S3SigV4Auth(Credentials(target.access_key_id, secret), "s3", target.region)
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    names = auth.signed_headers(auth.headers_to_sign(request))
    return signed | {
        "Content-Length": str(size),
        "Authorization": f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={names}, Signature={signature}",
    }
