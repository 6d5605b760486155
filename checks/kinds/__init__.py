"""Every way of checking, one file each. Importing this package fills the register."""

from checks.kinds import disk, http, memory, python, tcp

__all__ = ["disk", "http", "memory", "python", "tcp"]
