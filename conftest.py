"""The closing line of every test run: how many tests were skipped for want of the public data sets."""

import pytest

pytest_plugins = ["tests.deployment", "tests.browser"]

SHARED = "shared/data"
"""What the reason of such a skip names; the folder `../shared/data` is optional."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count them, and name each."""
    skipped = [report for report in terminalreporter.getreports("skipped") if SHARED in str(report.longrepr)]
    terminalreporter.write_line(f"{len(skipped)} tests skipped because ../{SHARED} is missing")
    for report in skipped:
        terminalreporter.write_line(f"  {report.nodeid}")
