"""Whom to trust, as the environment says it."""

from tidemark.channel import Tls


def test_without_files_there_is_no_tls():
    assert Tls.given({"TIDEMARK_TLS_CERT_FILE": "of the server"}) is None


def test_roots_and_a_certificate_of_our_own_come_from_the_environment():
    given = Tls.given(
        {
            "TIDEMARK_TLS_ROOTS_FILE": "ca.pem",
            "TIDEMARK_TLS_CLIENT_CERT_FILE": "me.pem",
            "TIDEMARK_TLS_CLIENT_KEY_FILE": "me.key",
        }
    )
    assert given == Tls(roots_file="ca.pem", certificate_file="me.pem", key_file="me.key")
