"""Certificates made for one test run: good ones, and each way of being bad."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers.running import LOOPBACK


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key, as PEM; `chain_pem` includes intermediates that a server should send."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain_pem: str

    @property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def context(self, *, client_authority_pem: str | None = None) -> ssl.SSLContext:
        """For a server; with `client_authority_pem` it demands a client certificate by that authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "server.pem"
            file.write_text(self.chain_pem + self.key_pem)
            context.load_cert_chain(file)
        if client_authority_pem is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=client_authority_pem)
        return context


class Authority:
    """A certificate authority of the test's own, with an intermediate."""

    def __init__(self, name: str = "Test Authority") -> None:
        self.root = _issue(name, None, authority=True)
        self.intermediate = _issue(f"{name} Intermediate", self.root, authority=True)

    @property
    def pem(self) -> str:
        return self.root.certificate_pem

    def write_bundle(self, folder: Path) -> Path:
        """A file for `HttpRequest.ca_bundle` and the like."""
        bundle = folder / "authority.pem"
        bundle.write_text(self.pem)
        return bundle

    def client_context(self) -> ssl.SSLContext:
        """A client's context that trusts this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.pem)
        return context

    def issue(
        self,
        *names: str,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        send_intermediate: bool = True,
    ) -> Issued:
        """A certificate for `names` (host names or addresses), valid from yesterday for 90 days."""
        leaf = _issue(names[0], self.intermediate, names=names, not_before=not_before, not_after=not_after)
        between = self.intermediate.certificate_pem if send_intermediate else ""
        return Issued(leaf.certificate, leaf.key, leaf.certificate_pem + between)

    def server(self, *names: str) -> ssl.SSLContext:
        return self.issue(*(names or ("localhost", LOOPBACK))).context()

    def expired(self, *names: str, days: int = 3) -> ssl.SSLContext:
        now = datetime.now(UTC)
        issued = self.issue(
            *(names or ("localhost", LOOPBACK)),
            not_before=now - timedelta(days=days + 90),
            not_after=now - timedelta(days=days),
        )
        return issued.context()

    def without_intermediate(self, *names: str) -> ssl.SSLContext:
        return self.issue(*(names or ("localhost", LOOPBACK)), send_intermediate=False).context()


def self_signed(*names: str) -> ssl.SSLContext:
    names = names or ("localhost", LOOPBACK)
    return _issue(names[0], None, names=names).context()


def _issue(
    common_name: str,
    by: Issued | None,
    *,
    names: Sequence[str] = (),
    authority: bool = False,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    issuer_key = by.key if by else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before or now - timedelta(days=1))
        .not_valid_after(not_after or now + timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if authority:
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
        )
    certificate = builder.sign(issuer_key, hashes.SHA256())
    return Issued(certificate, key, certificate.public_bytes(serialization.Encoding.PEM).decode())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
