"""Whether numbers have changed or the world has: what was `Observed` of the pipeline comes in, `PipelineFact`s and a `Cause` go out to
insights. Pure.

A fact explains what it can have done to the series, in its unit and with its sign: a thousand dead letters explain a fall of a thousand and
no rise. Its share is that effect over the change; an effect greater than the change explains less of it, the greater the less, since
something else must then have made up for it. Facts alone decide nothing: see `cause`.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from urllib.parse import quote

from services.insights.why import loss
from services.insights.why.loss import Moved
from services.insights.why.observed import MINUTE, Observed
from tidemark.v1 import insight_pb2 as pb

Fact = pb.PipelineFact

DATA_SHARE = 0.5
"""Facts that explain at least as much of a change make it a data incident."""
_WORTH_TELLING = 0.02
_GENEROUS = 1.5
"""How many times the change an effect may be and still explain all of it."""
_HIDDEN = 0.5
"""A definition that takes a property away takes it from most events; a smaller part may be seen less for any reason."""
_LONG_LAG = timedelta(minutes=1)
_MOST_APART = 3
"""More producers than that are told together."""


def facts(observed: Observed) -> list[pb.PipelineFact]:
    """What speaks to the change, what explains most of it first."""
    found = [
        *_counted(observed),
        *_silent(observed),
        *_late(observed),
        *_lag(observed),
        *_doubled(observed),
        *_appeared(observed),
        *_redefined(observed),
    ]
    return sorted(found, key=lambda each: -each.share)


def cause(found: Sequence[pb.PipelineFact], change: float) -> pb.Cause:
    """A data incident where facts explain at least half of the change together, else a change of the business.

    What is late and what waits to be committed are the same events, and so are those that a new definition refuses and those refused: of each
    only the greater share counts.
    """
    if not change:
        return pb.CAUSE_UNSPECIFIED
    kinds = {kind: sum(each.share for each in found if each.kind == kind) for kind in Fact.Kind.values()}
    refused = kinds[Fact.KIND_DEAD_LETTERS] + kinds[Fact.KIND_REJECTED]
    explained = (
        max(kinds[Fact.KIND_LATE_DATA], kinds[Fact.KIND_LAG])
        + max(kinds[Fact.KIND_DEFINITION_CHANGED], refused)
        + kinds[Fact.KIND_SILENT_PRODUCER]
        + kinds[Fact.KIND_DUPLICATES]
        + kinds[Fact.KIND_NEW_PRODUCER]
    )
    return pb.CAUSE_DATA_INCIDENT if explained >= DATA_SHARE else pb.CAUSE_BUSINESS_CHANGE


def explained(effect: float, change: float) -> float:
    """The share of a change that an effect explains, 0 to 1."""
    ratio = effect / change if change else 0.0
    if ratio <= 0:
        return 0.0
    return min(ratio, 1.0) if ratio <= _GENEROUS else _GENEROUS / ratio


def _counted(observed: Observed) -> Iterator[pb.PipelineFact]:
    """Events set aside or refused, more of them or fewer than before."""
    what = f"events of {observed.event}" if observed.event else "events"
    page = f"/data/events/{quote(observed.event, safe='')}" if observed.event else "/data/events"
    for kind, said, part, link in (
        (Fact.KIND_DEAD_LETTERS, "set aside as dead letters", observed.dead_part, "/data/letters"),
        (Fact.KIND_REJECTED, "refused", observed.rejected_part, page),
    ):
        name = "dead" if kind == Fact.KIND_DEAD_LETTERS else "rejected"
        was = part * sum(getattr(each.was, name) for each in observed.senders)
        now = part * sum(getattr(each.now, name) for each in observed.senders)
        share = explained((was - now) / observed.buckets * observed.worth, observed.change)
        if share >= _WORTH_TELLING:
            text = f"{now:,.0f} {what} were {said}; {was:,.0f} in as long a time before"
            yield _fact(observed, kind, text, observed.event, share, link)


def _silent(observed: Observed) -> Iterator[pb.PipelineFact]:
    found = loss.silent(observed)
    for group in _gathered(found):
        share = explained(sum(each.effect for each in group), observed.change)
        if share >= _WORTH_TELLING:
            names = _names(group)
            part = sum(each.sender.part_before for each in group)
            minutes = max(each.minutes for each in group)
            text = f"{names} sent nothing for {_span(minutes)}, and had brought {part * 100:.0f} %"
            fact = _fact(observed, Fact.KIND_SILENT_PRODUCER, text, names, share, "/data/producers")
            fact.start_time.FromDatetime(observed.span.start + min(each.since for each in group) * MINUTE)
            yield fact


def _late(observed: Observed) -> Iterator[pb.PipelineFact]:
    """What the answer itself says is missing of it; an answer without anything in it says nothing."""
    if not 0 < observed.completeness < 1:
        return
    missing = observed.after * (1 / observed.completeness - 1)
    share = explained(-missing, observed.change)
    if share >= _WORTH_TELLING:
        text = f"an estimated {observed.completeness * 100:.0f} % of the events have come in"
        fact = _fact(observed, Fact.KIND_LATE_DATA, text, observed.event, share, "/data/partitions")
        if observed.watermark is not None:
            fact.start_time.FromDatetime(max(observed.watermark, observed.span.start))
        yield fact


def _lag(observed: Observed) -> Iterator[pb.PipelineFact]:
    """What is durable and waits to be committed, where it waits for long."""
    if observed.lag < _LONG_LAG and not observed.paused:
        return
    part = min(1.0, observed.events_before / observed.stored_before) if observed.stored_before else 1.0
    waiting = observed.in_flight * part / observed.buckets * observed.worth
    text = f"{observed.in_flight:,.0f} events wait to be committed, the oldest for {_span(observed.lag // MINUTE)}"
    if observed.paused:
        text += f"; a partition is paused: {observed.paused[0]}"
    fact = _fact(observed, Fact.KIND_LAG, text, "", explained(-waiting, observed.change), "/data/partitions")
    yield fact


def _doubled(observed: Observed) -> Iterator[pb.PipelineFact]:
    for each in loss.doubled(observed):
        share = explained(each.effect, observed.change)
        if share >= _WORTH_TELLING:
            name, now, was = each.sender.producer_id, each.sender.now, each.sender.was
            text = f"{name} sent {now.duplicate:,.0f} duplicates beside {now.stored:,.0f} that were stored; before, {was.duplicate:,.0f}"
            yield _fact(observed, Fact.KIND_DUPLICATES, text, name, share, "/data/ledger")


def _appeared(observed: Observed) -> Iterator[pb.PipelineFact]:
    found = loss.appeared(observed)
    for usual in (False, True):
        for group in _gathered([each for each in found if each.usual == usual]):
            share = explained(sum(each.effect for each in group), observed.change)
            if share >= _WORTH_TELLING:
                names, part = _names(group), sum(each.sender.part_after for each in group)
                told = (
                    "did not send before" if not group[0].sender.before.any() else "sends ten times as much"
                )
                text = f"{names} {told}, and brings {part * 100:.0f} %"
                if usual:
                    text += ", no more than others do"
                share = 0.0 if usual else share
                yield _fact(observed, Fact.KIND_NEW_PRODUCER, text, names, share, "/data/producers")


def _redefined(observed: Observed) -> Iterator[pb.PipelineFact]:
    """A schema or the rules, which may have moved events to other names, or taken most of them out of the sight of the series."""
    kept = observed.seen_after / observed.seen_before if observed.seen_before > 0 else 1.0
    hidden = observed.before * (1 - kept) if kept <= _HIDDEN else 0.0
    effect = -max(observed.moved * observed.worth, hidden)
    for each in observed.versions:
        if each.before != each.after:
            text = f"the {each.what} went from version {each.before} to {each.after}"
            share = explained(effect, observed.change)
            yield _fact(observed, Fact.KIND_DEFINITION_CHANGED, text, each.what, share, each.link)


def _gathered(found: Sequence[Moved]) -> list[list[Moved]]:
    """Each by itself, or all together where they are many."""
    return [[each] for each in found] if len(found) <= _MOST_APART else [list(found)]


def _names(group: Sequence[Moved]) -> str:
    return group[0].sender.producer_id if len(group) == 1 else f"{len(group)} producers"


def _fact(
    observed: Observed, kind: pb.PipelineFact.Kind, text: str, subject: str, share: float, link: str
) -> pb.PipelineFact:
    made = Fact(kind=kind, text=text, subject=subject, share=share, link=link)
    made.start_time.FromDatetime(observed.span.start)
    return made


def _span(minutes: int) -> str:
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
