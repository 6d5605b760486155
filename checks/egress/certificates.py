"""What a served certificate says of itself."""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509

Described = Sequence[Sequence[tuple[str, str]]]
"""libcurl's description of a chain: per certificate, field names and values; the leaf first."""


def expiry_in(chain: Described) -> datetime | None:
    """When the leaf expires, UTC; None when that was not told."""
    for name, value in chain[0] if chain else ():
        if name == "Expire date":
            return _expiry(value)
    return None


@lru_cache(maxsize=4096)
def _expiry(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
    except (ValueError, OverflowError):
        return None


def names_in(chain: Described) -> list[str]:
    """The names that the leaf is for."""
    fields = dict(chain[0]) if chain else {}
    listed = re.findall(r"(?:DNS|IP Address):([^,\s]+)", fields.get("X509v3 Subject Alternative Name", ""))
    if listed:
        return listed
    common = re.search(r"CN\s*=\s*([^,/]+)", fields.get("Subject", ""))
    return [common[1].strip()] if common else []


def expired_since(der: bytes, now: datetime) -> str:
    """When it expired, to follow "has expired"; empty when it has not."""
    try:
        expiry = x509.load_der_x509_certificate(der).not_valid_after_utc
    except ValueError:
        return ""
    if expiry > now:
        return ""
    return f", on {expiry:%Y-%m-%d} ({(now - expiry).days} days ago)"
