"""A ModelAdmin that reads rows and changes nothing by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from checks import bus
from checks.errors import BreakwaterError, InvalidInput, Problem
from checks.queries.event_pages import stream_history
from dashboard.pages.access import actor_of

Fieldsets = list[tuple[str | None, dict[str, Any]]]


class CommandedAdmin(admin.ModelAdmin):
    """
    Lists and pages as Django draws them; every change is a command, every history a stream.

    Subclasses say which stream belongs to a row, and override the views that add and change.
    """

    actions: ClassVar[list[Any]] = []
    object_history_template = "admin/checks/stream_history.html"

    def stream_of(self, obj: Model) -> str:
        raise NotImplementedError

    def save_model(self, request: HttpRequest, obj: Model, form: forms.Form, change: bool) -> None:
        raise self._refusal()

    def save_formset(self, request: HttpRequest, form: forms.Form, formset: Any, change: bool) -> None:
        raise self._refusal()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        raise self._refusal()

    def _refusal(self) -> PermissionDenied:
        return PermissionDenied(f"{self.opts.verbose_name_plural} are changed by commands only.")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    # Django's own log of the admin would be a second history, without the changes made elsewhere.

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:
        return None

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> None:
        return None

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Model]) -> None:
        return None

    def do(self, request: HttpRequest, command: object) -> Any:
        """Hand a command to the bus in the name of whoever is signed in."""
        return bus.handle(command, actor=actor_of(request))

    def do_to_each(self, request: HttpRequest, commands: Iterable[object], done: str) -> None:
        """Hand over several commands, each by itself, and say what became of them."""
        succeeded = 0
        for command in commands:
            try:
                self.do(request, command)
            except BreakwaterError as error:
                messages.error(request, str(error))
            else:
                succeeded += 1
        if succeeded:
            messages.success(request, done % {"n": succeeded})

    def attempt(self, request: HttpRequest, form: forms.Form, command: object) -> bool:
        """Hand over a form's command; where it is refused, say why at the form's fields."""
        try:
            self.do(request, command)
        except InvalidInput as error:
            show_problems(form, error.problems)
        except BreakwaterError as error:
            form.add_error(None, str(error))
        return not form.errors

    def found(self, request: HttpRequest, object_id: str) -> Any:
        """The row, if there is one and it may be seen; else the answer that says so."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        return obj

    def form_page(
        self,
        request: HttpRequest,
        form: forms.Form,
        fieldsets: Fieldsets,
        title: str,
        obj: Model | None = None,
    ) -> HttpResponse:
        """A form drawn as Django draws its own; greyed where it may only be read."""
        if obj is not None and not self.has_change_permission(request, obj):
            for field in form.fields.values():
                field.disabled = True
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "subtitle": str(obj) if obj else None,
            "adminform": AdminForm(form, fieldsets, {}, model_admin=self),
            "original": obj,
            "object_id": obj.pk if obj else None,
            "is_popup": False,
            "to_field": None,
            "media": self.media + form.media,
            "inline_admin_formsets": [],
            "errors": form.errors,
            "preserved_filters": self.get_preserved_filters(request),
        }
        return self.render_change_form(request, context, add=obj is None, change=obj is not None, obj=obj)

    def after_saving(self, request: HttpRequest, slug: str, name: str) -> HttpResponse:
        """Where the pressed button leads."""
        messages.success(request, _("“%(name)s” was saved.") % {"name": name})
        admin_name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        if "_addanother" in request.POST:
            return HttpResponseRedirect(reverse(f"{admin_name}_add"))
        if "_continue" in request.POST:
            pk = self.get_queryset(request).values_list("pk", flat=True).get(slug=slug)
            return HttpResponseRedirect(reverse(f"{admin_name}_change", args=(pk,)))
        return HttpResponseRedirect(reverse(f"{admin_name}_changelist"))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except BreakwaterError as error:
            messages.error(request, str(error))
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return HttpResponseRedirect(reverse(name, args=(object_id,)))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Only the rows themselves: what goes with them is the command's business."""
        return [str(obj) for obj in objs], {str(self.opts.verbose_name_plural): len(objs)}, set(), []

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        obj = self.found(request, object_id)
        if isinstance(obj, HttpResponse):
            return obj
        context = {
            **self.admin_site.each_context(request),
            "title": _("History: %(name)s") % {"name": obj},
            "module_name": capfirst(str(self.opts.verbose_name_plural)),
            "object": obj,
            "opts": self.opts,
            "events": stream_history(self.stream_of(obj)),
            "preserved_filters": self.get_preserved_filters(request),
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.object_history_template, context)


SOURCE = "admin"
"""The source of what is defined here."""


class SourcedAdmin(CommandedAdmin):
    """A row belongs to its source: what comes from a file or from code is changed there."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.source == SOURCE)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.source == SOURCE)


def show_problems(form: forms.Form, problems: Iterable[Problem]) -> None:
    """Put each problem at the field it is about; the rest of its place stays in the sentence."""
    for problem in problems:
        name, _dot, within = problem.where.partition(".")
        if name in form.fields:
            form.add_error(name, f"{within}: {problem.message}" if within else problem.message)
        else:
            form.add_error(None, str(problem))
