"""The certificate that a server shows: files of the settings come in; what gRPC and HTTP need goes out to `server.py`, `http.py` and `exposition.py`.

Every connection gets what the files hold when it begins, so that a certificate, or the authority of its clients, is replaced without a restart.
"""

import ssl
from typing import Any

import grpc
from cryptography import x509

from services.kit.settings import Settings
from tidemark.pem import Files, Pem


class Certificates:
    """What this process shows, and by which authority it knows its clients where it asks for their certificate."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._files = Files(settings.tls_client_ca_file, settings.tls_cert_file, settings.tls_key_file)
        self._pem: Pem | None = None
        self._context: ssl.SSLContext

    def credentials(self) -> grpc.ServerCredentials:
        """For gRPC, which asks before each handshake."""
        shown = self._files.now()

        def changed() -> grpc.ServerCertificateConfiguration | None:
            nonlocal shown
            if (now := self._files.now()) is shown:
                return None
            shown = now
            return _configuration(now)

        return grpc.dynamic_ssl_server_credentials(
            _configuration(shown), changed, require_client_authentication=shown.roots is not None
        )

    def context(self) -> ssl.SSLContext:
        """For the next connection by HTTP."""
        if (now := self._files.now()) is not self._pem:
            self._context, self._pem = self._made(), now
        return self._context

    def following(self) -> ssl.SSLContext:
        """For a server that wants one context for all connections."""
        made = _Following(ssl.PROTOCOL_TLS_SERVER)
        made.certificates = self
        return made

    def end(self) -> float:
        """When the certificate ends that is shown, in seconds since 1970; 0 without TLS."""
        shown = self._files.now().certificate
        if shown is None:
            return 0.0
        own, *_ = x509.load_pem_x509_certificates(shown)
        return own.not_valid_after_utc.timestamp()

    def _made(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._settings.tls_cert_file, self._settings.tls_key_file or None)
        if self._settings.tls_client_ca_file:
            context.load_verify_locations(self._settings.tls_client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class _Following(ssl.SSLContext):
    """Makes each connection by the context of its moment."""

    certificates: Certificates

    def wrap_bio(self, *given: Any, **options: Any) -> ssl.SSLObject:
        return self.certificates.context().wrap_bio(*given, **options)


def _configuration(pem: Pem) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(pem.key or pem.certificate, pem.certificate)], root_certificates=pem.roots
    )
