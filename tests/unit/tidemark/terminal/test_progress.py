"""The progress bar: share, rate and time left; silence where nobody watches."""

import io

import pytest

from tidemark.terminal.progress import Progress, clock, line


def test_share_rate_and_time_left():
    shown = line("git", 1000, 25, 100, 5.0)
    assert shown.startswith("git  ██████░")
    assert shown.endswith("25%  1,000  200/s  0:15 left")


def test_without_a_total_there_is_no_bar():
    assert line("git", 10, None, None, 2.0) == "git  10  5/s"


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (61.4, "1:01"), (3723, "1:02:03")])
def test_clocks(seconds, shown):
    assert clock(seconds) == shown


def test_a_file_gets_no_bar():
    out = io.StringIO()
    progress = Progress("git", out, total=10)
    progress.show(5, 5)
    progress.end()
    assert out.getvalue() == ""
