"""A partition pauses where too much of what came lately cannot be stored."""

from services.ingest.health import Health


def test_few_rows_never_pause_a_partition() -> None:
    health = Health(0.5, 100)
    assert health.count(0, 99, 99) == ""


def test_many_small_counts_add_up() -> None:
    health = Health(0.5, 100)
    assert [bool(health.count(0, 10, 6)) for _ in range(10)] == [False] * 9 + [True]


def test_the_reason_says_how_much_and_what_to_do() -> None:
    assert Health(0.25, 100).count(3, 200, 51) == (
        "51 of 200 recent rows cannot be stored, more than 25%; see the newest dead letters, and resume the partition when "
        "their cause is gone"
    )


def test_a_share_within_the_limit_is_borne() -> None:
    health = Health(0.5, 100)
    assert not any(health.count(0, 40, 20) for _ in range(50))


def test_a_long_good_past_does_not_hide_a_bad_present() -> None:
    health = Health(0.5, 100)
    health.count(0, 1_000_000, 0)
    assert not health.count(0, 90, 90)
    assert health.count(0, 90, 90)


def test_partitions_do_not_answer_for_each_other() -> None:
    health = Health(0.5, 100)
    assert not health.count(0, 60, 60)
    assert not health.count(1, 60, 60)
    assert health.count(0, 60, 60)


def test_what_was_forgotten_or_has_paused_counts_anew() -> None:
    health = Health(0.5, 100)
    health.count(0, 60, 60)
    health.forget(0)
    assert not health.count(0, 60, 60)
    assert health.count(0, 60, 60)
    assert not health.count(0, 60, 60)
