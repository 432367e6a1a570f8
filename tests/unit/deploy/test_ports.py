"""A default port that is taken is replaced; one that was asked for is not."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from deploy.local.ports import DEFAULTS, STRIDE, Ports, PortTaken, free_port

Copy = Callable[..., Ports]


@pytest.fixture
def default(monkeypatch: pytest.MonkeyPatch) -> int:
    """A default for `query` which is free now, as is the next choice after it."""
    while (port := free_port()) + STRIDE > 65535:
        pass
    monkeypatch.setitem(DEFAULTS, "query", port)
    return port


@pytest.fixture
def copy() -> Iterator[Copy]:
    """Makes the ports of one more copy of the project, with these settings."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(closing(Ports(settings)))


@pytest.fixture
def stranger(default: int) -> Iterator[int]:
    """Another program on the default port."""
    with socket.create_server(("127.0.0.1", default)):
        yield default


def test_a_free_default_is_taken(copy: Copy, default: int) -> None:
    assert copy().take("query") == default


def test_a_taken_default_is_replaced_by_one_with_the_same_last_digits(copy: Copy, stranger: int) -> None:
    port = copy().take("query")
    assert port > stranger
    assert (port - stranger) % STRIDE == 0


def test_two_copies_starting_at_once_get_different_ports(copy: Copy, default: int) -> None:
    first, second = copy(), copy()
    assert first.take("query") != second.take("query")


def test_a_setting_chooses_the_port(copy: Copy) -> None:
    port = free_port()
    assert copy(TIDEMARK_QUERY_PORT=str(port)).take("query") == port


def test_a_setting_that_cannot_be_met_is_an_error_which_names_it(copy: Copy, stranger: int) -> None:
    with pytest.raises(PortTaken, match=f"{stranger} \\(TIDEMARK_QUERY_PORT\\)"):
        copy(TIDEMARK_QUERY_PORT=str(stranger)).take("query")


@pytest.mark.parametrize("value", ["http", "-1", "0", "65536"])
def test_a_setting_that_is_no_port_is_an_error_which_shows_it(copy: Copy, value: str) -> None:
    with pytest.raises(PortTaken, match=f"TIDEMARK_QUERY_PORT={value}"):
        copy(TIDEMARK_QUERY_PORT=value).take("query")


def test_metrics_ports_follow_each_other(copy: Copy) -> None:
    first = free_port()
    ports = copy(TIDEMARK_METRICS_PORT=str(first))
    assert ports.take_metrics("ingest", 0) == first
    assert ports.chosen == {"ingest metrics": first}
