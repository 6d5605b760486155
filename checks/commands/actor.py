"""Who asks for a change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """
    Attributes:
        name: As the log shows it: a user's name, a file's, a token's.
        kind: ``person``, ``file``, ``code``, ``token`` or ``system``.
    """

    name: str
    kind: str

    def metadata(self) -> dict[str, str]:
        """What an event says about who caused it."""
        return {"actor": self.name, "actor_kind": self.kind}


SYSTEM = Actor("breakwater", "system")
