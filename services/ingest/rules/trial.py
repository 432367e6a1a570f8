"""Events that are given to be tried: messages come in from `servicer.py`, what would become of each goes back to it. Pure."""

from collections.abc import Sequence

from services.ingest import judgement, validate
from services.ingest.definitions.definition import Definition
from tidemark.v1.event_pb2 import Event
from tidemark.v1.ingest_pb2 import EventBatch
from tidemark.v1.rule_pb2 import Judgement, RuleEffect, Trial


def trials(
    events: Sequence[Event], definition: Definition, now_us: int
) -> tuple[list[Trial], list[RuleEffect]]:
    """What would become of each event, in order, those refused for their form included; and what each rule would do."""
    verdict = validate.events(EventBatch(events=events), now_us)
    found = {
        rejection.index: Trial(
            judgement=Judgement(
                outcome=Judgement.OUTCOME_REJECTED,
                field=rejection.field.partition(".")[2],
                message=rejection.message,
            )
        )
        for rejection in verdict.rejections
    }
    judged, effects = judgement.trials(verdict.rows, definition)
    found |= dict(zip(verdict.places, judged))
    for place, event in enumerate(events):
        found[place].before.CopyFrom(event)
    return [found[place] for place in range(len(events))], effects
