"""What a broken stream calls for: an error and the oldest unacknowledged batch come in, a remedy goes out to `producer.py`. Pure."""

from enum import Enum, auto

from tidemark import errors

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""A server that is back is found within seconds; a thousand clients that all look so often are no load."""


class Remedy(Enum):
    """What to do before the next attempt."""

    RESEND = auto()
    """Nothing: the same batches under the same numbers."""
    RENUMBER = auto()
    """Begin a new epoch: the server misses what it had acknowledged, or an earlier life of ours had gone further."""
    DROP = auto()
    """Give up the oldest batch: the server can never take it, and everything behind it waits."""
    HOLD = auto()
    """Tell the caller and wait to be asked, or for long: another attempt alone cures nothing."""


def remedy(error: errors.Error, sequence: int, *, inherited: bool, refused: bool) -> Remedy:
    """What `error` calls for, the oldest batch being `sequence`, `inherited` from an earlier life, and `refused` once before."""
    if isinstance(error, errors.SequenceGap) and error.metadata.get("expected") != str(sequence):
        return Remedy.RENUMBER
    if isinstance(error, errors.Fenced) and inherited:
        return Remedy.RENUMBER
    if blames_batch(error):
        return Remedy.DROP if refused else Remedy.RESEND
    return Remedy.HOLD if isinstance(error, errors.PERMANENT) else Remedy.RESEND


def blames_batch(error: errors.Error) -> bool:
    """Whether what the batch holds is at fault, and not who sends it or where."""
    blamed = error.field.startswith("batch.") and not error.field.startswith("batch.producer")
    return isinstance(error, errors.Invalid) and blamed


def pause(error: errors.Error, attempt: int, jitter: float) -> float:
    """Seconds until the next attempt: doubling, less up to half by `jitter` in [0, 1], and never less than the server asks."""
    doubled: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt, 16))
    return max(doubled * (1 - jitter / 2), error.retry_after or 0.0)
