"""`/login/` and `/logout/`."""

from __future__ import annotations

from django.contrib.auth.views import LoginView


class SignIn(LoginView):
    template_name = "pages/sign_in.html"
    redirect_authenticated_user = True
