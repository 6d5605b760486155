"""Checks in the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checks.commands.checks import DefineCheck, PauseCheck, RemoveCheck, ResumeCheck, RunCheckNow
from checks.errors import InvalidInput, NotFound
from checks.models import Check
from checks.queries.definitions import definition_of
from checks.queries.kinds import kind_description, kind_descriptions
from checks.queries.secrets import with_kept_secrets
from dashboard.admin.check_form import CheckForm
from dashboard.admin.commanded import SOURCE, SourcedAdmin, show_problems
from dashboard.pages.words import STATUS, status_word


class StatusFilter(admin.SimpleListFilter):
    title = gettext_lazy("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status, str(word)) for status, word in STATUS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Check]) -> QuerySet[Check]:
        match self.value():
            case None:
                return queryset
            case "paused":
                return queryset.filter(state__paused=True)
            case status:
                return queryset.filter(state__status=status)


@admin.register(Check)
class CheckAdmin(SourcedAdmin):
    list_display = ("name", "slug", "status", "kind", "group", "source")
    list_filter = (StatusFilter, "kind", "group", "location", "source")
    list_select_related = ("state",)
    list_per_page = 100
    search_fields = ("slug", "name", "group")
    search_help_text = gettext_lazy("Part of a name, a slug or a group.")
    actions: ClassVar[list[Any]] = ["pause", "resume", "run_now"]
    change_form_template = "admin/checks/check/change_form.html"

    @admin.display(description=gettext_lazy("status"), ordering="state__status")
    def status(self, check: Check) -> SafeString:
        paused = _(" (paused)") if check.state.paused else ""
        return format_html(
            '<span class="bw-status bw-{}">{}{}</span>',
            check.state.status,
            status_word(check.state.status),
            paused,
        )

    def stream_of(self, obj: Model) -> str:
        return f"check-{obj.slug}"

    def view_on_site(self, check: Check) -> str:
        return f"/checks/{check.slug}/"

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        try:
            kind = kind_description(request.GET.get("kind", ""))
        except NotFound:
            return self._choose_kind(request)
        form = CheckForm(kind, data=request.POST or None)
        if form.is_valid() and self._define(request, form, form.cleaned_data["slug"]):
            return self.after_saving(request, form.cleaned_data["slug"], form.cleaned_data["name"])
        return self.form_page(
            request, form, form.fieldsets(), _("Add a check: %(kind)s") % {"kind": kind.label}
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        check = self.found(request, object_id)
        if isinstance(check, HttpResponse):
            return check
        existing = definition_of(check.slug)
        if request.method == "POST" and not self.has_change_permission(request, check):
            raise PermissionDenied
        form = CheckForm(kind_description(existing.kind), existing, request.POST or None)
        if form.is_valid() and self._define(request, form, check.slug):
            return self.after_saving(request, check.slug, form.cleaned_data["name"] or check.slug)
        title = _("Change check") if self.has_change_permission(request, check) else _("View check")
        return self.form_page(request, form, form.fieldsets(), title, check)

    def delete_model(self, request: HttpRequest, obj: Check) -> None:
        self.do(request, RemoveCheck(slug=obj.slug))

    @admin.action(description=gettext_lazy("Pause selected checks"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Check]) -> None:
        commands = [PauseCheck(slug=check.slug) for check in queryset]
        self.do_to_each(request, commands, _("%(n)d checks were paused."))

    @admin.action(description=gettext_lazy("Resume selected checks"), permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Check]) -> None:
        commands = [ResumeCheck(slug=check.slug) for check in queryset]
        self.do_to_each(request, commands, _("%(n)d checks were resumed."))

    @admin.action(description=gettext_lazy("Run selected checks now"), permissions=["change"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[Check]) -> None:
        commands = [RunCheckNow(slug=check.slug) for check in queryset]
        self.do_to_each(request, commands, _("%(n)d checks are due now."))

    def _choose_kind(self, request: HttpRequest) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Add a check: what is to be watched?"),
            "opts": self.opts,
            "kinds": kind_descriptions(),
        }
        return TemplateResponse(request, "admin/checks/check/choose_kind.html", context)

    def _define(self, request: HttpRequest, form: CheckForm, slug: str) -> bool:
        try:
            definition = with_kept_secrets(slug, form.definition)
        except InvalidInput as error:
            show_problems(form, error.problems)
            return False
        version = form.cleaned_data["version"]
        return self.attempt(
            request,
            form,
            DefineCheck(slug=slug, definition=definition, source=SOURCE, expected_version=version),
        )
