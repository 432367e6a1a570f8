"""Certificates for tests: authorities, what they sign, and files that are replaced as whoever renews certificates does."""

import datetime
import itertools
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_serials = itertools.count(1000)


@dataclass(frozen=True)
class Certified:
    """A certificate and its key as PEM."""

    pem: bytes
    key: bytes
    serial: int

    def put(self, certificate: Path, key: Path) -> None:
        """Replaces both files, the key first: for a moment they do not belong together."""
        replace(key, self.key)
        replace(certificate, self.pem)


@dataclass(frozen=True)
class Authority:
    """Signs."""

    name: str
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def pem(self) -> bytes:
        """What those hold who trust it."""
        made = self._builder(self.name, self._key).add_extension(x509.BasicConstraints(True, None), True)
        return _text(made.sign(self._key, hashes.SHA256()))

    def issue(self, name: str, days: int = 2) -> Certified:
        """A certificate for this machine, good for servers and clients."""
        key, serial = ec.generate_private_key(ec.SECP256R1()), next(_serials)
        names = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        made = (
            self._builder(name, key, serial, days)
            .add_extension(x509.SubjectAlternativeName(names), False)
            .add_extension(x509.ExtendedKeyUsage(uses), False)
            .add_extension(x509.BasicConstraints(False, None), True)
        )
        plain = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Certified(_text(made.sign(self._key, hashes.SHA256())), plain, serial)

    def _builder(
        self, name: str, key: ec.EllipticCurvePrivateKey, serial: int = 1, days: int = 2
    ) -> x509.CertificateBuilder:
        today = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(self.name))
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(today - datetime.timedelta(days=1))
            .not_valid_after(today + datetime.timedelta(days=days))
        )


def replace(path: Path, content: bytes) -> None:
    """Puts a file in the place of another, all or nothing."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _text(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
