"""What rules and schemas make of a batch: columns come in from `validate`, go through the project's rules, then its schemas, and out
to `entry`; what is refused goes back to the client, what is at fault stays in the batch, as it came, and says why.

A batch without anything to do costs a column of nulls. `trials` is the same for those who ask what would become of events. Pure.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.definitions.definition import Definition
from services.ingest.entry import QUALITY, with_faults
from services.ingest.rules.program import Applied, Failure
from services.ingest.schemas.check import Checked, Violation, check
from services.ingest.trial import messages, paths_that_differ
from tidemark.v1.event_pb2 import Event
from tidemark.v1.rule_pb2 import Judgement, RuleEffect, Trial
from tidemark.v1.schema_pb2 import ENFORCEMENT_DEAD_LETTER, ENFORCEMENT_REJECT

MAX_MESSAGE = 200
"""Characters of a message that are kept: an answer that rejects 10 000 rows must fit in one message."""
_CHECKED, _VIOLATIONS, _RULE_FAILURES, _DEAD_LETTERED, _REJECTED = range(len(QUALITY))


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that its schema refuses."""

    row: int
    field: str
    message: str


@dataclass(frozen=True)
class Judged:
    """What becomes of a batch."""

    rows: pa.RecordBatch
    """Columns of `columns.EVENTS_2`, in order and without the refused rows."""
    refused: list[Refused]
    dead_lettered: int
    """How many of the rows have a fault."""
    quality: dict[str, list[int]]
    """By name of event, the counts of `entry.QUALITY`; only names that have any."""
    versions: dict[str, int]
    """Version of the schema by which the events of each name were judged."""


@dataclass(frozen=True)
class _Course:
    """How a batch fared: what rules made of it, which rows they gave up, and what schemas said of the others."""

    applied: Applied
    given_up: dict[int, Failure]
    """The first failure of each row that a rule sets aside; no schema has seen these."""
    checked: Checked
    violations: dict[int, Violation]

    def faults(self) -> dict[int, tuple[str, str, str]]:
        """Reason, field and message for each row that becomes a dead letter."""
        of_rules = {
            row: ("RULE", each.field, each.message[:MAX_MESSAGE]) for row, each in self.given_up.items()
        }
        of_schemas = {
            row: ("SCHEMA", each.field, each.message[:MAX_MESSAGE])
            for row, each in self.violations.items()
            if each.enforcement == ENFORCEMENT_DEAD_LETTER
        }
        return of_rules | of_schemas

    def refused(self) -> list[Refused]:
        """The rows that their schema refuses, in order."""
        return [
            Refused(row, each.field, each.message[:MAX_MESSAGE])
            for row, each in sorted(self.violations.items())
            if each.enforcement == ENFORCEMENT_REJECT
        ]


def judge(rows: pa.RecordBatch, definition: Definition) -> Judged:
    """What becomes of `rows`, columns of `columns.EVENTS`."""
    if definition.rules is None and not definition.schemas:
        return Judged(with_faults(rows, {}), [], 0, {}, {})
    course = _course(rows, definition)
    faults, refused = course.faults(), course.refused()
    kept = with_faults(_as_they_came(rows, course.applied.rows, faults), faults)
    if refused:
        keep = np.ones(rows.num_rows, np.bool_)
        keep[[each.row for each in refused]] = False
        kept = kept.filter(pa.array(keep))
    quality = _quality(rows, course, faults, refused)
    return Judged(kept, refused, len(faults), quality, course.checked.versions)


def _course(rows: pa.RecordBatch, definition: Definition) -> _Course:
    applied = definition.rules.apply(rows) if definition.rules else Applied(rows, [], [])
    given_up: dict[int, Failure] = {}
    for failure in applied.failures:
        if failure.dead:
            given_up.setdefault(failure.row, failure)
    if not given_up:
        checked = check(definition.schemas, applied.rows)
        return _Course(applied, given_up, checked, {each.row: each for each in checked.violations})
    going_on = np.array([row for row in range(rows.num_rows) if row not in given_up], np.int64)
    checked = check(definition.schemas, applied.rows.take(pa.array(going_on)))
    return _Course(applied, given_up, checked, {int(going_on[each.row]): each for each in checked.violations})


def _as_they_came(came: pa.RecordBatch, applied: pa.RecordBatch, at_fault: Collection[int]) -> pa.RecordBatch:
    """Rows as rules made them, but those at fault as they came."""
    if not at_fault:
        return applied
    source: NDArray[np.int64] = np.arange(came.num_rows)
    source[list(at_fault)] += came.num_rows
    return pa.concat_batches([applied, came]).take(pa.array(source))


def _quality(
    rows: pa.RecordBatch,
    course: _Course,
    faults: Mapping[int, tuple[str, str, str]],
    refused: Sequence[Refused],
) -> dict[str, list[int]]:
    """Counts by name: by the one that rules have given, except of rows that they gave up."""
    counts: dict[str, list[int]] = {}

    def add(name: str, what: int, count: int = 1) -> None:
        counts.setdefault(name, [0] * len(QUALITY))[what] += count

    for name, checked in course.checked.checked.items():
        add(name, _CHECKED, checked)
    events = [
        *((row, _VIOLATIONS) for row in course.violations),
        *((failure.row, _RULE_FAILURES) for failure in course.applied.failures),
        *((row, _DEAD_LETTERED) for row in faults),
        *((each.row, _REJECTED) for each in refused),
    ]
    if events:
        came, made = rows["name"], course.applied.rows["name"]
        for row, what in events:
            add((came if row in course.given_up else made)[row].as_py(), what)
    return counts


def trials(rows: pa.RecordBatch, definition: Definition) -> tuple[list[Trial], list[RuleEffect]]:
    """What would become of each of `rows`, columns of `columns.EVENTS`, and what each rule would do to them."""
    course = _course(rows, definition)
    failed: dict[int, list[Failure]] = {}
    for failure in course.applied.failures:
        failed.setdefault(failure.row, []).append(failure)
    pairs = zip(messages(rows), messages(course.applied.rows))
    found = [
        _trial(before, after, course, row, failed.get(row, []), definition)
        for row, (before, after) in enumerate(pairs)
    ]
    return found, course.applied.effects


def _trial(
    before: Event, after: Event, course: _Course, row: int, failed: Sequence[Failure], definition: Definition
) -> Trial:
    violation, given_up = course.violations.get(row), course.given_up.get(row)
    at_fault = given_up or violation or (failed[0] if failed else None)
    judgement = Judgement(
        outcome=_outcome(violation, given_up, bool(failed)),
        field=at_fault.field if at_fault else "",
        message=at_fault.message[:MAX_MESSAGE] if at_fault else "",
        failed_rules=dict.fromkeys(each.rule_id for each in failed),
        schema_version=0 if given_up else course.checked.versions.get(after.name, 0),
        rules_version=definition.rules_version,
    )
    trial = Trial(before=before, judgement=judgement)
    if judgement.outcome in (Judgement.OUTCOME_STORED, Judgement.OUTCOME_WARNED):
        trial.after.CopyFrom(after)
        trial.changed_fields.extend(paths_that_differ(before, after))
    return trial


def _outcome(violation: Violation | None, given_up: Failure | None, failed: bool) -> Judgement.Outcome:
    if given_up or (violation and violation.enforcement == ENFORCEMENT_DEAD_LETTER):
        return Judgement.OUTCOME_DEAD_LETTERED
    if violation and violation.enforcement == ENFORCEMENT_REJECT:
        return Judgement.OUTCOME_REJECTED
    return Judgement.OUTCOME_WARNED if violation or failed else Judgement.OUTCOME_STORED
