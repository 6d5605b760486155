"""The event log in the admin: to read, nothing else."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from checks.models import Event


@admin.register(Event)
class EventAdmin(admin.ModelAdmin):
    list_display = ("position", "recorded_at", "type", "stream", "version", "actor")
    list_filter = ("type",)
    list_per_page = 100
    show_full_result_count = False
    search_fields = ("stream",)
    search_help_text = gettext_lazy("Part of a stream's name, such as check-api.")
    ordering = ("-position",)
    fields = ("position", "stream", "version", "type", "actor", "recorded_at", "content", "about", "hash")
    readonly_fields = ("actor", "content", "about")
    actions: ClassVar[list[Any]] = []
    change_form_template = "admin/checks/event/change_form.html"

    @admin.display(description=gettext_lazy("actor"))
    def actor(self, event: Event) -> str:
        return str(event.metadata.get("actor", ""))

    @admin.display(description=gettext_lazy("data"))
    def content(self, event: Event) -> SafeString:
        return _as_json(event.data)

    @admin.display(description=gettext_lazy("metadata"))
    def about(self, event: Event) -> SafeString:
        return _as_json(event.metadata)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An event never changes, so it has no history but itself."""
        return HttpResponseRedirect(reverse("admin:checks_event_change", args=(object_id,)))


def _as_json(value: Any) -> SafeString:
    return format_html(
        '<pre class="bw-json">{}</pre>', json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    )
