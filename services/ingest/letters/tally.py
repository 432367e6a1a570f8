"""What has become of the letters of a repair: `worker` counts here, the servicer sends what was counted to who asked. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pyarrow as pa

from services.ingest.letters.record import Cluster, Letter, cluster_messages
from services.ingest.letters.repair import Fault, Mended
from services.ingest.signature import signature
from services.kit.calendar import beginning
from services.kit.instant import at
from tidemark.v1 import letter_pb2 as pb
from tidemark.v1.question_pb2 import Interval
from tidemark.v1.rule_pb2 import Trial

MAX_CLUSTERS = 100
MAX_FIGURES = 1000
MAX_TRIALS = 10


@dataclass
class Tally:
    """Counts of a repair under way."""

    zone: ZoneInfo
    """That of the project, in which days begin."""
    selected: int = 0
    examined: int = 0
    recovered: int = 0
    duplicates: int = 0
    failed: int = 0
    trials: list[Trial] = field(default_factory=list)
    _clusters: dict[str, Cluster] = field(default_factory=dict)
    _figures: Counter[tuple[str, datetime]] = field(default_factory=Counter)

    def fail(self, faults: Iterable[Fault]) -> None:
        """These letters stay as they are."""
        for fault in faults:
            self.failed += 1
            letter = fault.letter
            key = signature(fault.reason, fault.field, letter.name, fault.message)
            if (known := self._clusters.get(key)) is not None:
                self._clusters[key] = _grown(known, fault.message, letter)
            elif len(self._clusters) < 10 * MAX_CLUSTERS:
                self._clusters[key] = Cluster(
                    key, fault.reason, fault.field, letter.name, fault.message, letter.rows,
                    letter.received_at, letter.received_at, letter,
                )  # fmt: skip

    def recover(self, mended: Mended, duplicates: Collection[int]) -> None:
        """These letters are recovered; the rows of `duplicates` were known before."""
        count = len(mended.waiting)
        self.recovered += count
        self.duplicates += len(duplicates)
        time = "occurred_at" if mended.kind == "events" else "observed_at"
        names, times = mended.rows["name"].to_pylist(), mended.rows[time].cast(pa.int64()).to_pylist()
        for row in range(count):
            figure = names[row], beginning(at(times[row]), Interval.UNIT_DAY, self.zone)
            if row not in duplicates and (figure in self._figures or len(self._figures) < MAX_FIGURES):
                self._figures[figure] += 1

    def progress(self) -> pb.RepairDeadLettersResponse:
        """How far the repair is."""
        return pb.RepairDeadLettersResponse(
            selected_count=self.selected,
            examined_count=self.examined,
            recovered_count=self.recovered,
            duplicate_count=self.duplicates,
            failed_count=self.failed,
        )

    def result(self, project: str) -> pb.RepairDeadLettersResponse:
        """All that is told at the end."""
        told = self.progress()
        clusters = sorted(self._clusters.values(), key=lambda each: (-each.count, each.signature))
        told.still_failing.extend(cluster_messages(clusters[:MAX_CLUSTERS], project))
        for (name, day), count in sorted(self._figures.items()):
            figure = told.figures.add(event_name=name, added_count=count)
            figure.day.FromDatetime(day)
        told.trials.extend(self.trials)
        return told


def _grown(cluster: Cluster, message: str, letter: Letter) -> Cluster:
    newest = letter.received_at >= cluster.last_at
    return replace(
        cluster,
        message=message if newest else cluster.message,
        count=cluster.count + letter.rows,
        first_at=min(cluster.first_at, letter.received_at),
        last_at=max(cluster.last_at, letter.received_at),
        example=letter if newest else cluster.example,
    )
