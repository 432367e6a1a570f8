"""Streaming anomalies: what is told, what is not, and that the state goes on where it was."""

import numpy as np
import pytest

from services.insights.detect import anomaly, expectation, novelty, season, tail
from tidemark.v1 import insight_pb2 as pb

HOUR = 3_600


def starts(count: int, seconds: int = HOUR) -> np.ndarray:
    return np.datetime64("2024-01-01", "us") + np.arange(count) * np.timedelta64(seconds, "s")


def white(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 5, count)


def judged(values: np.ndarray, season: int | None = 0) -> anomaly.Scores:
    return anomaly.score(values, starts(len(values)), season)


def test_a_spike_is_found_once() -> None:
    values = white(400)
    values[300] = 180
    scores = judged(values)
    [finding] = [each for each in anomaly.findings(values, scores, 7) if each.p_value < 1e-4]
    assert (finding.start, finding.series) == (300, (7,))
    assert finding.end <= 300 + anomaly.RUN
    assert finding.direction == pb.DIRECTION_UP
    assert finding.marked[0] == 300
    assert values[300] - finding.expected[300] == pytest.approx(80, abs=8)


def test_a_shift_is_one_disturbance_and_then_usual() -> None:
    values = white(1_000)
    values[800:] += 60
    scores = judged(values)
    found = [each for each in anomaly.findings(values, scores) if each.p_value < 1e-4]
    assert [each.start for each in found] == [800]
    assert scores.expected[840] == pytest.approx(160, abs=8)


def test_a_drop_of_a_series_with_a_season_is_found_though_nights_are_lower() -> None:
    hours = np.arange(24 * 21)
    values = 100 + 50 * np.sin(2 * np.pi * hours / 24) + white(len(hours)) - 100
    noon = 24 * 20 + 6
    values[noon : noon + 3] = 60  # Every night is lower than this.
    scores = judged(values, None)
    assert scores.expected[noon] == pytest.approx(150, abs=15)
    assert scores.p_values[noon] < 2e-4
    assert anomaly.learn(values, starts(len(values))).expectation.season == 24


def test_values_that_are_usual_are_inside_of_the_band() -> None:
    values = white(1_000)
    scores = judged(values)
    inside = (values >= scores.lower) & (values <= scores.upper)
    assert 0.97 < inside[200:].mean() <= 1.0


def test_what_is_stored_steps_on_as_if_it_never_was() -> None:
    values, when = white(300), starts(320).astype("datetime64[s]").astype(int)
    state = anomaly.learn(values, starts(300), 24)
    stored = anomaly.State.decode(state.encode())
    assert stored is not None
    for number, value in enumerate(white(20, 1).tolist()):
        assert anomaly.step(stored, value, int(when[300 + number])) == anomaly.step(
            state, value, int(when[300 + number])
        )
    assert stored.encode() == state.encode()


def test_a_state_of_another_version_is_not_read() -> None:
    assert anomaly.State.decode(b"\xff" + anomaly.learn(white(50), starts(50)).encode()[1:]) is None
    assert anomaly.State.decode(b"") is None


def test_a_state_stays_small() -> None:
    state = anomaly.learn(white(1_500), starts(1_500), 0)
    assert len(state.encode()) < 16_000
    assert state.count == 1_500


def test_counts_are_never_surer_than_chance_allows() -> None:
    chance = np.random.default_rng(3)
    values = chance.poisson(0.02, 600).astype(float)
    values[500] = 1.0
    scores = judged(values)
    assert scores.p_values.min() > 1e-4
    assert scores.lower.min(initial=0, where=np.isfinite(scores.lower)) >= 0
    values[550] = 60.0
    assert judged(values).p_values[550] < 1e-3


def test_a_count_that_is_no_count_after_all_is_learnt_anew() -> None:
    values = np.append(np.full(100, 5.0), [5.5, -3.0, 5.0])
    scores = judged(values)
    assert scores.lower[-1] < scores.expected[-1] <= scores.upper[-1]


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(0),
        np.ones(1),
        np.full(200, np.nan),
        np.full(200, 7.0),
        np.full(200, 0.0),
        np.full(200, 1e300),
        np.where(np.arange(200) % 2, 1e300, -1e300),
        np.where(np.arange(200) == 150, np.inf, 1.0),
        np.where(np.arange(300) % 3 == 0, np.nan, white(300)),
        -white(200),
        np.full(200, 5e-324),
        np.append(np.zeros(1), np.full(199, 1e6)),
    ],
    ids=["empty", "one", "nan", "constant", "zero", "huge", "both", "infinite", "gaps", "negative", "tiny", "step"],
)  # fmt: skip
def test_odd_series_are_judged_without_alarm(values: np.ndarray) -> None:
    scores = anomaly.score(values, starts(len(values)))
    assert len(scores.p_values) == len(values)
    assert ((scores.p_values > 0) & (scores.p_values <= 1)).all()
    assert [each for each in anomaly.findings(values, scores) if each.p_value < 1e-4] == []
    state = anomaly.learn(values, starts(len(values)))
    assert anomaly.State.decode(state.encode()).encode() == state.encode()


def test_too_few_values_lead_to_no_expectation() -> None:
    scores = judged(np.append(white(anomaly.LEAST), 1e6))
    assert np.isnan(scores.expected[: anomaly.LEAST]).all()
    assert np.isfinite(scores.expected[anomaly.LEAST])
    assert (scores.p_values[: anomaly.LEAST] == 1).all()


def test_a_change_of_what_never_changed_is_as_rare_as_it_was_long() -> None:
    values = np.append(np.full(500, 3.0), 4.0)
    scores = judged(values)
    assert scores.alarms[-1] == (scores.p_values[-1] <= anomaly.RARE or scores.scores[-1] >= anomaly.STRANGE)
    assert 1e-3 < scores.p_values[-1] < 0.02


def test_p_values_of_chance_are_not_too_small() -> None:
    chance = np.random.default_rng(5)
    kinds = [chance.normal(size=3_000), chance.standard_t(3, 3_000), chance.lognormal(size=3_000)]
    for values in kinds:
        p_values = judged(values).p_values[300:]
        assert (p_values <= 0.1).mean() <= 0.1
        assert (p_values <= 0.001).mean() <= 0.003


def test_the_tail_goes_on_beyond_the_sample_but_never_below_it() -> None:
    sample = np.random.default_rng(0).exponential(size=1_000)
    assert tail.p_value(sample, 0.0) == 1.0
    assert tail.p_value(sample, float(np.median(sample))) == pytest.approx(0.5, abs=0.01)
    assert tail.p_value(sample, 12.0) < 1 / 1_001
    assert tail.p_value(sample, 12.0) > np.exp(-12)
    assert tail.p_value(sample, 1e9) >= tail.RAREST
    assert tail.p_value(sample[:20], 1e9) == pytest.approx(1 / 21)
    assert tail.p_value(np.zeros(0), 1.0) == 1.0
    assert tail.p_value(np.zeros(500), 1.0) == pytest.approx(1 / 501)


def test_a_season_is_believed_when_it_tells_the_last_cycle() -> None:
    hours = np.arange(24 * 28)
    daily = 10 * np.sin(2 * np.pi * hours / 24)
    weekly = daily * np.where(hours // 24 % 7 < 5, 1.0, 0.2)
    noise = np.random.default_rng(0).normal(size=len(hours))
    assert season.find(daily + noise, hours, HOUR) == 24
    assert season.find(weekly + noise, hours, HOUR) == 168
    assert season.find(noise, hours, HOUR) == 0
    assert season.find(daily[:60], hours[:60], HOUR) == 0
    assert season.find(np.zeros(0), np.zeros(0, np.int64), HOUR) == 0
    assert season.find(np.ones(100), np.arange(100), HOUR) == 0


def test_a_long_season_is_drawn_through_few_points() -> None:
    minutes = np.arange(1_440 * 4)
    values = np.sin(2 * np.pi * minutes / 1_440)
    drawn = season.profile(values, minutes, 1_440)
    assert len(drawn) == season.LARGEST
    assert np.abs(season.at(drawn, minutes, 1_440) - values).max() < 0.02


def test_the_nearest_past_is_what_ended_before_the_stretch_began() -> None:
    past = np.tile(np.arange(16.0), 4)
    assert novelty.stretch(past, 0.0) == novelty.NOTHING
    assert novelty.stretch(past, 4.0) == pytest.approx(np.log(4))
    assert novelty.stretch(past[:20], 0.0) == novelty.NOTHING
    assert novelty.alone(past, 18.0) == pytest.approx(np.log(3))


def test_a_wandering_series_is_expected_where_it_is() -> None:
    values = np.random.default_rng(1).normal(size=600).cumsum()
    known, _ = expectation.begun(values, np.arange(600), 0)
    assert known.lasts > 0.9
    assert known.expected(600) == pytest.approx(values[-1], abs=3)
