"""Counts results of a window again after rows have gone: what was kept and the rows that are left come in from `store`, results go out.

Rows come commit by commit with the watermark that the commit found, so that what was late then is late again. Pure.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from services.ingest.columns import EVENTS
from services.ingest.windows import fold
from services.ingest.windows.column import Columns
from services.ingest.windows.definition import Definition
from services.ingest.windows.result import Key, Result

Owner = tuple[int, Key]
COLUMNS = ("type", "name", "occurred_at", "user_id", "session_id", "properties", "context")
"""Of an event, what a window may ask for."""


class Recount:
    """The results of a window that a span of event time is part of."""

    def __init__(self, definition: Definition, had: Sequence[Result], start_us: int, end_us: int) -> None:
        """`had` is what was kept of all windows that reach into the span."""
        self._definition, self._had = definition, had
        self._places = {each.place for each in had}
        self._reach: dict[Owner, tuple[int, int]] = {}
        for each in had:
            low, high = self._reach.get((each.partition, each.key), (start_us, end_us))
            self._reach[each.partition, each.key] = min(low, each.start_us), max(high, each.end_us)
        self._now: defaultdict[Owner, dict[int, Result]] = defaultdict(dict)

    @property
    def span(self) -> tuple[int, int]:
        """The event time from which rows are needed."""
        return min(low for low, _ in self._reach.values()), max(high for _, high in self._reach.values())

    def add(self, partition: int, watermark_us: int, rows: Sequence[Sequence[Any]]) -> None:
        """Counts rows of one commit, with `COLUMNS`."""
        columns = dict(zip(COLUMNS, zip(*rows)))
        ids = {"event_id": [bytes(16)] * len(rows)}
        batch = pa.RecordBatch.from_pydict({**ids, **columns}, schema=EVENTS)
        at_us = batch["occurred_at"].view(pa.int64()).to_numpy()
        owners = np.full(len(rows), partition, np.int64)
        gained = [
            each
            for each in fold.gains(self._definition, Columns(batch), at_us, owners)
            if self._concerned(each)
        ]
        if not gained:
            return
        touched = {(each.partition, each.key) for each in gained}
        kept = [each for owner in touched for each in self._now[owner].values()]
        change = fold.folded(self._definition, kept, gained, {partition: watermark_us})
        for gone in change.gone:
            del self._now[gone.partition, gone.key][gone.start_us]
        for put in change.put:
            self._now[put.partition, put.key][put.start_us] = put

    def results(self) -> list[Result]:
        """What is to be kept now."""
        return [self._dated(each) for found in self._now.values() for each in found.values()]

    def _concerned(self, gain: Result) -> bool:
        """Whether a gain belongs to what was kept, and not to what stays as it is beside it."""
        if not self._definition.window.HasField("session"):
            return gain.place in self._places
        low, high = self._reach.get((gain.partition, gain.key), (0, 0))
        return low <= gain.start_us < high

    def _dated(self, result: Result) -> Result:
        """With the time of its last restatement, as far as that was known."""
        known = [
            each.restated_us
            for each in self._had
            if each.restated_us is not None
            and (each.partition, each.key) == (result.partition, result.key)
            and each.start_us <= result.start_us <= each.end_us
        ]
        if not result.late or not known:
            return result
        return replace(result, restated=False, restated_us=max(known))
