"""`/login/` and `/logout/`."""

from __future__ import annotations

from django.contrib.auth.views import LoginView

from dashboard.brake import SignInForm


class SignIn(LoginView):
    authentication_form = SignInForm
    template_name = "pages/sign_in.html"
    redirect_authenticated_user = True
