"""
The whitelist: which function carries out which command. What is not in the table is refused.

Faces, tasks and commands of the terminal hand every change to `handle`; there is no other way to
write.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from checks.commands import checks, configuration, pages, results, rollups, signs, slots
from checks.commands.actor import Actor
from checks.errors import UnknownCommand

log = logging.getLogger(__name__)

COMMANDS: dict[type, Callable[[Any, Actor], Any]] = {
    checks.DefineCheck: checks.define_check,
    checks.RemoveCheck: checks.remove_check,
    checks.PauseCheck: checks.pause_check,
    checks.ResumeCheck: checks.resume_check,
    checks.RunCheckNow: checks.run_check_now,
    configuration.ApplyConfiguration: configuration.apply_configuration,
    configuration.SyncRegistered: configuration.sync_registered,
    pages.DefineStatusPage: pages.define_status_page,
    pages.RemoveStatusPage: pages.remove_status_page,
    slots.ClaimSlots: slots.claim_slots,
    slots.ReleaseSlots: slots.release_slots,
    slots.WriteOffLostSlots: slots.write_off_lost_slots,
    results.RecordResults: results.record_results,
    rollups.RollUp: rollups.roll_up,
    rollups.ForgetOld: rollups.forget_old,
    signs.GiveSign: signs.give_sign,
}


def handle(command: object, *, actor: Actor) -> Any:
    """
    Carry out one command for an actor and return what its handler returns.

    Raises:
        UnknownCommand: The command's type is not in the table.
    """
    handler = COMMANDS.get(type(command))
    if handler is None:
        log.warning("command.blocked", extra={"command": type(command).__name__, "actor": actor.name})
        raise UnknownCommand(f"{type(command).__name__} is not a command that Breakwater knows.")
    return handler(command, actor)
