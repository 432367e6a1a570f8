"""What a request of RetentionService says, once it is known to be well formed. Pure; raises `Invalid` naming the field.

Messages come in from `servicer.py`, plain values go back to it and on to the stores.
"""

import re

from services.ingest.retention.policy import DAYS, MAX_DAYS, Policy
from services.kit import resource
from services.kit.errors import Invalid
from tidemark.v1 import retention_pb2 as pb

MAX_USER_ID = 200


def parent_of(name: str, field: str) -> str:
    """The project whose retention `name` names."""
    match = re.fullmatch(f"(projects/{resource.ID})/retention", name)
    if match is None:
        raise Invalid(field, f"is {name[:100]!r}; write projects/{{project}}/retention")
    return match[1]


def policy(retention: pb.Retention) -> Policy:
    """How long data shall be kept."""
    for field in DAYS:
        days: int = getattr(retention, field)
        if not 0 <= days <= MAX_DAYS:
            raise Invalid(f"retention.{field}", f"is {days}; write 1 to {MAX_DAYS} days, or 0 for ever")
    return Policy(*(getattr(retention, field) for field in DAYS))


def user_id(text: str) -> str:
    """The person to remove."""
    if not 1 <= len(text) <= MAX_USER_ID or "\0" in text:
        raise Invalid(
            "user_id", f"has {len(text)} characters; give 1 to {MAX_USER_ID} and no NUL, as events have them"
        )
    return text
