"""Who belongs to a cohort by what they did: a `CohortRule` comes in, the scan that it takes goes out to `source`, and the table of
that scan comes back to become people. Pure.

One scan serves all conditions of a rule, so that their events are counted side by side, person by person.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.kit.period import span
from services.query.behaviour.answer import either, within
from services.query.behaviour.given import step
from services.query.behaviour.timeline import Timeline
from services.query.columnar.scan import Flag, Scan
from services.query.filter import NOBODY, Condition, both
from services.query.question import cohorts
from tidemark.v1 import cohort_pb2 as pb

MAX_CONDITIONS = 20
MAX_TIMES = 2**62


@dataclass(frozen=True, slots=True)
class Deed:
    """Something people did so often, or did not."""

    done: Condition
    span: Span
    at_least: int
    at_most: int
    negated: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """What must be true of people at an instant: all of it, or any."""

    deeds: tuple[Deed, ...]
    any: bool


def read(rule: pb.CohortRule, zone: ZoneInfo, now: datetime, at: str) -> Rule:
    """The rule at the instant `now`; raises `Invalid` naming the field below `at`."""
    if not 1 <= len(rule.conditions) <= MAX_CONDITIONS:
        raise Invalid(f"{at}.conditions", f"has {len(rule.conditions)}; give 1 to {MAX_CONDITIONS}")
    deeds = tuple(
        _deed(each, zone, now, f"{at}.conditions[{i}]", rule.any) for i, each in enumerate(rule.conditions)
    )
    if all(deed.negated for deed in deeds):
        raise Invalid(f"{at}.conditions", "are all negated; give one that is not, to say among whom")
    return Rule(deeds, rule.any)


def scan(rule: Rule) -> Scan:
    """The events that any of the conditions counts, and which does."""
    counted = [both(within(deed.span), deed.done) for deed in rule.deeds]
    flags = [Flag(f"deed{i}", condition) for i, condition in enumerate(counted)]
    hull = Span(min(deed.span.start for deed in rule.deeds), max(deed.span.end for deed in rule.deeds))
    return Scan(hull, either(*counted), tuple(flags))


def people(rule: Rule, table: pa.Table) -> tuple[str, ...]:
    """Of whom the rule is true, by the table of its scan, in its order."""
    timeline = Timeline(table)
    met = np.full(len(timeline.users), not rule.any)
    for i, deed in enumerate(rule.deeds):
        times = np.bincount(timeline.user[timeline.flag(f"deed{i}")], minlength=len(met))
        holds = ((times >= deed.at_least) & (times <= deed.at_most)) != deed.negated
        met = met | holds if rule.any else met & holds
    return tuple(timeline.users.filter(pa.array(met)).to_pylist())


def _deed(asked: pb.CohortCondition, zone: ZoneInfo, now: datetime, at: str, any: bool) -> Deed:  # noqa: A002
    if any and asked.negated:
        raise Invalid(f"{at}.negated", "is true beside `any`; join the conditions by and, or leave it out")
    if cohorts(asked):
        raise Invalid(
            f"{at}.did.filter", "names a cohort; cohorts cannot rest on others, repeat its conditions"
        )
    for name in ("at_least", "at_most"):
        if getattr(asked, name) < 0:
            raise Invalid(f"{at}.{name}", f"is {getattr(asked, name)}; give 0 or more")
    at_least, at_most = asked.at_least or 1, asked.at_most or MAX_TIMES
    if at_most < at_least:
        raise Invalid(f"{at}.at_most", f"is {at_most}, less than at_least; give {at_least} or more")
    return Deed(
        done=step(asked.did, f"{at}.did", NOBODY).condition,
        span=span(asked.time_range, zone, now, f"{at}.time_range"),
        at_least=at_least,
        at_most=at_most,
        negated=asked.negated,
    )
