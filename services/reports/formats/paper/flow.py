"""Puts blocks on pages, one after the other.

Comes in: blocks. Goes out: pages, each with its blocks and their places. A block is cut where it can be; a heading stays with what it
is of; what is wide gets pages that lie. Next: `pdf` draws them. Pure.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.reports.formats.paper.block import Block

A4 = (595.28, 841.89)
SIDE = 46.0
TOP = 56.0
BOTTOM = 54.0


@dataclass(slots=True)
class Page:
    """A page with what stands on it."""

    wide: bool
    placed: list[tuple[Block, float]] = field(default_factory=list)
    """Blocks with their distance from the top."""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        return (A4[1], A4[0]) if self.wide else A4

    @property
    def end(self) -> float:
        """Where there is no more room."""
        return self.size[1] - BOTTOM


def width_of(wide: bool) -> float:
    """How wide blocks may be."""
    return A4[1 if wide else 0] - 2 * SIDE


def flow(blocks: Iterable[Block]) -> list[Page]:
    """The pages of a document."""
    waiting = deque(blocks)
    pages = [Page(waiting[0].wide if waiting else False)]
    y = TOP
    while waiting:
        block, page = waiting.popleft(), pages[-1]
        begin = y + (block.before if page.placed else 0.0)
        end = page.end
        if waiting and waiting[0].tail and begin + block.height <= end:
            end -= waiting[0].before + waiting[0].height
        needed = block.height if block.keep else min(block.least, block.height)
        if block.keep:
            needed += _following(waiting)
        unfit = block.fresh or block.wide != page.wide or begin + needed > end
        if page.placed and unfit and not (block.tail and begin + block.height <= page.end):
            pages.append(Page(block.wide))
            waiting.appendleft(block)
            y = TOP
            continue
        if begin + block.height > end and (parts := block.split(end - begin)):
            block, rest = parts
            waiting.appendleft(rest)
        page.placed.append((block, begin))
        y = begin + block.height
    return pages


def _following(waiting: Iterable[Block]) -> float:
    """What must fit below a heading: those kept with it, and the beginning of the first that is not.

    What cannot be cut goes to the next page with what stays with it, so that must fit, too.
    """
    needed, whole = 0.0, False
    for block in waiting:
        if whole:
            return needed + (block.before + block.height if block.tail else 0.0)
        needed += block.before
        whole = not block.keep and block.least >= block.height
        if not block.keep and not whole:
            return needed + block.least
        needed += block.height
    return needed
