"""Whether a partition should pause: what became of its rows comes in from `writer`, which stops reading where too much is no good. Pure."""

from dataclasses import dataclass


@dataclass(slots=True)
class _Recent:
    """Rows of a partition, and how many of them cannot be stored; older ones weigh less and less."""

    rows: float = 0.0
    broken: float = 0.0


class Health:
    """What has become of the recent rows of each partition."""

    def __init__(self, ratio: float, least_rows: int) -> None:
        """A partition should pause when more than `ratio` of at least `least_rows` recent rows cannot be stored."""
        self._ratio, self._least_rows = ratio, least_rows
        self._recent: dict[int, _Recent] = {}

    def count(self, partition: int, rows: int, broken: int) -> str:
        """Counts rows, `broken` of which cannot be stored; gives why the partition should pause, or nothing."""
        recent = self._recent.setdefault(partition, _Recent())
        recent.rows += rows
        recent.broken += broken
        if recent.rows >= self._least_rows and recent.broken > self._ratio * recent.rows:
            self.forget(partition)
            return (
                f"{recent.broken:.0f} of {recent.rows:.0f} recent rows cannot be stored, more than {self._ratio:.0%}; "
                "see the newest dead letters, and resume the partition when their cause is gone"
            )
        if recent.rows > 2 * self._least_rows:
            weight = self._least_rows / recent.rows
            self._recent[partition] = _Recent(recent.rows * weight, recent.broken * weight)
        return ""

    def forget(self, partition: int) -> None:
        """Begins anew with a partition."""
        self._recent.pop(partition, None)
