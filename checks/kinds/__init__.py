"""Every way of checking, one file each. Importing this package fills the register."""

from checks.kinds import (
    broker,
    database,
    disk,
    dns,
    domain,
    http,
    icmp,
    memory,
    model,
    postgres,
    python,
    redis,
    tcp,
    tls,
    worker,
)

__all__ = [
    "broker",
    "database",
    "disk",
    "dns",
    "domain",
    "http",
    "icmp",
    "memory",
    "model",
    "postgres",
    "python",
    "redis",
    "tcp",
    "tls",
    "worker",
]
