"""Puts rows in the order of a segment: tables come in, one after the other or from several segments at once, and go out in order
to `writer`. However many rows there are, few are held at a time.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.query.columnar.layout import SCHEMA

_PLACE = "place"
_WITH_PLACE = SCHEMA.append(pa.field(_PLACE, pa.int32()))


def ordered(table: pa.Table) -> pa.Table:
    """Rows in the order of a segment: by user, those without last, time and id."""
    table = table.combine_chunks()
    ids = [chunk.storage for chunk in table.column("event_id").chunks]
    keys = table.select(["user_id", "occurred_at"]).append_column("id", pa.chunked_array(ids, pa.binary(16)))
    return table.take(pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.column_names]))


def interleaved(sources: Sequence[Iterator[pa.Table]]) -> Iterator[pa.Table]:
    """The rows of several sources, each of them in order, all in order.

    What is held of a source ends with its last row; up to the first of these ends, nothing smaller can come any more.
    """
    open_ = dict(enumerate(sources))
    held, counts, sizes = _WITH_PLACE.empty_table(), dict.fromkeys(open_, 0), dict.fromkeys(open_, 1)
    while open_:
        fresh = []
        for place in list(open_):
            # A source that is ahead of the others waits for them.
            if counts[place] < sizes[place]:
                table = next(open_[place], None)
                if table is None:
                    del open_[place]
                    continue
                sizes[place] = len(table)
                fresh.append(table.append_column(_PLACE, pa.array(np.full(len(table), place, np.int32))))
        held = ordered(pa.concat_tables([held, *fresh]))
        places = held.column(_PLACE).to_numpy()
        ends = [
            int(np.flatnonzero(places == place)[-1]) + 1 if (places == place).any() else 0 for place in open_
        ]
        cut = min(ends, default=len(held))
        yield held.slice(0, cut).drop_columns(_PLACE)
        held = held.slice(cut)
        left = np.bincount(places[cut:], minlength=len(sources))
        counts = {place: int(left[place]) for place in open_}


def regrouped(tables: Iterator[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of so many, but the last."""
    held, count = [], 0
    for table in tables:
        held.append(table)
        count += len(table)
        while count >= rows:
            whole = pa.concat_tables(held)
            yield whole.slice(0, rows)
            held, count = [whole.slice(rows)], count - rows
    if count:
        yield pa.concat_tables(held)
