"""Actions that keep personal data out of what is stored: hashes and masks. Pure.

What is no text is hashed and covered as its JSON: a rule that failed on a number where a text was expected would let it through.
"""

import hmac
from collections.abc import Callable, Sequence

from services.ingest.rules.path import Json, writable
from services.ingest.rules.table import Table
from services.ingest.rules.values import text_of
from services.kit.errors import Invalid
from tidemark.v1.rule_pb2 import HashField, MaskField

MOST_KEPT = 1000

Action = Callable[[Table, Sequence[int]], None]


def hash_field(message: HashField, at: str, hash_key: bytes) -> Action:
    """Replaces a text by its HMAC."""
    path = writable(message.field, f"{at}.field")

    def to(value: Json) -> str:
        return hmac.digest(hash_key, text_of(value).encode(), "sha256").hex()

    return lambda table, rows: table.change(path, rows, to)


def mask_field(message: MaskField, at: str, _: bytes) -> Action:
    """Covers the characters of a text."""
    path = writable(message.field, f"{at}.field")
    first, last = message.keep_first, message.keep_last
    for name, kept in (("keep_first", first), ("keep_last", last)):
        if not 0 <= kept <= MOST_KEPT:
            raise Invalid(f"{at}.{name}", f"is {kept}; write 0 to {MOST_KEPT}")

    def to(value: Json) -> str:
        text = text_of(value)
        covered = len(text) - first - last
        if covered <= 0:
            return "*" * len(text)
        return text[:first] + "*" * covered + text[len(text) - last :]

    return lambda table, rows: table.change(path, rows, to)
