"""The hash chain of the audit log. Pure: entries come in, hashes and faults go out to `audit.py`.

Each entry's hash covers the hash before it, so that no entry can be changed, removed or inserted without changing all that
follow; the head, kept apart, tells how many entries there must be.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

GENESIS = bytes(32)
"""The hash before the first entry."""
_TEXT_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing done or read; project 0 is the installation."""

    project_id: int
    occurred_at: datetime
    actor: str
    action: str
    resource: str
    peer: str
    outcome: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Fault:
    """The first place where a chain does not hold."""

    sequence: int
    explanation: str


def storable(text: str) -> str:
    """The text as PostgreSQL can keep it: no NUL, and of bounded length."""
    text = text.replace("\0", "\ufffd")
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"


def link(previous: bytes, sequence: int, entry: Entry) -> bytes:
    """The hash of an entry at its place in the chain."""
    digest = hashlib.sha256(previous)
    for text in (
        str(entry.project_id),
        str(sequence),
        entry.occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor,
        entry.action,
        entry.resource,
        entry.peer,
        entry.outcome,
        entry.request_id,
    ):
        data = text.encode()
        # The length in front keeps apart what would otherwise read the same: ("ab", "c") and ("a", "bc").
        digest.update(len(data).to_bytes(4) + data)
    return digest.digest()


class Verifier:
    """Walks along a chain in order and remembers nothing but its end."""

    def __init__(self) -> None:
        self.sequence = 0
        self._hash = GENESIS

    def add(self, sequence: int, entry: Entry, stored: bytes) -> Fault | None:
        """Checks the next entry."""
        expected = self.sequence + 1
        if sequence != expected:
            kind = "is missing" if sequence > expected else "is there twice"
            return Fault(min(sequence, expected), f"entry {min(sequence, expected)} {kind}")
        if link(self._hash, sequence, entry) != stored:
            return Fault(sequence, f"entry {sequence} or its hash was changed after it was written")
        self.sequence, self._hash = sequence, stored
        return None

    def finish(self, head_sequence: int, head_hash: bytes) -> Fault | None:
        """Checks that the chain ends where its head says."""
        if self.sequence < head_sequence:
            return Fault(
                self.sequence + 1,
                f"the last {head_sequence - self.sequence} entries are missing, as the head tells",
            )
        if self.sequence > head_sequence:
            return Fault(head_sequence + 1, f"the head tells of {head_sequence} entries and there are more")
        if self._hash != head_hash:
            return Fault(max(self.sequence, 1), "the head's hash is not that of the last entry")
        return None
