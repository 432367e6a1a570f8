"""Where people are told: the web servers and mail boxes that requests give, validated. Pure; raises `Invalid` naming the field.

Whether a URL leads somewhere that may be called is another matter (`outbound.py`).
"""

import re

from services.kit.errors import Invalid
from tidemark.v1.alert_pb2 import EmailTarget, WebhookTarget

MAX_ADDRESSES, MAX_ADDRESS, MAX_URL = 20, 254, 2000
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


def webhook(given: WebhookTarget, at: str) -> WebhookTarget:
    """A web server."""
    url = given.url
    if not url or len(url) > MAX_URL or "\0" in url:
        raise Invalid(
            f"{at}.url", f"has {len(url)} characters; write 1 to {MAX_URL}, as in https://example.com/hook"
        )
    return WebhookTarget(url=url)


def email(given: EmailTarget, at: str) -> EmailTarget:
    """Mail boxes, each once."""
    different = list(dict.fromkeys(given.to))
    if not 1 <= len(different) <= MAX_ADDRESSES:
        raise Invalid(f"{at}.to", f"has {len(different)} addresses; give 1 to {MAX_ADDRESSES}")
    for i, address in enumerate(different):
        if len(address) > MAX_ADDRESS or not _ADDRESS.fullmatch(address):
            raise Invalid(f"{at}.to[{i}]", f"is {address[:100]!r}; write an address, as in ann@example.com")
    return EmailTarget(to=different)
