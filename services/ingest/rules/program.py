"""A project's rules, compiled: the list comes in from `definitions` or from a request, and is applied to batches by `judgement`.

Rules are applied one after the other, each to all rows of a batch. Pure.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa

from services.ingest.rules import casts, fields, privacy, tables, web
from services.ingest.rules.expression import Expression
from services.ingest.rules.path import Fault
from services.ingest.rules.table import Table
from services.kit.errors import Invalid
from tidemark.v1.rule_pb2 import Rule, RuleEffect, Rules

MAX_RULES = 100
MAX_BYTES = 1 << 20
MAX_NAMES = 100
MAX_DESCRIPTION = 1000
INACTIVITY = timedelta(minutes=30)
LONGEST_INACTIVITY = timedelta(days=1)
_ID = re.compile(r"[a-z][a-z0-9-]{0,39}")

Action = Callable[[Table, Sequence[int]], None]
"""Changes some rows of a table, and tells the table on which of them it fails."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that has failed on a row."""

    row: int
    rule_id: str
    field: str
    message: str
    dead: bool
    """Whether the row becomes a dead letter; else it goes on as it was before the rule."""


@dataclass(frozen=True)
class Applied:
    """What rules have made of a batch."""

    rows: pa.RecordBatch
    """All of them, in order."""
    failures: list[Failure]
    effects: list[RuleEffect]
    """One for each rule that is not disabled, but for the one that gives sessions."""


@dataclass(frozen=True)
class _Step:
    """A rule."""

    rule_id: str
    names: frozenset[str]
    when: Expression | None
    action: Action
    dead: bool


@dataclass(frozen=True)
class Program:
    """The rules of a project."""

    steps: Sequence[_Step]
    sessionize: timedelta | None
    """After how long without an event a session ends; None where no rule gives sessions."""

    def apply(self, rows: pa.RecordBatch) -> Applied:
        """What the rules make of `rows`, columns of `columns.EVENTS`; sessions excepted."""
        table = Table(rows)
        failures: list[Failure] = []
        effects: list[RuleEffect] = []
        going_on = list(range(len(table)))
        for step in self.steps:
            taken = going_on
            if step.names:
                names = table.texts("name")
                taken = [row for row in going_on if names[row] in step.names]
            met = taken if step.when is None else step.when.true(table, taken)
            step.action(table, met)
            changed, failed = table.turn()
            effects.append(_effect(step, met, changed, failed))
            for row, fault in failed.items():
                failures.append(Failure(row, step.rule_id, fault.field, fault.message, step.dead))
            if failed and step.dead:
                going_on = [row for row in going_on if row not in failed]
        return Applied(table.finish(), failures, effects)


def compile_rules(rules: Rules, hash_key: bytes, at: str = "rules") -> Program:
    """The program of these rules, which hash under `hash_key`; raises `Invalid` naming the rule and its field, within the field `at`."""
    if len(rules.rules) > MAX_RULES:
        raise Invalid(f"{at}.rules", f"has {len(rules.rules)} rules; write at most {MAX_RULES}")
    if (size := rules.ByteSize()) > MAX_BYTES:
        raise Invalid(f"{at}.rules", f"has {size} bytes; write at most {MAX_BYTES}")
    steps: list[_Step] = []
    inactivity: timedelta | None = None
    given: dict[str, str] = {}
    sessionized = False
    for number, rule in enumerate(rules.rules):
        here = f"{at}.rules[{number}]"
        _check(rule, here)
        if rule.rule_id in given:
            raise Invalid(
                f"{here}.rule_id", f"is {rule.rule_id!r}, as {given[rule.rule_id]} is; write another"
            )
        given[rule.rule_id] = f"{at}.rules[{number}].rule_id"
        kind = rule.WhichOneof("action")
        if kind is None:
            raise Invalid(here, f"of the rule {rule.rule_id!r} has no action; write one, as in set or hash")
        if kind == "sessionize":
            if sessionized:
                raise Invalid(f"{here}.sessionize", "is the second in the list; write it once")
            sessionized = True
            found = _inactivity(rule, here)
            inactivity = inactivity if rule.disabled else found
            continue
        when = Expression(rule.when, f"{here}.when", "when") if rule.when else None
        action = _ACTIONS[kind](getattr(rule, kind), f"{here}.{kind}", hash_key)
        # A rule that is not applied for now must be in order all the same, or it could not be applied again.
        if not rule.disabled:
            dead = rule.on_failure == Rule.FAILURE_DEAD_LETTER
            steps.append(_Step(rule.rule_id, frozenset(rule.event_names), when, action, dead))
    return Program(steps, inactivity)


_ACTIONS: Mapping[str, Callable[..., Action]] = {
    "set": fields.set_field,
    "rename": fields.rename_field,
    "drop": fields.drop_field,
    "cast": casts.cast_field,
    "hash": privacy.hash_field,
    "mask": privacy.mask_field,
    "look_up": tables.look_up_field,
    "parse_user_agent": web.parse_user_agent,
    "parse_url": web.parse_url,
}


def _check(rule: Rule, here: str) -> None:
    """Raises `Invalid` where what all rules have is not in order."""
    if not _ID.fullmatch(rule.rule_id):
        fault = f"is {rule.rule_id[:100]!r}" if rule.rule_id else "is missing"
        raise Invalid(
            f"{here}.rule_id",
            f"{fault}; write 1 to 40 lower-case letters, digits and '-', beginning with a letter",
        )
    if len(rule.description) > MAX_DESCRIPTION or "\0" in rule.description:
        raise Invalid(
            f"{here}.description",
            f"has {len(rule.description)} characters; write at most {MAX_DESCRIPTION} and no NUL",
        )
    if len(rule.event_names) > MAX_NAMES:
        raise Invalid(f"{here}.event_names", f"has {len(rule.event_names)} names; write at most {MAX_NAMES}")
    for place, name in enumerate(rule.event_names):
        if not 1 <= len(name) <= 200:
            raise Invalid(
                f"{here}.event_names[{place}]", f"has {len(name)} characters; a name of events has 1 to 200"
            )
    if rule.on_failure not in Rule.Failure.values():
        raise Invalid(
            f"{here}.on_failure", f"is {rule.on_failure}; write FAILURE_KEEP or FAILURE_DEAD_LETTER"
        )


def _inactivity(rule: Rule, here: str) -> timedelta:
    """How long without an event ends a session."""
    if rule.when or rule.event_names:
        field = "when" if rule.when else "event_names"
        raise Invalid(
            f"{here}.{field}",
            "is given beside sessionize, which is about all events of a person; leave it out",
        )
    if not rule.sessionize.HasField("inactivity"):
        return INACTIVITY
    wanted = rule.sessionize.inactivity
    seconds = wanted.seconds + wanted.nanos / 1e9
    if not 1 <= seconds <= LONGEST_INACTIVITY.total_seconds():
        raise Invalid(f"{here}.sessionize.inactivity", f"is {seconds:g} s; write 1 second to a day")
    return timedelta(seconds=seconds)


def _effect(step: _Step, met: Sequence[int], changed: Set[int], failed: Mapping[int, Fault]) -> RuleEffect:
    """What a rule did; an event is met too where only the rule's condition fails."""
    first = failed[min(failed)] if failed else None
    return RuleEffect(
        rule_id=step.rule_id,
        applied_count=len(failed.keys() | met) if failed else len(met),
        changed_count=len(changed),
        failed_count=len(failed),
        first_failure=f"{first.field}: {first.message}" if first else "",
    )
