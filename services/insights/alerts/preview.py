"""What a rule would have done: the past comes in from `servicer`, judged by `evaluation`, and an answer goes out. Pure."""

from services.insights.alerts import wording
from services.insights.alerts.evaluation import Evaluation, Starts
from services.insights.alerts.rule import Rule
from services.insights.alerts.standing import Group
from services.kit.instant import at
from tidemark.v1 import alert_pb2 as pb

MAX_INCIDENTS, MAX_BUCKETS = 1000, 10_000
MAX_LEARNT = 100_000
"""Values of all groups that a rule of anomalies is tried on; each takes a tenth of a millisecond."""


def shown(rule: Rule, found: Evaluation, starts: Starts, judged: range) -> pb.PreviewAlertRuleResponse:
    """The incidents of an evaluation of the past, and the series it rests on."""
    answer = pb.PreviewAlertRuleResponse()
    incidents = sorted(_incidents(rule, found), key=lambda each: each.start_time.ToMicroseconds())
    answer.incidents.extend(incidents[:MAX_INCIDENTS])
    for start in starts[judged.start : judged.stop].astype("int64").tolist():
        answer.bucket_starts.add().FromDatetime(at(start))
    for trace in found.traces:
        answer.bucket_count += len(trace.values)
        answer.fault_count += int(trace.verdict.faults.sum())
        line = answer.evidence.add(label=trace.subject, unit=trace.unit, values=trace.values.tolist())
        line.marked.extend(trace.verdict.faults.nonzero()[0].tolist())
        if rule.kind != "absence":
            line.expected.extend(trace.verdict.expected.tolist())
            line.lower.extend(trace.verdict.lower.tolist())
            line.upper.extend(trace.verdict.upper.tolist())
    return answer


def _incidents(rule: Rule, found: Evaluation) -> list[pb.Incident]:
    made: list[pb.Incident] = []
    open_now: dict[Group, pb.Incident] = {}
    for change in found.changes:
        if change.opened:
            open_now[change.group] = wording.incident(rule, change)
            made.append(open_now[change.group])
        elif (ended := open_now.pop(change.group, None)) is not None:
            ended.state = pb.Incident.STATE_RESOLVED
            ended.end_time.FromDatetime(change.at)
            ended.latest_value = change.value
    for group, still in open_now.items():
        still.latest_value = found.latest.get(group, still.value)
    return made
