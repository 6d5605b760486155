"""TLS contexts for kinds that speak TLS over a stream, and what a served certificate says of itself."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import certifi
from cryptography import x509

from checks.errors import CheckError

SHOWN_NAMES = 5
SHOWN_CHARACTERS = 200


@lru_cache(maxsize=64)
def context(*, verify: bool, authorities: str = "") -> ssl.SSLContext:
    """
    Args:
        authorities: PEM certificates that are trusted instead of the usual ones.
    """
    # Reading the usual authorities takes tens of milliseconds: once a process, not once a probe.
    if verify:
        return ssl.create_default_context(
            cadata=authorities or None, cafile=None if authorities else certifi.where()
        )
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the served certificate says of itself, as plain text."""

    names: tuple[str, ...]
    issuer: str
    expires_at: datetime

    def described(self, now: datetime) -> str:
        names = ", ".join(self.names[:SHOWN_NAMES]) or "no name"
        if len(self.names) > SHOWN_NAMES:
            names += f" and {len(self.names) - SHOWN_NAMES} more"
        return f"for {names}; issued by {self.issuer or 'nobody'}; {self.expiry(now)}"

    def expiry(self, now: datetime) -> str:
        days = abs(self.expires_at - now).days
        when = f"expired {days} days ago" if self.expires_at <= now else f"expires in {days} days"
        return f"{when}, on {self.expires_at:%Y-%m-%d}"


def read_certificate(encoded: bytes | None) -> Certificate:
    """Raises CheckError for one that cannot be read."""
    try:
        return _certificate(x509.load_der_x509_certificate(encoded or b""))
    except (ValueError, x509.DuplicateExtension) as error:
        raise CheckError(f"its certificate cannot be read: {_printable(str(error))}") from error


def _certificate(parsed: x509.Certificate) -> Certificate:
    names: list[str] = []
    try:
        alternatives = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names += alternatives.get_values_for_type(x509.DNSName)
        names += map(str, alternatives.get_values_for_type(x509.IPAddress))
    except x509.ExtensionNotFound:
        names += _common_names(parsed.subject)
    return Certificate(
        names=tuple(map(_printable, names)),
        issuer=_printable(", ".join(_common_names(parsed.issuer)) or parsed.issuer.rfc4514_string()),
        expires_at=parsed.not_valid_after_utc,
    )


def _common_names(name: x509.Name) -> list[str]:
    return [str(part.value) for part in name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]


def _printable(text: str) -> str:
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:SHOWN_CHARACTERS]
    )
