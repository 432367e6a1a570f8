"""What people do after, or before, an event: a `PathsResult` comes in, the steps and the ways between them go out."""

from collections.abc import Iterator

from services.reports.build import sheet, titles
from services.reports.build.sheet import Cells
from services.reports.build.shown import Shown, nothing, said
from services.reports.document import Block, Chart, Drawing, Line
from tidemark.v1 import question_pb2 as q

MOST_WAYS = 15
"""Ways that are drawn; the table has all."""


def blocks(shown: Shown, result: q.PathsResult) -> Iterator[Block]:
    """What is shown of the answer."""
    links = sorted(result.links, key=lambda link: -link.paths)
    ends = [(result.nodes[getattr(link, "from")], result.nodes[link.to]) for link in links]
    if shown.query.paths.backwards:
        ends = [(after, before) for before, after in ends]
    ways = shown.table(
        [
            Cells("step", sheet.COUNT, [min(here.step, there.step) for here, there in ends]),
            Cells("from", sheet.TEXT, [_name(here) for here, _ in ends]),
            Cells("to", sheet.TEXT, [_name(there) for _, there in ends]),
            Cells("paths", sheet.COUNT, [link.paths for link in links]),
        ]
    )
    if not result.paths:
        yield from nothing(ways)
        return
    yield said(f"{shown.words.number(result.paths)} paths.")
    if links and shown.charted(usually=False):
        drawn = list(zip(ends, links, strict=True))[:MOST_WAYS]
        yield Chart(
            chart_id=shown.chart_id(),
            title=shown.title,
            drawing=Drawing.BAR,
            labels=tuple(f"{_name(here)} › {_name(there)}" for (here, there), _ in drawn),
            label_form=sheet.TEXT,
            series=(Line("paths", tuple(float(link.paths) for _, link in drawn)),),
            value_form=sheet.COUNT,
            table_id=ways.table_id,
            summary=f"The most frequent way is {_name(ends[0][0])} › {_name(ends[0][1])}.",
        )
    yield ways
    nodes = result.nodes
    steps = [
        Cells("step", sheet.COUNT, [node.step for node in nodes]),
        Cells("what", sheet.TEXT, [_name(node) for node in nodes]),
        Cells("paths", sheet.COUNT, [node.paths for node in nodes]),
        Cells("share", sheet.SHARE, [node.paths / result.paths for node in nodes]),
        Cells("ended here", sheet.COUNT, [node.ended for node in nodes]),
    ]
    yield shown.table(steps, "steps", f"{shown.title}: step by step")


def _name(node: q.PathNode) -> str:
    return titles.group([node.value], other=node.other)
