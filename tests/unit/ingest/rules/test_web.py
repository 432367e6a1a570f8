"""What browsers send, taken apart."""

import pytest

from services.kit.errors import Invalid
from tests.ruling import applied, faults, program, properties, seen, told

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.2 Mobile/15E148 Safari/604.1"
)
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0"
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def test_a_user_agent_is_taken_apart_beside_itself() -> None:
    found = seen(applied([{"context": {"user_agent": PHONE}}], {"parseUserAgent": {}}), "context")
    assert found == [
        {
            "user_agent": PHONE,
            "browser": "Mobile Safari",
            "browser_version": "17.2",
            "os": "iOS",
            "os_version": "17.2",
            "device": "iPhone",
            "bot": False,
        }
    ]


def test_parts_that_are_not_known_are_left_out() -> None:
    rule = {"parseUserAgent": {"field": "properties.ua", "to": "properties.client"}}
    desktop, other = properties(rule, {"ua": DESKTOP}, {"ua": "?"})
    assert desktop["client"] == {
        "browser": "Firefox",
        "browser_version": "121.0",
        "os": "Linux",
        "bot": False,
    }
    assert other["client"] == {"bot": False}


@pytest.mark.parametrize(
    "text", [CRAWLER, "curl/8.5.0", "python-requests/2.31", "HeadlessChrome/120", "somebot"]
)
def test_bots_are_told(text: str) -> None:
    (found,) = properties({"parseUserAgent": {"field": "properties.ua", "to": "properties"}}, {"ua": text})
    assert found["bot"] is True


def test_an_identification_without_end_is_not_looked_at() -> None:
    rule = {"parseUserAgent": {"field": "properties.ua"}}
    assert faults(rule, {"ua": "x" * 501}, {"ua": 5}) == [
        'properties.ua: is "xxxxxxxxxxxxxxxxxxx…, which cannot be taken apart: it has 501 characters, more than 500',
        "properties.ua: is 5; only a text can be taken apart",
    ]


def test_an_address_is_taken_apart_beside_itself() -> None:
    url = "https://ann:secret@Shop.Example:8443/a%20b/?utm_source=news&utm_medium=e%2Dmail&utm_campaign=&q=1&utm_source=x#top"
    (found,) = properties({"parseUrl": {}}, {"url": url, "path": "before"})
    assert found == {
        "url": url,
        "host": "shop.example",
        "path": "/a%20b/",
        "query": "utm_source=news&utm_medium=e%2Dmail&utm_campaign=&q=1&utm_source=x",
        "utm_source": "news",
        "utm_medium": "e-mail",
    }


def test_addresses_need_not_be_whole() -> None:
    rule = {"parseUrl": {"field": "properties.page", "to": "properties.at"}}
    found = properties(rule, {"page": "/a?utm_term=x"}, {"page": "//[::1]/b"}, {"page": "mailto:x@y"}, {})
    assert [each.get("at") for each in found] == [
        {"path": "/a", "query": "utm_term=x", "utm_term": "x"},
        {"host": "::1", "path": "/b"},
        {"path": "x@y"},
        None,
    ]


def test_what_is_no_address_stays_and_is_told() -> None:
    many = "?" + "&".join("a=1" for _ in range(1001))
    sentences = faults(
        {"parseUrl": {}}, {"url": "http://[bad"}, {"url": [1]}, {"url": "x" * 8193}, {"url": many}
    )
    assert [sentence.split(": ", 2)[1].split(";")[0] for sentence in sentences] == [
        'is "http://[bad", which cannot be taken apart',
        "is [1]",
        'is "xxxxxxxxxxxxxxxxxxx…, which cannot be taken apart',
        'is "?a=1&a=1&a=1&a=1&a=…, which cannot be taken apart',
    ]


def test_either_all_parts_are_set_or_none() -> None:
    found = applied([{"properties": {"url": "https://a.example/?utm_source=%00"}}], {"parseUrl": {}})
    assert told(found) == ["0 r0 properties.utm_source: would hold a NUL character, which is not stored"]
    assert seen(found) == [{"url": "https://a.example/?utm_source=%00"}]


def test_parts_are_set_below_an_object() -> None:
    with pytest.raises(Invalid, match=r"parse_url\.to: is 'user_id', which has no parts"):
        program({"parseUrl": {"to": "user_id"}})
