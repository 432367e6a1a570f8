"""Keeps the spines of segments between questions: `source` asks for that of a segment, and reads it where nobody has.

What was read longest ago makes room. Files of segments never change, so that nothing here grows old; what is no segment any more, as
after an erasure, is forgotten with the next question about its time.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection
from threading import Lock

from services.kit import metrics
from services.kit.calendar import Span
from services.query.columnar.segment import Segment
from services.query.columnar.spine import Spine


class Spines:
    """The spines last used, in at most so many bytes; for several threads."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._size = most_bytes, 0
        self._kept: OrderedDict[str, tuple[Segment, Spine]] = OrderedDict()
        self._reading: dict[str, Lock] = {}
        self._lock = Lock()

    def get(self, segment: Segment, read: Callable[[], Spine]) -> Spine:
        """The spine of a segment; of those who want it at the same time, one reads it."""
        with self._lock:
            if found := self._kept.get(segment.segment_id):
                self._kept.move_to_end(segment.segment_id)
                return found[1]
            turn = self._reading.setdefault(segment.segment_id, Lock())
        with turn:
            if found := self._kept.get(segment.segment_id):
                return found[1]
            spine = read()
            with self._lock:
                self._reading.pop(segment.segment_id, None)
                self._put(segment, spine)
            return spine

    def forget(self, project_id: int, span: Span, live: Collection[str]) -> None:
        """Gives up the spines of a project's segments of a span that are none of `live` any more."""
        with self._lock:
            for name, (segment, _) in list(self._kept.items()):
                if segment.project_id == project_id and name not in live and segment.touches(span):
                    self._drop(name)
            metrics.SPINE_BYTES.set(self._size)

    def _put(self, segment: Segment, spine: Spine) -> None:
        if segment.segment_id in self._kept:
            # Two have read it, where it had to make room while one of them waited.
            self._drop(segment.segment_id)
        if spine.size <= self._most:
            self._kept[segment.segment_id] = segment, spine
            self._size += spine.size
        while self._size > self._most:
            self._drop(next(iter(self._kept)))
        metrics.SPINE_BYTES.set(self._size)

    def _drop(self, name: str) -> None:
        self._size -= self._kept.pop(name)[1].size
