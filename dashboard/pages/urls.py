"""Addresses of the pages that people open."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from dashboard.pages import badges, check, events, overview, status_page, theme
from dashboard.pages.sign_in import SignIn

urlpatterns = [
    path("", overview.overview_page, name="overview"),
    path("checks/<slug:slug>/", check.check_page, name="check"),
    path("checks/<slug:slug>/<str:name>", check.act, name="act"),
    path("events/", events.events_page, name="events"),
    path("status/<slug:slug>/", status_page.status_page, name="status-page"),
    path("badge/<slug:slug>/status.svg", badges.status_badge, name="badge-status"),
    path("badge/<slug:slug>/uptime.svg", badges.uptime_badge, name="badge-uptime"),
    path("badge/<slug:slug>/latency.svg", badges.latency_badge, name="badge-latency"),
    path("badge/<slug:slug>/shields.json", badges.shields, name="badge-shields"),
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("theme/", theme.choose_theme, name="theme"),
]
