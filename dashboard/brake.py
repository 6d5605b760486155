"""
Slows the guessing of passwords, per user name and per address, on both pages where one signs in.

The counts live in this process and end with it: a restart is the way in for an owner whose name
somebody keeps busy, and so is a minute's patience.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

FREE_FAILURES = 10
LONGEST_WAIT = 60.0  # seconds
FORGOTTEN_AFTER = 3600.0  # seconds without a failure
KEPT = 10_000
"""How many names and addresses are remembered; the one that failed longest ago goes first."""


class Brake:
    """
    Counts failures by key. After the first few, each doubles the wait until the next try, up to
    `LONGEST_WAIT`; a try that comes too early is neither looked at nor counted.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_seconds(self, *keys: str) -> float:
        """How long until the next try with all of these keys; 0 for at once."""
        return max(map(self._wait, keys))

    def failed(self, *keys: str) -> None:
        for key in keys:
            count, _last = self._remembered(key)
            self._failures[key] = (count + 1, self._clock())
            self._failures.move_to_end(key)
        while len(self._failures) > KEPT:
            self._failures.popitem(last=False)

    def succeeded(self, *keys: str) -> None:
        for key in keys:
            self._failures.pop(key, None)

    def _wait(self, key: str) -> float:
        count, last = self._remembered(key)
        if count < FREE_FAILURES:
            return 0.0
        wait = min(2.0 ** min(count - FREE_FAILURES, 10), LONGEST_WAIT)
        return max(0.0, last + wait - self._clock())

    def _remembered(self, key: str) -> tuple[int, float]:
        count, last = self._failures.get(key, (0, 0.0))
        return (count, last) if self._clock() - last < FORGOTTEN_AFTER else (0, 0.0)


brake = Brake()


class Braked:
    """A sign-in form that asks the brake first."""

    slowed = ""
    """Why the password was not looked at; empty when it was."""

    def clean(self) -> dict[str, Any]:
        form: Any = self
        address = form.request.META.get("REMOTE_ADDR", "") if form.request else ""
        keys = (f"user:{form.cleaned_data.get('username', '')}", f"address:{address}")
        if wait := math.ceil(brake.wait_seconds(*keys)):
            self.slowed = _("Too many wrong passwords: try again in %(n)d s.") % {"n": wait}
            raise ValidationError(self.slowed, code="slowed")
        try:
            cleaned: dict[str, Any] = super().clean()  # type: ignore[misc]
        except ValidationError:
            brake.failed(*keys)
            raise
        brake.succeeded(*keys)
        return cleaned


class SignInForm(Braked, AuthenticationForm):
    pass


class AdminSignInForm(Braked, AdminAuthenticationForm):
    pass
