"""A TLS handshake and the certificate that it shows."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from cryptography import x509
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _
from pydantic import Field

from checks.egress import Connection
from checks.errors import CheckError, EgressBlocked, NameNotResolved
from checks.kinds.base import Kind, Probing, kind
from checks.kinds.certificates import Certificate, context, read_certificate
from checks.kinds.expiry import check_order, verdict_by_days
from checks.kinds.fields import Host, OptionalHost, Pem, Port
from checks.kinds.timing import total
from checks.rules.outcome import Facts, Outcome
from checks.rules.targets import dialled_host, host_and_port, shown_host

DEGRADED_DAYS = 14
DOWN_DAYS = 3
# As OpenSSL calls them, oldest first.
PROTOCOLS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


@kind("tls")
@dataclass(frozen=True, kw_only=True)
class Tls(Kind):
    label = gettext_lazy("TLS certificate")
    summary = gettext_lazy("Up while the certificate is valid for the host and far enough from its end.")
    icon: ClassVar[str] = "lock"
    placeholders: ClassVar[frozenset[str]] = frozenset(
        {"CONNECTED", "RESPONSE_TIME", "IP", "CERTIFICATE_EXPIRATION"}
    )

    host: Annotated[Host, Field(title=_("Host"), description=_("Host name or IP address."))]
    port: Annotated[Port, Field(title=_("Port"), description=_("From 1 to 65535."))] = 443
    server_name: Annotated[
        OptionalHost,
        Field(
            title=_("Server name"),
            description=_("The name that the certificate must be for; the host when empty."),
        ),
    ] = ""
    degraded_days: Annotated[
        int,
        Field(
            ge=0,
            le=3650,
            title=_("Degraded days"),
            description=_("Degraded with fewer days than this until the certificate expires."),
        ),
    ] = DEGRADED_DAYS
    down_days: Annotated[
        int,
        Field(
            ge=0,
            le=3650,
            title=_("Down days"),
            description=_("Down with fewer days than this until the certificate expires."),
        ),
    ] = DOWN_DAYS
    verify: Annotated[
        bool,
        Field(title=_("Verify"), description=_("Down when the chain or the host name is not valid.")),
    ] = True
    authorities: Annotated[
        Pem,
        Field(
            title=_("Authorities"),
            description=_(
                "PEM certificates that are trusted instead of the usual authorities; for private ones."
            ),
        ),
    ] = ""
    minimum_protocol: Annotated[
        Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"],
        Field(title=_("Minimum protocol"), description=_("Down when an older protocol is negotiated.")),
    ] = "TLSv1.2"

    def __post_init__(self) -> None:
        check_order(self.degraded_days, self.down_days)
        if self.authorities:
            try:
                x509.load_pem_x509_certificates(self.authorities.encode())
            except ValueError:
                raise ValueError("authorities: holds no PEM certificate that can be read") from None

    async def probe(self, probing: Probing) -> Outcome:
        try:
            async with await self._connect(probing, verify=self.verify) as connection:
                return self._judged(connection, probing.now)
        except (NameNotResolved, EgressBlocked):
            raise
        except CheckError as error:
            if not isinstance(error.__context__, ssl.SSLCertVerificationError):
                raise
            return await self._explained(error, probing)

    async def _explained(self, failure: CheckError, probing: Probing) -> Outcome:
        """Say what the refused certificate is; a refused handshake keeps it, so it is fetched unverified."""
        try:
            async with await self._connect(probing, verify=False) as connection:
                facts, certificate = _read(connection, probing.now)
        except CheckError:
            return Outcome.down(str(failure))
        return Outcome.down(f"{failure} ({certificate.described(probing.now)})", facts=facts)

    async def _connect(self, probing: Probing, *, verify: bool) -> Connection:
        return await probing.egress.connect(
            self.host,
            self.port,
            tls=context(verify=verify, authorities=self.authorities),
            server_hostname=dialled_host(self.server_name or self.host).rstrip("."),
        )

    def _judged(self, connection: Connection, now: datetime) -> Outcome:
        facts, certificate = _read(connection, now)
        protocol = connection.writer.get_extra_info("ssl_object").version()
        if PROTOCOLS.index(protocol) < PROTOCOLS.index(self.minimum_protocol):
            return Outcome.down(
                f"speaks {protocol}, at least {self.minimum_protocol} is asked for",
                facts=facts,
                phases_ms=connection.phases_ms,
            )
        left = certificate.expires_at - now
        verdict, by_default = verdict_by_days(
            left,
            degraded_days=self.degraded_days,
            down_days=self.down_days,
            usual=(DEGRADED_DAYS, DOWN_DAYS),
        )
        return Outcome(
            verdict=verdict,
            output=f"{protocol}; the certificate {certificate.expiry(now)}",
            facts=facts,
            phases_ms=connection.phases_ms,
            replaceable_by="CERTIFICATE_EXPIRATION" if by_default else "",
        )

    def target(self) -> str:
        place = host_and_port(self.host, self.port)
        return f"{place} ({shown_host(self.server_name)})" if self.server_name else place

    def peer(self) -> str:
        return dialled_host(self.host)


def _read(connection: Connection, now: datetime) -> tuple[Facts, Certificate]:
    certificate = read_certificate(
        connection.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    )
    facts = Facts(
        connected=True,
        ip=connection.ip,
        response_time=total(connection.phases_ms),
        certificate_expiration=certificate.expires_at - now,
    )
    return facts, certificate
