"""Signs webhooks by Standard Webhooks 1.0 (https://www.standardwebhooks.com): HMAC-SHA256 of id, time and body. Pure.

The secret of a channel is made of a seed, which the database holds, and of a key, which only the settings hold.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

SEED_BYTES = 32
_PREFIX = "whsec_"


def secret(key: str, seed: bytes) -> bytes:
    """The 32 bytes that sign what goes to a channel."""
    return hmac.digest(hashlib.sha256(b"tidemark webhook\0" + key.encode()).digest(), seed, hashlib.sha256)


def shown(secret: bytes) -> str:
    """A secret as receivers are told it: `whsec_` and base64."""
    return _PREFIX + base64.b64encode(secret).decode()


def headers(secrets: Sequence[bytes], message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers of a message that is sent at `seconds` since 1970: whoever knows one of the secrets can check it."""
    signed = f"{message_id}.{seconds}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(each, signed, hashlib.sha256)).decode() for each in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{each}" for each in signatures),
        "content-type": "application/json",
    }
