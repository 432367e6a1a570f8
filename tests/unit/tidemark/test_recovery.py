"""What a broken stream calls for."""

import pytest

from tidemark import errors
from tidemark.recovery import LONGEST_PAUSE, Remedy, pause, remedy

GAP = errors.SequenceGap(metadata={"expected": "5"})


def remedied(error, sequence=5, *, inherited=False, refused=False):
    return remedy(error, sequence, inherited=inherited, refused=refused)


@pytest.mark.parametrize(
    "error", [errors.Unavailable(), errors.Exhausted(), errors.DeadlineExceeded(), errors.Error("?")]
)
def test_what_passes_is_tried_again(error):
    assert remedied(error) is Remedy.RESEND


@pytest.mark.parametrize(
    "error", [errors.Unauthenticated(), errors.Denied(), errors.Fenced(), errors.Unsupported()]
)
def test_what_does_not_pass_is_told(error):
    assert remedied(error) is Remedy.HOLD


def test_a_gap_before_our_oldest_batch_is_lost_data():
    assert remedied(GAP, 7) is Remedy.RENUMBER
    assert remedied(GAP, 5) is Remedy.RESEND


def test_only_what_an_earlier_life_left_may_be_renumbered_after_fencing():
    assert remedied(errors.Fenced(), inherited=True) is Remedy.RENUMBER


def test_a_batch_is_dropped_when_its_content_is_refused_twice():
    bad = errors.Invalid("no", field="batch.events_arrow")
    assert remedied(bad) is Remedy.RESEND
    assert remedied(bad, refused=True) is Remedy.DROP


@pytest.mark.parametrize("field", ["batch.producer.producer_id", "project", ""])
def test_a_batch_is_never_dropped_for_who_sends_it(field):
    assert remedied(errors.Invalid("no", field=field), refused=True) is Remedy.HOLD


def test_pauses_double_up_to_the_longest():
    pauses = [pause(errors.Unavailable(), attempt, 0.0) for attempt in range(100)]
    assert pauses[:3] == [0.1, 0.2, 0.4]
    assert pauses[-1] == LONGEST_PAUSE
    assert pause(errors.Unavailable(), 0, 1.0) == 0.05


def test_the_server_may_ask_for_longer():
    assert pause(errors.Exhausted(retry_after=90.0), 0, 0.5) == 90.0
    assert pause(errors.Exhausted(retry_after=0.001), 3, 0.0) == 0.8
