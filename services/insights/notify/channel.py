"""What a channel is, validated: a `Channel` of a request comes in, one in good order goes out to `store`. Pure."""

from services.kit import resource, target
from services.kit.errors import Invalid
from tidemark.v1.alert_pb2 import Channel
from tidemark.v1.insight_pb2 import SEVERITY_LOW, Severity


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
            found.webhook.CopyFrom(target.webhook(given.webhook, f"{at}.webhook"))
        case "email":
            found.email.CopyFrom(target.email(given.email, f"{at}.email"))
        case _:
            raise Invalid(f"{at}.webhook", "is empty, and so is email; give one of the two")
    return found
