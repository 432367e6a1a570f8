"""How far a section can be trusted: the metadata of its answers come in, a `Trust` with notes in words goes out."""

import math
from collections.abc import Iterable, Sequence

from services.reports.build.sheet import at, instant
from services.reports.document import Trust
from services.reports.words import Words
from tidemark.v1 import question_pb2 as q


def of(answers: Sequence[q.QueryMetadata], words: Words, notes: Iterable[str] = ()) -> Trust:
    """What holds for all of them."""
    if not answers:
        return Trust(notes=tuple(notes))
    watermarks = [instant(each.watermark) for each in answers]
    known = [each for each in watermarks if each is not None]
    told = [*notes, *(note for each in answers for note in _notes(each, words))]
    return Trust(
        data_version=", ".join(dict.fromkeys(each.data_version for each in answers)),
        as_of=next((each.as_of for each in answers if each.as_of), ""),
        watermark=min(known) if len(known) == len(watermarks) else None,
        completeness=_least(each.completeness for each in answers),
        notes=tuple(dict.fromkeys(told)),
    )


def _least(shares: Iterable[float]) -> float:
    """The least; 0 where one is not known, which a note tells."""
    found = list(shares)
    return 0.0 if any(map(math.isnan, found)) else min(found)


def _notes(metadata: q.QueryMetadata, words: Words) -> Iterable[str]:
    yield from (f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in metadata.notes)
    if metadata.error_bound:
        yield f"Numbers of different values and quantiles are estimates, usually within {words.percent(metadata.error_bound)}."
    if math.isnan(metadata.completeness):
        yield "How much of the data was in when this was made is not known."
    elif metadata.completeness < 1:
        yield f"About {words.percent(metadata.completeness)} of the events of this time were in when this was made."
    watermark = instant(metadata.watermark)
    if watermark is not None and watermark < at(metadata.time_range.end):
        yield f"What happened after {words.instant(watermark)} may still grow."
