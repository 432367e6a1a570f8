"""What was found: insights come in, a notice for each, and a table of all, go out."""

from collections.abc import Iterator, Sequence

from services.reports.build import sheet
from services.reports.build.sheet import Cells, instant
from services.reports.build.shown import said
from services.reports.document import Block, Notice, Paragraph, Run
from services.reports.words import Words
from tidemark.v1 import insight_pb2 as pb

STATES = (pb.Insight.STATE_OPEN, pb.Insight.STATE_ACKNOWLEDGED, pb.Insight.STATE_EXPIRED)
"""All but what somebody has said to be nothing."""
USUAL, MOST = 10, 50
NOTHING = "Nothing was found in this time."
MOST_ACTIONS = 3


def blocks(section_id: str, title: str, found: Sequence[pb.Insight], words: Words) -> Iterator[Block]:
    """What is shown of them."""
    if not found:
        yield said(NOTHING)
    for insight in found:
        yield Notice(insight.title, tuple(_paragraphs(insight, words)), _mark(insight))
    columns = [
        Cells("finding", sheet.TEXT, [each.title for each in found]),
        Cells("severity", sheet.TEXT, [_severity(each) for each in found]),
        Cells("type", sheet.TEXT, [_word(pb.InsightType.Name(each.type), "INSIGHT_TYPE_") for each in found]),
        Cells("subject", sheet.TEXT, [each.subject for each in found]),
        Cells("confidence", sheet.SHARE, [each.confidence for each in found]),
        Cells("from", sheet.INSTANT, [instant(each.start_time) for each in found]),
        Cells("until", sheet.INSTANT, [instant(each.end_time) for each in found]),
        Cells("found", sheet.INSTANT, [instant(each.create_time) for each in found]),
    ]
    yield sheet.table(section_id, title, columns, shown=False)


def _paragraphs(insight: pb.Insight, words: Words) -> Iterator[Paragraph]:
    if insight.description:
        yield said(insight.description)
    for fact in insight.facts:
        yield Paragraph((Run(fact.text),), item=True)
    for each in insight.recommendations[:MOST_ACTIONS]:
        effect = f" ({each.expected_effect})" if each.expected_effect else ""
        yield Paragraph((Run(f"{each.action}{effect}"),), item=True)
    start, end = instant(insight.start_time), instant(insight.end_time)
    if start is not None and end is not None:
        times = f"{words.instant(start)} – {words.instant(end)}"
        yield said(f"{times}; {words.percent(insight.confidence, 0)} sure.")


def _mark(insight: pb.Insight) -> str:
    return "data incident" if insight.cause == pb.CAUSE_DATA_INCIDENT else _severity(insight)


def _severity(insight: pb.Insight) -> str:
    return _word(pb.Severity.Name(insight.severity), "SEVERITY_")


def _word(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).replace("_", " ").lower()
