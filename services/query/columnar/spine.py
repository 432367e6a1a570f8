"""Who and when of all rows of a segment: batches of its file come in, `cache` keeps what is made of them, and `timeline` takes it as the
beginning of every row.

A segment stands in the order of users, and its file never changes. So who needs no more than a number for each user, and a row of a spine
takes eight bytes; whatever is asked about people reads the columns of its own question only.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Codes = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Spine:
    """Who and when of the rows of one segment, in their order."""

    users: pa.Array
    """All different, in order."""
    ends: Codes
    """Of each user, the row behind the last. Behind those of the last user stand the rows of nobody."""
    at: NDArray[np.int64]
    """Of each row, in microseconds since 1970."""

    @property
    def known(self) -> int:
        """How many rows are somebody's."""
        return int(self.ends[-1]) if len(self.ends) else 0

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return int(self.users.nbytes + self.ends.nbytes + self.at.nbytes)

    def codes(self) -> Codes:
        """Of each row, the place of its user; -1 for nobody."""
        codes = np.full(len(self.at), -1, np.int32)
        codes[: self.known] = np.repeat(
            np.arange(len(self.ends), dtype=np.int32), np.diff(self.ends, prepend=0)
        )
        return codes


def spine(tables: Iterable[pa.Table]) -> Spine:
    """The spine of all rows of a segment, which come with user and instant, in order."""
    whose: list[pa.Array] = []
    ends, at = [np.empty(0, np.int32)], [np.empty(0, np.int64)]
    rows = 0
    for table in tables:
        for users in table.column(0).chunks:
            runs = pc.run_end_encode(users)
            whose.append(runs.values)
            ends.append(np.asarray(runs.run_ends) + np.int32(rows))
            rows += len(users)
        at.append(table.column(1).to_numpy())
    # A user may go on in the next batch.
    runs = pc.run_end_encode(pa.chunked_array(whose, pa.string()).combine_chunks())
    users, last = runs.values, np.concatenate(ends)[np.asarray(runs.run_ends) - 1]
    if users.null_count:
        users, last = users.slice(0, len(users) - 1), last[:-1]
    return Spine(users, last, np.concatenate(at))
