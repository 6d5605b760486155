"""Who may look at a page, and who may act on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

from checks.commands.actor import Actor
from dashboard.access import may_read

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def may_act(request: HttpRequest) -> bool:
    """Acting always needs a sign-in, by somebody who belongs to the staff."""
    return request.user.is_authenticated and request.user.is_staff


def actor_of(request: HttpRequest) -> Actor:
    return Actor(request.user.get_username(), "person")


def readable(view: View[P]) -> View[P]:
    """Lead to the sign-in whoever may not look."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if may_read(request):
            return view(request, *args, **kwargs)
        return redirect_to_login(request.get_full_path())

    return guarded
