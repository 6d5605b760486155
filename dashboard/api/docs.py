"""``/api/docs``: the interface's description, drawn by Swagger UI from our own host."""

from __future__ import annotations

from typing import Any

from csp.constants import SELF
from csp.decorators import csp_update
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.openapi.docs import Swagger

from dashboard.access import may_read


def docs_page(api: NinjaAPI) -> Any:
    """The view. Swagger's own stylesheet draws its arrows from data: images; nothing else is let loose."""
    swagger = Swagger({"layout": "BaseLayout", "deepLinking": True, "validatorUrl": None})

    @require_safe
    @csp_update({"img-src": [SELF, "data:"]})
    def docs(request: HttpRequest) -> HttpResponse:
        if not may_read(request):
            return redirect_to_login(request.get_full_path())
        return swagger.render_page(request, api)

    return docs
