"""Who may read. Acting always needs a sign-in; that is asked for where something acts."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def may_read(request: HttpRequest) -> bool:
    """
    Whether this request may see checks, results and events.

    Where the dashboard is public the session is not touched, so that answers need no `Vary: Cookie`
    and no query.
    """
    return settings.PUBLIC_DASHBOARD or request.user.is_authenticated
