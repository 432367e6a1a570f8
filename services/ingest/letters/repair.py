"""Dead letters on their way back: letters come in from `worker`, are patched and judged, and go out as rows or as faults; of rows
that may be stored, entries of the log are made.

A letter that a schema or rule made is an event as it came, and goes through the present rules. One that the database refused has
been through them already, as a rule that hashes must not be applied twice; it goes through patches and schemas alone. Pure.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import orjson
import pyarrow as pa

from services.ingest import trial
from services.ingest.entry import Header
from services.ingest.judgement import judge, trials
from services.ingest.letters import content
from services.ingest.letters.content import Row, Unreadable
from services.ingest.letters.record import Letter
from services.ingest.letters.request import Plan
from services.kit.instant import us_of
from tidemark.v1.rule_pb2 import Trial

MINUTE_US = 60_000_000
_PAST_RULES = ("UNSTORABLE", "POISON")


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open letter, and what of its batch a repair needs."""

    letter: Letter
    epoch: int
    rules_version: int
    """Which rules the batch has been through."""
    twin: bool
    """Whether another open letter is about the same event."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a letter stays a letter."""

    letter: Letter
    reason: str
    field: str
    message: str


@dataclass(frozen=True)
class Mended:
    """Letters without a fault, of one kind."""

    kind: str
    past_rules: bool
    """Whether the rules were applied before they became letters."""
    waiting: list[Waiting]
    came: pa.RecordBatch
    """Their rows as they came."""
    rows: pa.RecordBatch
    """Their rows as they would be stored."""
    rules: list[int]
    """Which rules each has been through."""
    schemas: Mapping[str, int]
    """Version of the schema by which the events of each name were judged."""

    def without(self, rows: Collection[int]) -> "Mended":
        """All of it but these rows."""
        return self.take([row for row in range(len(self.waiting)) if row not in rows]) if rows else self

    def of(self, rows: pa.RecordBatch) -> "Mended":
        """The same letters with other rows."""
        return replace(self, rows=rows)

    def take(self, rows: Sequence[int]) -> "Mended":
        """These rows of it."""
        places = pa.array(rows, pa.int64())
        return replace(
            self,
            waiting=[self.waiting[row] for row in rows],
            came=self.came.take(places),
            rows=self.rows.take(places),
            rules=[self.rules[row] for row in rows],
        )


def mend(letters: Sequence[Waiting], plan: Plan) -> tuple[list[Mended], list[Fault]]:
    """What patches, rules and schemas make of letters: those that may be stored, and why the others may not."""
    corrupt = [each.letter for each in letters if each.letter.reason == "CORRUPT"]
    faults = [
        Fault(each, each.reason, each.field, f"{each.message}; its bytes cannot be repaired: discard it")
        for each in corrupt
    ]
    whole = [each for each in letters if each.letter.reason != "CORRUPT"]
    points = [each for each in whole if each.letter.kind == "points"]
    events = [each for each in whole if each.letter.kind != "points"]
    past = [each for each in events if each.letter.reason in _PAST_RULES]
    fresh = [each for each in events if each.letter.reason not in _PAST_RULES]
    mended = [
        _points(points, faults),
        _events(fresh, plan, faults, past=False),
        _events(past, _past_rules(plan), faults, past=True),
    ]
    return [each for each in mended if each.waiting], faults


def entries(mended: Mended) -> Iterator[tuple[Header, pa.RecordBatch]]:
    """The entries that bring letters back: one for each producer, epoch and minute of receipt, and the rules they have been through."""
    groups: defaultdict[tuple[str, int, int, int], list[int]] = defaultdict(list)
    for row, (each, rules) in enumerate(zip(mended.waiting, mended.rules)):
        minute = us_of(each.letter.received_at) // MINUTE_US
        groups[each.letter.producer_id, each.epoch, minute, rules].append(row)
    for (producer_id, epoch, _, rules), places in groups.items():
        part = mended.take(places)
        names = set(part.rows["name"].to_pylist()) if mended.kind == "events" else set()
        header = Header(
            kind=mended.kind,
            project_id=0,
            producer_id=producer_id,
            epoch=epoch,
            sequence=0,
            sent_us=0,
            received_us=us_of(part.waiting[0].letter.received_at),
            accepted=len(places),
            rejected=0,
            source="repair",
            rules=rules,
            schemas={name: version for name, version in mended.schemas.items() if name in names},
            repairs=[each.letter.dead_letter_id for each in part.waiting],
        )
        yield header, part.rows


def shown(mended: Mended, plan: Plan) -> list[Trial]:
    """Mended events as they came and as they would be stored."""
    if mended.kind != "events" or not mended.waiting:
        return []
    patched = plan.patches.apply(mended.came).rows if plan.patches else mended.came
    found, _ = trials(patched, (_past_rules(plan) if mended.past_rules else plan).definition)
    for each, came in zip(found, trial.messages(mended.came)):
        each.before.CopyFrom(came)
        del each.changed_fields[:]
        each.changed_fields.extend(trial.paths_that_differ(came, each.after))
    return found


def _past_rules(plan: Plan) -> Plan:
    return replace(plan, definition=replace(plan.definition, rules=None, rules_version=0))


def _points(letters: Sequence[Waiting], faults: list[Fault]) -> Mended:
    rows, waiting = _read(letters, content.point, faults)
    columns = content.points(rows)
    return Mended("points", True, waiting, columns, columns, [0] * len(rows), {})


def _events(letters: Sequence[Waiting], plan: Plan, faults: list[Fault], *, past: bool) -> Mended:
    rows, waiting = _read(letters, content.event, faults)
    came = patched = content.events(rows)
    if plan.patches:
        applied = plan.patches.apply(came)
        given_up = {each.row: each for each in reversed(applied.failures) if each.dead}
        for row, failure in sorted(given_up.items()):
            faults.append(Fault(waiting[row].letter, "RULE", failure.field, failure.message))
        left = [row for row in range(len(waiting)) if row not in given_up]
        waiting = [waiting[row] for row in left]
        came, patched = came.take(pa.array(left, pa.int64())), applied.rows.take(pa.array(left, pa.int64()))
    judged = judge(patched, plan.definition)
    refused = {each.row: each for each in judged.refused}
    for row, each in refused.items():
        faults.append(Fault(waiting[row].letter, "SCHEMA", each.field, each.message))
    left = [row for row in range(len(waiting)) if row not in refused]
    good = judged.rows["fault"].is_null().to_numpy(zero_copy_only=False)
    for place in np.flatnonzero(~good).tolist():
        fault = orjson.loads(judged.rows["fault"][place].as_py())
        faults.append(Fault(waiting[left[place]].letter, fault["reason"], fault["field"], fault["message"]))
    kept = [row for row, fine in zip(left, good.tolist()) if fine]
    return Mended(
        "events",
        past,
        [waiting[row] for row in kept],
        came.take(pa.array(kept, pa.int64())),
        judged.rows.filter(pa.array(good)),
        [waiting[row].rules_version if past else plan.definition.rules_version for row in kept],
        judged.versions,
    )


def _read(
    letters: Sequence[Waiting], read: Callable[[bytes], Row], faults: list[Fault]
) -> tuple[list[Row], list[Waiting]]:
    """The rows of letters, and the letters that have one."""
    rows, waiting = [], []
    for each in letters:
        try:
            rows.append(read(each.letter.content))
            waiting.append(each)
        except Unreadable as error:
            faults.append(Fault(each.letter, each.letter.reason, each.letter.field, str(error)))
    return rows, waiting
