"""What a process keeps of models for a while: predictors that were read from the database, and the predictions of a listing whose other
pages may be asked for. Both are bounded, and can be made again.
"""

import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from services.insights.models.matrix import Floats, Rows
from services.insights.models.predictor import Predictor
from tidemark.v1.question_pb2 import QueryMetadata

PREDICTORS = 32
SECONDS, BYTES = 60.0, 64 << 20


@dataclass(frozen=True, slots=True)
class Run:
    """Everybody of a listing, the greatest score first."""

    rows: Rows
    scores: Floats
    total: int
    """How many people there are."""
    metadata: QueryMetadata
    notes: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        return int(
            self.rows.table.nbytes + self.rows.users.nbytes + self.rows.points.nbytes + self.scores.nbytes
        )


class Predictors:
    """Predictors by model and version; the one used longest ago is forgotten first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int], Predictor] = OrderedDict()

    def get(self, model: int, version: int) -> Predictor | None:
        """The predictor, if it is kept."""
        found = self._kept.get((model, version))
        if found is not None:
            self._kept.move_to_end((model, version))
        return found

    def put(self, model: int, version: int, predictor: Predictor) -> None:
        """Keeps a predictor; versions never change."""
        self._kept[model, version] = predictor
        if len(self._kept) > PREDICTORS:
            self._kept.popitem(last=False)


class Runs:
    """Listings under way, for `SECONDS` and in `BYTES`."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[float, Run]] = OrderedDict()

    def get(self, key: Hashable) -> Run | None:
        """The listing, if it is kept."""
        self._forget(0)
        kept = self._kept.get(key)
        return None if kept is None else kept[1]

    def put(self, key: Hashable, run: Run) -> None:
        """Keeps a listing that is small enough."""
        if run.bytes <= BYTES:
            self._forget(run.bytes)
            self._kept[key] = time.monotonic(), run

    def _forget(self, needed: int) -> None:
        held = needed + sum(run.bytes for _, run in self._kept.values())
        while self._kept:
            made_at, run = next(iter(self._kept.values()))
            if held <= BYTES and time.monotonic() - made_at < SECONDS:
                return
            held -= run.bytes
            self._kept.popitem(last=False)
