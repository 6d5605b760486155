from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class ChecksConfig(AppConfig):
    """The engine. When it is ready, every installed app's ``health_checks.py`` has been read."""

    name = "checks"
    verbose_name = _("Health checks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        autodiscover_modules("health_checks")
