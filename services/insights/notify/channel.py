"""What a channel is, validated: a `Channel` of a request comes in, one in good order goes out to `store`. Pure."""

import re

from services.kit import resource
from services.kit.errors import Invalid
from tidemark.v1.alert_pb2 import Channel
from tidemark.v1.insight_pb2 import SEVERITY_LOW, Severity

MAX_ADDRESSES, MAX_ADDRESS, MAX_URL = 20, 254, 2000
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


def read(given: Channel, at: str = "channel") -> Channel:
    """The channel of a request with what it left out; raises `Invalid`. Where a URL leads is another matter."""
    if given.least_severity not in Severity.values():
        raise Invalid(f"{at}.least_severity", f"is {given.least_severity}; give one, as in SEVERITY_HIGH")
    found = Channel(
        display_name=resource.display_name(given.display_name, f"{at}.display_name"),
        least_severity=given.least_severity or SEVERITY_LOW,
    )
    match given.WhichOneof("target"):
        case "webhook":
            url = given.webhook.url
            if not url or len(url) > MAX_URL or "\0" in url:
                raise Invalid(
                    f"{at}.webhook.url",
                    f"has {len(url)} characters; write 1 to {MAX_URL}, as in https://example.com/hook",
                )
            found.webhook.url = url
        case "email":
            found.email.to.extend(_addresses(given, f"{at}.email.to"))
        case _:
            raise Invalid(f"{at}.webhook", "is empty, and so is email; give one of the two")
    return found


def _addresses(given: Channel, at: str) -> list[str]:
    different = list(dict.fromkeys(given.email.to))
    if not 1 <= len(different) <= MAX_ADDRESSES:
        raise Invalid(at, f"has {len(different)} addresses; give 1 to {MAX_ADDRESSES}")
    for i, address in enumerate(different):
        if len(address) > MAX_ADDRESS or not _ADDRESS.fullmatch(address):
            raise Invalid(f"{at}[{i}]", f"is {address[:100]!r}; write an address, as in ann@example.com")
    return different
