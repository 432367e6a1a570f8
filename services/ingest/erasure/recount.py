"""Counts buckets anew without a person: the rows that are left come in from `store`, the buckets go out to it. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from services.ingest import rollup
from services.ingest.rollup import Bucket, Delta, Key
from services.kit.instant import us_of

Group = tuple[int, str, int, datetime]
"""Type, name, partition and minute of events."""
Left = tuple[int, str, int, datetime, int, Sequence[str] | None]
"""As `Group`, with how many are left and who did them."""


class Recount:
    """The buckets that hold a person, of every width, as they are without."""

    def __init__(self, project_id: int, touched: Iterable[Group]) -> None:
        self._project_id = project_id
        minutes = [self._key(group) for group in touched]
        self._buckets = {key: Bucket() for minute in minutes for key in rollup.widths(minute)}

    def add(self, rows: Iterable[Left]) -> None:
        """Counts minutes; those of buckets that do not hold the person are passed over."""
        for *group, count, users in rows:
            delta = Delta(self._key(tuple(group)), count, users or (), None)  # type: ignore[arg-type]
            for key in rollup.widths(delta.key):
                if (bucket := self._buckets.get(key)) is not None:
                    bucket.add(delta)

    def of(self, width: str) -> Iterator[tuple[Key, Bucket]]:
        """The buckets of a width; those with no events left are empty."""
        return ((key, bucket) for key, bucket in self._buckets.items() if key.width == width)

    def _key(self, group: Group) -> Key:
        type_, name, partition, minute = group
        return Key("1m", self._project_id, rollup.EVENTS, type_, name, us_of(minute), partition)
