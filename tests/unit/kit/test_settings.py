"""Settings out of the environment, and which of them are refused before anything is opened."""

from dataclasses import replace

import pytest

from services.kit.errors import BadSetting
from services.kit.server import require_safe
from services.kit.settings import Settings, misspelt


def test_every_setting_has_a_default():
    assert Settings.read({}) == Settings()


def test_variables_are_read_by_their_types():
    read = Settings.read(
        {"TIDEMARK_INGEST_PORT": "1234", "TIDEMARK_REFLECTION": "off", "TIDEMARK_DRAIN_SECONDS": "2.5"}
    )
    assert (read.ingest_port, read.reflection, read.drain_seconds) == (1234, False, 2.5)


@pytest.mark.parametrize(
    ("variable", "text", "remedy"),
    [
        ("TIDEMARK_INGEST_PORT", "many", "write a whole number"),
        ("TIDEMARK_DRAIN_SECONDS", "soon", "write a number"),
        ("TIDEMARK_REFLECTION", "maybe", "write true or false"),
    ],
)
def test_a_bad_value_is_refused_with_its_name_and_remedy(variable, text, remedy):
    with pytest.raises(BadSetting, match=f"{variable} is '{text}'; {remedy}"):
        Settings.read({variable: text})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_tls(host):
    require_safe(Settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "db.example.org", ""])
def test_an_address_beyond_loopback_needs_tls_or_a_word_for_it(host):
    settings = Settings(host=host)
    with pytest.raises(BadSetting, match=r"TIDEMARK_HOST is .*set TIDEMARK_TLS_CERT_FILE"):
        require_safe(settings)
    require_safe(replace(settings, insecure_remote=True))


@pytest.mark.parametrize("half", ["tls_key_file", "tls_client_ca_file"])
def test_half_of_tls_is_refused(half):
    with pytest.raises(BadSetting, match="TIDEMARK_TLS_CERT_FILE is empty"):
        require_safe(Settings(**{half: "x.pem"}))


def test_a_certificate_that_cannot_be_read_is_refused():
    with pytest.raises(BadSetting, match=r"TIDEMARK_TLS_CERT_FILE 'missing\.pem'"):
        require_safe(Settings(tls_cert_file="missing.pem", tls_key_file="missing.key"))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("TIDEMARK_POOLSIZE", "TIDEMARK_POOL_SIZE"),
        ("TIDEMARK_DATABASE_ULR", "TIDEMARK_DATABASE_URL"),
        ("TIDEMARK_INGEST_PROT", "TIDEMARK_INGEST_PORT"),
    ],
)
def test_a_misspelt_setting_is_pointed_out(wrong, right):
    assert misspelt({wrong: "1"}) == [f"{wrong} is no setting and is ignored; did you mean {right}?"]


@pytest.mark.parametrize(
    "name",
    [
        "TIDEMARK_POOL_SIZE", "TIDEMARK_KEY", "TIDEMARK_INGEST_ADDRESS", "TIDEMARK_POSTGRES_PORT", "TIDEMARK_REDIS_PORT",
        "TIDEMARK_TLS_ROOTS_FILE", "TIDEMARK_TLS_CLIENT_CERT_FILE", "TIDEMARK_QUERY_SERVICE_PORT", "TIDEMARK_PROJECT", "HOME",
    ],
)  # fmt: skip
def test_what_others_read_is_no_misspelling(name):
    assert not misspelt({name: "1"})
