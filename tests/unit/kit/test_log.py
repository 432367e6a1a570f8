"""Log lines."""

import json
import logging
import sys

import pytest

from services.kit import log
from services.kit.call import Call, Method, current
from services.kit.errors import BadSetting
from services.kit.identity import new_secret


def line(message: str, *arguments: object, error: bool = False) -> dict[str, str]:
    record = logging.LogRecord("services.x", logging.INFO, "x.py", 1, message, arguments, None)
    if error:
        try:
            raise KeyError(message)
        except KeyError:
            record.exc_info = sys.exc_info()
    text = log.JsonLines("query").format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_record_is_one_line_of_json():
    written = line("first\nsecond %s", "third")
    assert written["message"] == "first\nsecond third"
    assert (written["level"], written["target"], written["logger"]) == ("INFO", "query", "services.x")
    assert written["at"].endswith("+00:00")


def test_a_record_within_a_call_names_it():
    call = Call(
        Method("tidemark.v1.QueryService", "RunQuery", 2, False, False), None, "req-1", "ipv4:127.0.0.1:1"
    )
    token = current.set(call)
    try:
        written = line("working")
    finally:
        current.reset(token)
    assert (written["request_id"], written["method"]) == ("req-1", "tidemark.v1.QueryService.RunQuery")


def test_a_traceback_stays_in_its_line():
    assert "KeyError" in line("lost", error=True)["traceback"]


@pytest.mark.parametrize("attempt", range(20))
def test_a_secret_is_never_written(attempt):
    secret = new_secret()
    for text in (secret.text, f"Bearer {secret.text}", f"{{'authorization': '{secret.text}'}}"):
        written = json.dumps(line(text, error=True))
        assert secret.text not in written
        assert secret.key_id in written


@pytest.mark.parametrize("url", ["postgresql://tidemark:hunter2@db/x", "redis://:hunter2@cache:6379/0"])
def test_a_password_in_a_url_is_never_written(url):
    written = json.dumps(line("waiting for %s", url, error=True))
    assert "hunter2" not in written
    assert ":***@" in written


def test_an_unknown_level_is_refused():
    with pytest.raises(BadSetting, match="TIDEMARK_LOG_LEVEL is 'LOUD'; write one of DEBUG"):
        log.start("query", "LOUD")
