from importlib import import_module

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"
    verbose_name = "Breakwater"

    def ready(self) -> None:
        import_module("dashboard.startup")  # registers its checks
