"""What is believed about where a request came from."""

import pytest

from services.kit.edge import network, peer, told

HEADERS = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https")]


def test_the_edge_is_believed() -> None:
    assert (
        peer([*HEADERS, ("x-tidemark-edge", "secret")], ("secret", ""), "ipv4:127.0.0.1:1") == "203.0.113.9"
    )
    assert told([*HEADERS, ("x-tidemark-edge", "secret")], ("secret",))["x-forwarded-proto"] == "https"


@pytest.mark.parametrize(
    ("shown", "secret"),
    [([], "secret"), ([("x-tidemark-edge", "guess")], "secret"), ([("x-tidemark-edge", "")], ""), ([], "")],
)
def test_nobody_else_is(shown: list[tuple[str, str]], secret: str) -> None:
    assert peer([*HEADERS, *shown], (secret, ""), "ipv4:127.0.0.1:1") == "ipv4:127.0.0.1:1"
    assert told([*HEADERS, *shown], (secret, "")) == {}


def test_while_its_secret_is_replaced_an_edge_with_either_is_believed() -> None:
    for shown in ("new", "old"):
        assert (
            peer([*HEADERS, ("x-tidemark-edge", shown)], ("new", "old"), "ipv4:127.0.0.1:1") == "203.0.113.9"
        )
    assert told([*HEADERS, ("x-tidemark-edge", "older")], ("new", "old")) == {}


def test_an_edge_that_tells_nothing_leaves_the_connection() -> None:
    assert peer([("x-tidemark-edge", "secret")], ("secret", ""), "ipv4:127.0.0.1:1") == "ipv4:127.0.0.1:1"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("ipv4:203.0.113.9:50123", "203.0.113.9"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("ipv6:%5B2001:db8:1:2:3::4%5D:50123", "2001:db8:1:2::/64"),
        ("unix:", "unix:"),
    ],
)
def test_an_address_is_the_same_from_every_port_and_of_ipv6_the_customer_s_half(
    given: str, address: str
) -> None:
    assert network(given) == address
