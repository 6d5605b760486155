"""
The timer's door. Beat sends these; each hands one command to the bus, or wakes the prober.

A message is a hint that it is time to look, never the memory of what is due: lost, doubled or
reordered messages change nothing.
"""

from __future__ import annotations

from celery import shared_task

from checks import bus
from checks.commands.actor import SYSTEM
from checks.commands.rollups import ForgetOld, RollUp
from checks.commands.slots import WriteOffLostSlots
from checks.worker import worker


@shared_task(ignore_result=True)
def run_due(location: str) -> None:
    """Wake this process's prober; it claims what is due at the location and runs it."""
    worker().wake(location)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Account for slots whose worker was lost."""
    bus.handle(WriteOffLostSlots(), actor=SYSTEM)


@shared_task(ignore_result=True)
def roll_up() -> None:
    """Sum closed minutes, hours and days."""
    bus.handle(RollUp(), actor=SYSTEM)


@shared_task(ignore_result=True)
def expire() -> None:
    """Forget what is older than its retention."""
    bus.handle(ForgetOld(), actor=SYSTEM)
