"""
Registered functions: what an application knows best about its own health.

    from checks.kinds.python import register_check

    @register_check("ledger", interval=30, timeout=5, group="Payments")
    def ledger() -> bool:
        return Ledger.objects.is_balanced()

An app's ``health_checks.py`` is read at start, and each function in it becomes a check. A plain
function runs in a process of its own, which is killed at the deadline; an ``async`` one runs on
the loop that all probes share, so it must await whatever takes time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from inspect import iscoroutinefunction
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, TypeVar, cast

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _
from pydantic import AfterValidator, Field

from checks.errors import CheckError, EgressBlocked, ProbeUnable
from checks.kinds.base import Kind, Probing, kind
from checks.rules.outcome import Outcome

F = TypeVar("F", bound=Callable[[], object])

SHOWN_CHARACTERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """
    One registered function.

    Attributes:
        definition: The public keys of its check, as they would stand in ``checks.yaml``.
    """

    name: str
    function: Callable[[], object]
    is_async: bool
    definition: Mapping[str, Any]


REGISTERED: dict[str, Registered] = {}


def register_check(
    name: str, *, interval: float = 60, timeout: float = 10, **definition: Any
) -> Callable[[F], F]:
    """
    Make a function without arguments a check.

    It is up when the function returns None or True, down when it returns False or raises; an
    `Outcome` says it in full.

    Args:
        name: The check's name, unique among all registered functions.
        interval: Seconds from one run to the next; with ``cron=`` given, that decides instead.
        timeout: Seconds a run may take.
        definition: Any other public key of a check: ``group``, ``tags``, ``description``, ``owner``,
            ``failure_threshold`` …
    Raises:
        ValueError: Another function has that name.
    """

    def register(function: F) -> F:
        known = REGISTERED.get(name)
        # A module that is read again registers the same function anew.
        if known is not None and _place(known.function) != _place(function):
            places = f"{_place(known.function)} and {_place(function)}"
            raise ValueError(f"Check {name!r} is registered twice: {places}.")
        schedule = {} if "cron" in definition else {"interval": interval}
        keys = {"name": name, "kind": Python.slug, "function": name, "timeout": timeout}
        REGISTERED[name] = Registered(
            name=name,
            function=function,
            is_async=iscoroutinefunction(function),
            definition=MappingProxyType(keys | schedule | definition),
        )
        return function

    return register


def call_registered(name: str) -> Outcome:
    """
    Call a plain registered function, here and now. For the child process: what it returns can be pickled.

    Raises:
        ProbeUnable: No function of that name is registered in this process.
    """
    try:
        outcome = outcome_of(_registered(name).function())
    except Exception as error:  # noqa: BLE001  whatever the function raises is its answer
        outcome = outcome_of_error(error)
    return replace(outcome, phases_ms=dict(outcome.phases_ms))


def outcome_of(returned: object) -> Outcome:
    """
    What a function's return value says.

    Raises:
        ProbeUnable: It is nothing that a check can return.
    """
    match returned:
        case Outcome():
            return returned
        case True | None:
            return Outcome.up()
        case False:
            return Outcome.down("returned False")
        case _:
            raise ProbeUnable(
                f"the function returned {type(returned).__name__}; "
                "a check returns True, False, None or an Outcome"
            )


def outcome_of_error(error: Exception) -> Outcome:
    """What an exception of the function says: down, unless it lays no blame on the target."""
    match error:
        case EgressBlocked():
            return Outcome.blocked(str(error))
        case ProbeUnable():
            return Outcome.unknown(str(error))
        case CheckError():
            return Outcome.down(str(error))
        case _:
            said = str(error).replace("\0", "")[:SHOWN_CHARACTERS]
            return Outcome.down(f"{type(error).__name__}: {said}" if said else type(error).__name__)


def _registered(name: str) -> Registered:
    if (found := REGISTERED.get(name)) is None:
        raise ProbeUnable(f"no function {name!r} is registered; is its app in INSTALLED_APPS?")
    return found


def _place(function: Callable[[], object]) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__qualname__)}"


def _is_registered(name: str) -> str:
    if name not in REGISTERED:
        known = ", ".join(sorted(REGISTERED)) or "none"
        raise ValueError(f"no function {name!r} is registered; known: {known}")
    return name


@kind("python")
@dataclass(frozen=True, kw_only=True)
class Python(Kind):
    label = gettext_lazy("Python function")
    summary = gettext_lazy("Up when the registered function returns True.")
    icon: ClassVar[str] = "code"
    # A function may return an Outcome with any facts it likes.
    placeholders: ClassVar[frozenset[str]] = frozenset(
        {
            "STATUS",
            "RESPONSE_TIME",
            "BODY",
            "CONNECTED",
            "IP",
            "DNS_RCODE",
            "CERTIFICATE_EXPIRATION",
            "DOMAIN_EXPIRATION",
        }
    )

    function: Annotated[
        str,
        AfterValidator(_is_registered),
        Field(
            title=_("Function"),
            description=_("The name under which it is registered in a health_checks.py."),
        ),
    ]

    async def probe(self, probing: Probing) -> Outcome:
        registered = _registered(self.function)
        if not registered.is_async:
            return outcome_of(await probing.run_registered(self.function))
        try:
            returned = await cast(Awaitable[object], registered.function())
        except Exception as error:  # noqa: BLE001  whatever the function raises is its answer
            return outcome_of_error(error)
        return outcome_of(returned)

    def target(self) -> str:
        return self.function
