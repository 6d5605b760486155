"""Every address of the dashboard that Django answers: one include for each face."""

from django.contrib import admin
from django.urls import include, path

from dashboard import health, metrics

urlpatterns = [
    path("", include("dashboard.pages.urls")),
    path("api/", include("dashboard.api.urls")),
    path("metrics", metrics.metrics, name="metrics"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
]
