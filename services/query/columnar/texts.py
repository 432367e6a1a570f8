"""Numbers texts: columns come in as they were read, batch by batch, and go out to `timeline` with a number for the text of each row.

Where few texts differ, every batch has a dictionary. Where most do, as ids of sessions, to hash them all would take longer than
anything else. Then neighbours are compared, and a batch holds a text once for each run; which runs have the same is told by sorting
numbers of 64 bits. What has the same number is compared as text, so that nothing is ever taken for the same that is not.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Codes = NDArray[np.int32]
TEXTS = pa.dictionary(pa.int32(), pa.string())
SAMPLE, VARIOUS = 1000, 4
"""Texts are various where, of so many, more than one in four is a new one."""
_WORD = 8
_MARKED_BITS = 18
_MARK = np.uint64((1 << _MARKED_BITS) - 1)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""2 to the 64th by the golden ratio, as in Knuth's multiplicative hashing (The Art of Computer Programming, volume 3, 6.4)."""


def encoded(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column by dictionaries of its batches; one of various texts may hold a text several times."""
    if _various(values):
        return pa.chunked_array(list(map(_by_runs, values.chunks)), TEXTS)
    return values.dictionary_encode().cast(TEXTS)


def united(batches: pa.ChunkedArray) -> pa.DictionaryArray:
    """All batches of a column as one, in which a text has one number. Texts of no row may be left in its dictionary."""
    numbers, labels = _numbered(pa.chunked_array([batch.dictionary for batch in batches.chunks], pa.string()))
    found, first = [np.empty(0, np.int32)], 0
    for batch in batches.chunks:
        behind = first + len(batch.dictionary)
        # -1, a row without a text, takes the last entry.
        found.append(np.append(numbers[first:behind], np.int32(-1))[_codes(batch)])
        first = behind
    codes = np.concatenate(found)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), labels)


def _various(texts: pa.ChunkedArray) -> bool:
    sample = texts.slice(0, SAMPLE)
    return len(pc.unique(sample)) * VARIOUS > len(sample)


def _by_runs(values: pa.Array) -> pa.DictionaryArray:
    runs = pc.run_end_encode(values)
    lengths = np.diff(np.asarray(runs.run_ends), prepend=0)
    codes = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    return pa.DictionaryArray.from_arrays(pa.array(codes), runs.values)


def _codes(texts: pa.DictionaryArray) -> Codes:
    """Of each row the place of its text in the dictionary, -1 for none."""
    return pc.fill_null(texts.indices, -1).to_numpy()  # type: ignore[no-any-return]


def _numbered(texts: pa.ChunkedArray) -> tuple[Codes, pa.Array]:
    """A number for each text, -1 for none, and the texts by number. Arrow's `unify_dictionaries` takes three times as long."""
    if not _various(texts):
        known = texts.dictionary_encode()
        labels = known.chunk(0).dictionary if known.num_chunks else pa.array([], pa.string())
        return np.concatenate([*map(_codes, known.chunks), np.empty(0, np.int32)]), labels
    labels = texts.combine_chunks()
    there = labels.is_valid().to_numpy(zero_copy_only=False)
    numbers = np.where(there, np.arange(len(labels), dtype=np.int32), np.int32(-1))
    # Batch by batch, so that what is reckoned with stays in the cache of the processor.
    hashes = [_hashes(chunk) for chunk in texts.chunks]
    ordered = np.sort(np.concatenate(hashes))
    if len(again := ordered[1:][ordered[1:] == ordered[:-1]]):
        # All that may have the hash of another, and what has its last bits; all of it is compared as text.
        marked = np.zeros(1 << _MARKED_BITS, np.bool_)
        marked[again & _MARK] = True
        rows = np.flatnonzero(there & np.concatenate([marked[each & _MARK] for each in hashes])).astype(
            np.int32
        )
        same = _codes(labels.take(pa.array(rows)).dictionary_encode())
        # The number of a text is the place where it stands first.
        numbers[rows] = rows[np.unique(same, return_index=True)[1][same]]
    return numbers, labels


def _hashes(texts: pa.Array) -> NDArray[np.uint64]:
    """Numbers that are the same for the same texts, and seldom for others."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts) + 1].astype(np.int64)
    starts, lengths = offsets[:-1], np.diff(offsets)
    # Words begin at any byte, and behind the last text are as many as a word has.
    held = np.frombuffer(b"".join((texts.buffers()[2] or b"", bytes(_WORD))), np.uint8)
    words = np.ndarray((len(held) - _WORD + 1,), "<u8", held, strides=(1,))
    found = lengths.astype(np.uint64)
    for done in range(0, int(lengths.max(initial=0)), _WORD):
        longer = np.flatnonzero(lengths > done)
        surplus = _WORD * np.maximum(_WORD - (lengths[longer] - done), 0).astype(np.uint64)
        word = words[starts[longer] + done] & (~np.uint64(0) >> surplus)
        mixed = (found[longer] ^ word) * _FACTOR
        found[longer] = mixed ^ (mixed >> np.uint64(29))
    return found
