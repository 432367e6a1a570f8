"""What a request of DeadLetterService says, once it is known to be well formed. Pure; raises `Invalid` naming the field.

Messages come in from `servicer.py`, plain values go back to it and on to `store.py` and `worker.py`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from services.ingest.definitions.definition import Definition
from services.ingest.letters.record import reason_text
from services.ingest.rules.program import Program, compile_rules
from services.ingest.schemas.check import compile_schema
from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.kit.period import span
from services.kit.resource import ID
from tidemark.v1 import letter_pb2 as pb
from tidemark.v1.rule_pb2 import Rule, Rules

MAX_NAMES = 1000
MAX_PATCHES = 20
MAX_TEXT = 200
OPEN, REPAIRED, DISCARDED = (
    pb.DEAD_LETTER_STATE_OPEN,
    pb.DEAD_LETTER_STATE_REPAIRED,
    pb.DEAD_LETTER_STATE_DISCARDED,
)
_NAME = re.compile(rf"(projects/{ID})/deadLetters/([1-9][0-9]{{0,17}})\Z")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters are meant; what is empty or None limits nothing."""

    ids: tuple[int, ...] = ()
    signature: str = ""
    reason: str = ""
    event_name: str = ""
    received: Span | None = None
    state: int = OPEN

    @property
    def limited(self) -> bool:
        """Whether it means anything less than all open letters."""
        return self != Selection()


@dataclass(frozen=True, slots=True)
class Plan:
    """How letters are to be repaired."""

    patches: Program | None
    definition: Definition
    validate_only: bool


def selection(given: pb.DeadLetterSelection, project: str, zone: str, now: datetime) -> Selection:
    """Which letters of a project are meant."""
    return Selection(
        ids=_ids(given.names, project),
        signature=_text(given.signature, "selection.signature"),
        reason=_reason(given.reason),
        event_name=_text(given.event_name, "selection.event_name"),
        received=(
            span(given.time_range, ZoneInfo(zone), now, "selection.time_range")
            if given.HasField("time_range")
            else None
        ),
        state=_state(given.state),
    )


def open_selection(given: pb.DeadLetterSelection, project: str, zone: str, now: datetime) -> Selection:
    """Which open letters are meant: no other can be settled."""
    found = selection(given, project, zone, now)
    if found.state != OPEN:
        raise Invalid("selection.state", f"is {given.state}; only open letters can be settled: leave it out")
    return found


def some_selection(given: pb.DeadLetterSelection, project: str, zone: str, now: datetime) -> Selection:
    """Which open letters are meant, where that must not be all of them."""
    found = open_selection(given, project, zone, now)
    if not found.limited:
        raise Invalid("selection", "selects nothing in particular; give names, a signature or another limit")
    return found


def plan(request: pb.RepairDeadLettersRequest, present: Definition, hash_key: bytes) -> Plan:
    """How letters are to be repaired in a project with this definition."""
    if not request.validate_only:
        for field in ("draft_rules", "draft_schemas"):
            if request.HasField(field) if field == "draft_rules" else request.draft_schemas:
                raise Invalid(field, "is tried with validate_only; save it before the repair")
    definition = present
    if request.HasField("draft_rules"):
        drafted = compile_rules(request.draft_rules, hash_key, "draft_rules")
        rules = drafted if request.draft_rules.rules else None
        definition = replace(definition, rules=rules, rules_version=0)
    if request.draft_schemas:
        drafts = {
            draft.event_name: compile_schema(draft, f"draft_schemas[{place}]")
            for place, draft in enumerate(request.draft_schemas)
        }
        definition = replace(definition, schemas={**definition.schemas, **drafts})
    return Plan(_patches(request.patches, hash_key), definition, request.validate_only)


def _patches(given: Iterable[Rule], hash_key: bytes) -> Program | None:
    patches = [Rule.FromString(each.SerializeToString()) for each in given]
    if len(patches) > MAX_PATCHES:
        raise Invalid("patches", f"has {len(patches)}; give at most {MAX_PATCHES}")
    taken = {patch.rule_id for patch in patches}
    for place, patch in enumerate(patches):
        if patch.HasField("sessionize"):
            raise Invalid(f"patches[{place}].sessionize", "needs events in order; make it a rule")
        if not patch.rule_id:
            patch.rule_id = next(name for name in _patch_names(place) if name not in taken)
            taken.add(patch.rule_id)
    if not patches:
        return None
    try:
        return compile_rules(Rules(rules=patches), hash_key, "patches")
    except Invalid as error:
        raise Invalid(error.field.replace("patches.rules", "patches", 1), error.description) from error


def _patch_names(place: int) -> Iterable[str]:
    yield f"patch-{place + 1}"
    yield from (f"patch-{place + 1}-{again}" for again in range(2, MAX_PATCHES + 3))


def _ids(names: Iterable[str], project: str) -> tuple[int, ...]:
    found = []
    for place, name in enumerate(names):
        field = f"selection.names[{place}]"
        if place == MAX_NAMES:
            raise Invalid("selection.names", f"has more than {MAX_NAMES}; select them by another limit")
        match = _NAME.match(name)
        if match is None or match[1] != project:
            raise Invalid(field, f"is {name[:100]!r}; write {project}/deadLetters/{{number}}")
        found.append(int(match[2]))
    return tuple(found)


def _text(text: str, field: str) -> str:
    if len(text) > MAX_TEXT or "\0" in text:
        raise Invalid(field, f"is {text[:50]!r}; write at most {MAX_TEXT} characters and no NUL")
    return text


def _reason(number: int) -> str:
    try:
        return reason_text(number) if number else ""
    except ValueError as error:
        raise Invalid("selection.reason", f"is {number}; write a reason, as in SCHEMA") from error


def _state(number: int) -> int:
    if number not in pb.DeadLetterState.values():
        raise Invalid("selection.state", f"is {number}; write OPEN, REPAIRED or DISCARDED")
    return number or OPEN
