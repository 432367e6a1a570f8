"""The replay of a load: what a cluster does to lag and pods, on loads whose outcome is known."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.scaling import MOST, START_SECONDS, Policy, replay
from services.insights.scaler.figure import BUCKET_SECONDS, Outlook, Wanted

WANTED = Wanted(pod_rate=100.0, backlog_seconds=10.0)
BACKLOG = Policy(WANTED, present=False, outlook=False)


def test_what_one_pod_carries_waits_for_nobody() -> None:
    found = replay(np.full(60, 70.0 * 60), 0, 60, Policy(WANTED), {})
    assert found.lag_most == pytest.approx(0, abs=0.01)
    assert found.pod_minutes == 60


def test_a_step_waits_until_pods_have_started_and_then_for_what_has_gathered() -> None:
    minutes = np.r_[np.full(30, 50.0), np.full(30, 500.0)] * 60
    found = replay(minutes, 0, 60, BACKLOG, {})
    # Of 45 s of events one pod has committed a fifth when the others have started.
    assert found.lag_most == pytest.approx(0.8 * START_SECONDS)
    assert 30 + 30 * 5 < found.pod_minutes < 60 * MOST


def test_a_forecast_of_the_step_has_pods_ready_before_it() -> None:
    minutes = np.r_[np.full(30, 50.0), np.full(30, 500.0)] * 60
    upper = tuple(minutes[::5] * 5 * 1.1)
    known = {0: Outlook(0.0, 0.0, upper, good=True)}
    policy = replace(BACKLOG, outlook=True)
    # It ends with the hour, and is stale after 45 minutes; from then on the backlog keeps the pods.
    assert replay(minutes, 0, 40, policy, known).lag_most == pytest.approx(0, abs=0.01)
    assert BUCKET_SECONDS == 300


def test_pods_that_are_not_needed_go_after_five_minutes() -> None:
    minutes = np.r_[np.full(10, 500.0), np.full(30, 50.0)] * 60
    long = replay(minutes, 0, 40, Policy(WANTED), {})
    short = replay(minutes, 0, 30, Policy(WANTED), {})
    assert long.pod_minutes - short.pod_minutes == 10
