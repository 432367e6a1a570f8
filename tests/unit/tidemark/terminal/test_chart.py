"""Charts: the right size, the right shape, and something to say when there is nothing."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from tidemark.records import Line, Series
from tidemark.terminal.chart import chart, spark
from tidemark.terminal.table import columns

START = datetime(2026, 11, 1, tzinfo=UTC)


def series(*curves, groups=(), step=timedelta(days=1)):
    lines = tuple(
        Line("count", (groups[at],) if groups else (), False, tuple(curve), sum(curve))
        for at, curve in enumerate(curves)
    )
    return Series(tuple(START + step * at for at in range(len(curves[0]))), lines)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_chart_fits_its_width(width):
    drawn = chart(series([1.0, 5.0, 3.0] * 40), width, 8)
    assert len(drawn) == 10
    assert max(columns(line) for line in drawn) <= width


def test_a_rising_line_rises():
    drawn = chart(series([0.0, 10.0]), 40, 4)
    top, bottom = drawn[0], drawn[3]
    assert top.rstrip().endswith("⠉")
    assert bottom.split("┤")[1].startswith("⣀")


def test_axes_name_the_extremes_and_the_times():
    drawn = chart(series([1000.0, 2500.0, 0.0]), 60, 5)
    assert drawn[0].lstrip().startswith("2.5k ┤")
    assert drawn[4].lstrip().startswith("0 ┤")
    assert drawn[6].strip().startswith("11-01 00:00")


def test_groups_get_a_legend_with_their_totals():
    drawn = chart(series([1.0, 2.0], [30.0, 40.0], groups=("ann", "bob\x1b[31m")), 60, 4)
    assert drawn[-2].startswith("● ann")
    assert drawn[-1].endswith("70")
    assert "\x1b" not in "".join(drawn)


def test_colors_are_there_only_on_request():
    assert "\x1b[" in "".join(chart(series([1.0, 2.0]), 40, color=True))


def test_gaps_stay_gaps():
    assert spark([0.0, math.nan, 7.0], 3) == "▁ █"


def test_nothing_measured_is_said():
    assert chart(series([math.nan]), 40) == ["nothing was measured in this time"]
    assert chart(Series((), ()), 40) == ["nothing was measured in this time"]


def test_more_values_than_dots_are_averaged():
    assert spark([0.0, 0.0, 7.0, 7.0], 2) == "▁█"


def test_negative_values_hang_below_zero():
    drawn = chart(series([-5.0, 5.0]), 40, 5)
    assert drawn[0].lstrip().startswith("5 ┤")
    assert drawn[4].lstrip().startswith("-5 ┤")
